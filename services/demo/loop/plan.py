"""How the loop's site is set, and how its first prior comes about."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from keyart.models.embed import Space
from keyart.models.simulate.vogue import VogueRules, VogueWorld, vogue_world
from keyart.services.demo.loop.life import PER_DAY, SHOWN_DAYS, Life
from keyart.services.demo.loop.site import Site
from keyart.services.jobs.retrain.run import PROMOTE
from keyart.services.wiring.settings import Settings

FIRST_FIT: Final = 2
"""Days after which the first prior is fitted on what was shown until then."""
DRIFT: Final = 4
"""Days after which other facets are in vogue."""
MOST_DAYS: Final = 24
START_MS: Final = 1_767_225_600_000
"""Always the same days: what is drawn depends on the time, and a seed tells one story."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopPlan:
    """What to live through.

    Parameters
    ----------
    seed
        Of the world, and of who comes when with what luck.
    viewers
        How many; each comes every few days.
    """

    seed: int
    viewers: int = 600


def settings_of(folder: Path) -> Settings:
    """Return the site's settings: the defaults, but for a loop that is on and a small audience.

    A canary's first share would be three viewers of so few, and its last step may last longer.
    """
    return Settings(
        data_dir=str(folder),
        retrain_drift=True,
        retrain_then="canary",
        retrain_least_rewards=3000,
        canary_shares="0.2,0.5",
        canary_most_hours=240.0,
    )


def world_of(plan: LoopPlan, space: Space) -> VogueWorld:
    """Return the world of a plan."""
    rules = VogueRules(titles=PER_DAY * (MOST_DAYS + SHOWN_DAYS), viewers=plan.viewers)
    return vogue_world(space, rules, seed=plan.seed)


def begun(plan: LoopPlan, folder: Path, space: Space) -> Life:
    """Return a life on the morning of its first day."""
    site = Site(settings_of(folder), space, now_ms=START_MS, seed=plan.seed)
    return Life(site, world_of(plan, space), plan.seed, START_MS)


def first_prior(life: Life) -> bool:
    """Fit the first prior and let it serve, on the evening for that; return whether it was it."""
    if life.day != FIRST_FIT:
        return False
    life.site.retraining.run(reason="the first prior", then=PROMOTE)
    return True
