"""How viewers are shared out between policies, as one line of text that is logged with decisions.

`explore=0.05;optimistic=0.9;lola=0.1`: the share of uniform exploration, then each arm with its
share of viewers, the default policy first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Shares, 0 to 1: `arms` in order, the default policy first; no arms where none is known."""

    explore: float | None = None
    arms: Mapping[str, float] = field(default_factory=dict)


def split_text(explore: float, arms: Mapping[str, float]) -> str:
    """Return the line; arms of no share are left out, but never the first."""
    first = next(iter(arms), "")
    told = [f"{name}={share:.6g}" for name, share in arms.items() if share > 0.0 or name == first]
    return ";".join([f"explore={explore:.6g}", *told])


def read_split(text: str) -> Split:
    """Return what the line says; what cannot be read, as the line of an unknown time, is none."""
    explore, arms = None, {}
    for at, part in enumerate(text.split(";")):
        name, _, share = part.rpartition("=")
        try:
            value = float(share)
        except ValueError:
            return Split()
        if not 0.0 <= value <= 1.0 or not name:
            return Split()
        if at == 0:
            explore = value
        else:
            arms[name] = value
    return Split(explore=explore, arms=arms)
