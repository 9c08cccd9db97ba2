"""What may be set otherwise than what serves: a bounded grid of policy options, one at a time.

The grid is absolute, around defaults and not around what serves: whoever tunes again and again
cannot walk out of it, to no exploration at all for example, which a log would applaud each time.
"""

from collections.abc import Iterator
from dataclasses import Field, dataclass, fields, is_dataclass
from typing import Any, Final

from keyart.models.bandits.protocol import Policy
from keyart.models.bandits.registry import build_policy
from keyart.schemas.errors import SettingsError

FACTORS: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Of a parameter's default."""
SHARES: Final = (0.01, 0.02, 0.05, 0.1, 0.2)
"""Of uniform exploration; less than the least of them leaves too little for the next evaluation."""
SIBLINGS: Final = ("optimistic", "thompson", "lola", "squarecb", "epsilon_greedy")
"""Policies that learn, and that read nothing that the log does not hold of every candidate."""
UNJUDGED: Final = ("linucb",)
"""Reads the features of every candidate, of which the log holds those of the shown one."""
MOST_OPTIONS: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A policy with its parameters, and the share of uniform exploration beside it.

    `name` says what is other than what serves, as `s=0.24` or `explore_share=0.1`; "" serves.
    """

    name: str
    policy: Policy
    explore_share: float


def options_beside(
    serving: Policy, explore_share: float, *, siblings: tuple[str, ...] = SIBLINGS
) -> list[Option]:
    """Return what may be set instead, each other than what serves in one thing.

    Parameters
    ----------
    serving
        The policy that serves, with its parameters.
    explore_share
        Of uniform exploration, 0 to 1.
    siblings
        Names of other policies that are looked at with their default parameters.

    Raises
    ------
    SettingsError
        A log cannot judge what serves.
    """
    if serving.name in UNJUDGED:
        raise SettingsError(
            f"{serving.name} reads features of every candidate, which the log does not hold: its "
            "options cannot be judged on it"
        )
    found = [
        Option(name=f"explore_share={share:g}", policy=serving, explore_share=share)
        for share in SHARES
        if share != explore_share
    ]
    given = parameters_of(serving)
    kinds: tuple[Field[Any], ...] = fields(serving) if is_dataclass(serving) else ()
    for each in kinds:
        for value in _values(each):
            if value == given[each.name]:
                continue
            other = build_policy(serving.name, **given | {each.name: value})
            said = f"{each.name}={value:g}" if isinstance(value, float) else f"{each.name}={value}"
            found.append(Option(name=said, policy=other, explore_share=explore_share))
    found += [
        Option(name=f"policy={name}", policy=build_policy(name), explore_share=explore_share)
        for name in siblings
        if name != serving.name
    ]
    return found[:MOST_OPTIONS]


def parameters_of(policy: Policy) -> dict[str, float | str]:
    """Return the policy's parameters as they are set."""
    if not is_dataclass(policy):
        return {}
    return {each.name: getattr(policy, each.name) for each in fields(policy)}


def _values(parameter: "Field[Any]") -> Iterator[float | str]:
    """Yield what a parameter may be set to: around its default and within its bounds."""
    meta, default = parameter.metadata, parameter.default
    if one_of := meta.get("one_of"):
        yield from one_of
    elif "low" in meta and isinstance(default, int | float):
        around = {min(max(default * each, meta["low"]), meta["high"]) for each in FACTORS}
        for value in sorted(around):
            if value > meta["low"] or (meta["low_included"] and value == default):
                yield round(float(value), 12)
