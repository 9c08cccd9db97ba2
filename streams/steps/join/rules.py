"""How rewards are made."""

from dataclasses import dataclass, field
from typing import Final

from keyart.models.sums.rewards import RewardRules
from keyart.schemas.decisions import DWELL_S

HOUR_MS: Final = 3_600_000
SERVERS_APART_MS: Final = 5_000
"""How far the clocks of the api and of the log may be apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRules:
    """How rewards are made.

    Parameters
    ----------
    rewards
        The definition and its window.
    lateness_ms
        How long a window stays open for events that come late.
    dwell_ms
        How long a decision stands, and waits for its impression.
    hourly
        Rewards of one viewer that may teach in an hour.
    hourly_of_title
        The same of one title: one for each of the surfaces that it is told apart on.
    """

    rewards: RewardRules = field(default_factory=RewardRules)
    lateness_ms: int = 120_000
    dwell_ms: int = DWELL_S * 1000
    hourly: int = 500
    hourly_of_title: int = 8

    @property
    def patience_ms(self) -> int:
        """How long an event is waited for, or waits for its decision."""
        return self.rewards.window_ms + self.lateness_ms

    @property
    def life_ms(self) -> int:
        """How long after it was made a decision may still be met."""
        return self.dwell_ms + self.patience_ms

    @property
    def moment_ms(self) -> int:
        """How much earlier than its impression an engagement may be stamped in the same visit."""
        return min(60_000, self.lateness_ms)
