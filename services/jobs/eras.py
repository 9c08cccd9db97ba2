"""What a site's state was made with, and what is said where that is not what is set now."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Final

from keyart.schemas.errors import SettingsError
from keyart.services.wiring.rewards import plugins_of, reward_rules
from keyart.services.wiring.settings import Settings
from keyart.streams.eras import Era, Value
from keyart.streams.ports import TITLES, VIEWERS, Lane, StateStore
from keyart.streams.site import MadeWith

MAKING: Final[Mapping[str, tuple[str, ...]]] = {
    VIEWERS: (
        "taste_long_half_life_days",
        "taste_short_half_life_hours",
        "reward",
        "reward_window_s",
        "reward_minutes",
        "rewards",
        "guardrails",
        "lateness_s",
        "dwell_s",
        "dwell_by_surface",
        "swaps_a_day",
        "viewer_hourly_rewards",
    ),
    TITLES: ("posterior_half_life_days", "bucket_s", "hold_bursts"),
}
"""The settings that a lane of each kind reads its log with."""
DRAWN: Final = frozenset({"bucket_s"})
"""Those that only the page's figures depend on."""
PLUGINS: Final = "reward_plugins"
"""No setting: which code of other packages values what was seen, where any does."""
AHEAD: Final = frozenset((*MAKING[VIEWERS], PLUGINS)) - {
    "taste_long_half_life_days",
    "taste_short_half_life_hours",
}
"""Those that rewards to come depend on: a reward that is in the log stands as it was made."""


_REWARDS: Final = ("reward", "rewards", "guardrails", "reward_window_s")


def making(settings: Settings, kind: str) -> dict[str, Value]:
    """Return the settings that a lane of this kind reads with, and the code of others'."""
    found: dict[str, Value] = {name: getattr(settings, name) for name in MAKING[kind]}
    if kind == VIEWERS:
        found[PLUGINS] = plugins_of(settings)
    return found


def lanes_of(settings: Settings) -> list[Lane]:
    """Return all lanes of a site."""
    return [Lane(kind, each) for kind in (VIEWERS, TITLES) for each in range(settings.partitions)]


def begin_era(
    made_with: MadeWith, store: StateStore, settings: Settings, lane: Lane, *, at_ms: int
) -> None:
    """Note what a lane is read with from here on; call it before its owner reads."""
    made_with.begin(lane, making(settings, lane.kind), store.offsets(lane), at_ms=at_ms)


def eras_of(made_with: MadeWith, settings: Settings, lane: Lane) -> list[tuple[Era, Settings]]:
    """Return a lane's eras, each with settings that make lanes as it did; at least one.

    Where an era's rewards cannot be had any more (a package that is gone), those of now stand in:
    only rewards to come depend on them.
    """
    made = made_with.read(lane)
    eras = list(made.eras) or [Era(settings=making(settings, lane.kind), known=False)]
    known = {each.name for each in fields(Settings)}
    found = []
    for era in eras:
        given = {name: value for name, value in era.settings.items() if name in known}
        its = replace(settings, **given)  # type: ignore[arg-type]
        try:
            reward_rules(its)
        except SettingsError:
            its = replace(its, **{name: getattr(settings, name) for name in _REWARDS})
        found.append((era, its))
    return found


def said_of_eras(settings: Settings, lane: Lane, eras: list[tuple[Era, Settings]]) -> Iterator[str]:
    """Yield a sentence for each setting that is, or once was, another one than now."""
    now = making(settings, lane.kind)
    last = eras[-1][0].settings
    for name, value in now.items():
        if name in last and last[name] != value:
            yield (
                f"the state was made with {name} {last[name]}, and it is {value} here "
                f"({_meaning(name)})"
            )
    for (before, _), (after, _) in zip(eras, eras[1:], strict=False):
        for name, value in after.settings.items():
            if name in before.settings and before.settings[name] != value:
                when = datetime.fromtimestamp(after.at_ms / 1000, UTC).isoformat("T", "seconds")
                yield (
                    f"{name} was {before.settings[name]}, and {value} from {when} on "
                    f"({_meaning(name)})"
                )
    if not eras[0][0].known:
        yield "what made the oldest part of the state is not known; taken is what is set now"


def _meaning(name: str) -> str:
    if name in DRAWN:
        return "it is only how the page draws, and not compared"
    if name in AHEAD:
        return "rewards in the log stand as they were made"
    return "compared as it was made"
