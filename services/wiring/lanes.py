"""Lanes with the rules that settings give them; where they keep their state is whoever asks's."""

from collections.abc import Container
from typing import TYPE_CHECKING

from keyart.models.taste.update import TasteRates
from keyart.services.wiring.dwell import longest_dwell_ms
from keyart.services.wiring.rewards import reward_rules
from keyart.services.wiring.settings import Settings
from keyart.streams.catalogue.view import CatalogueView
from keyart.streams.ports import StateStore
from keyart.streams.steps.bandit import BanditRules

# the api runs no lane: what packs pages would be a tenth of its memory
if TYPE_CHECKING:
    from keyart.streams.lanes.titles import TitlesLane
    from keyart.streams.lanes.viewers import ViewersLane
    from keyart.streams.steps.join import JoinRules

MS_PER_DAY = 86_400_000


def join_rules(settings: Settings) -> "JoinRules":
    """Return how rewards are made.

    Raises
    ------
    SettingsError
        A definition of reward cannot be used.
    """
    from keyart.streams.steps.join import JoinRules

    return JoinRules(
        rewards=reward_rules(settings),
        lateness_ms=round(settings.lateness_s * 1000),
        dwell_ms=longest_dwell_ms(settings),
        hourly=settings.viewer_hourly_rewards,
    )


def taste_rates(settings: Settings) -> TasteRates:
    """Return how fast taste forgets."""
    return TasteRates(
        long_hours=settings.taste_long_half_life_days * 24,
        short_hours=settings.taste_short_half_life_hours,
    )


def bandit_rules(settings: Settings) -> BanditRules:
    """Return how fast the bandit forgets."""
    return BanditRules(
        half_life_ms=settings.posterior_half_life_days * MS_PER_DAY,
        bucket_ms=settings.bucket_s * 1000,
        hold_bursts=settings.hold_bursts,
    )


def taste_kept_ms(settings: Settings) -> int:
    """Return how long a taste that nothing moves is kept, in milliseconds; 0: for ever."""
    return round(settings.taste_kept_days * MS_PER_DAY)


def viewers_lane(
    settings: Settings,
    store: StateStore,
    partition: int,
    *,
    catalogue: CatalogueView,
    already: Container[str] = (),
) -> "ViewersLane":
    """Return a lane of viewers on a store; `already` are the ids of rewards that are in the log."""
    from keyart.streams.lanes.viewers import ViewersLane

    return ViewersLane(
        store,
        partition,
        catalogue=catalogue,
        rules=join_rules(settings),
        rates=taste_rates(settings),
        already=already,
    )


def titles_lane(settings: Settings, store: StateStore, partition: int) -> "TitlesLane":
    """Return a lane of titles on a store."""
    from keyart.streams.lanes.titles import TitlesLane

    return TitlesLane(store, partition, rules=bandit_rules(settings))
