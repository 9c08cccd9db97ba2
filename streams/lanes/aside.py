"""Stored values that cannot be read: found, set aside as dead letters, and treated as absent.

A value may be damaged, or written by a newer keyart. `keyart replay` makes it anew from the log.
"""

from collections.abc import Callable, Mapping

from keyart.streams.letters import reason_of, state_letter
from keyart.streams.ports import Lane
from keyart.streams.steps.effects import Effects

Check = Callable[[str, bytes], object]
"""(key, value) -> anything; raises whatever it likes when the value cannot be used."""

Value = tuple[str, str, bytes]
"""(family, key, value) as stored."""


def fault(check: Check | None, key: str, value: bytes) -> str:
    """Return why a value cannot be used, "" when it can."""
    try:
        if check is not None:
            check(key, value)
    except MemoryError:
        raise
    except Exception as wrong:
        return reason_of(wrong)
    return ""


def set_aside(
    lane: Lane, checks: Mapping[str, Check], held: dict[tuple[str, str], bytes | None]
) -> Effects:
    """Set aside what cannot be used among the values held; they are None afterwards.

    Counts: `set_aside`.
    """
    effects = Effects()
    for (family, key), value in held.items():
        if value is None or not (reason := fault(checks.get(family), key, value)):
            continue
        lose(effects, lane, (family, key, value), reason)
    for where in effects.puts:
        held[where] = None
    return effects


def lose(effects: Effects, lane: Lane, value: Value, reason: str) -> None:
    """Add to the effects that a stored value goes, and becomes a letter."""
    family, key, data = value
    effects.puts[family, key] = None
    effects.outputs.append(state_letter(lane, family, key, data, reason))
    effects.counts["set_aside"] += 1
