"""How many impressions a language model's opinion is worth, by what it missed when held out."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from keyart.models.dataset.examples import Example
from keyart.models.likelihood.calibrate import calibrate
from keyart.models.likelihood.groups import GroupWorth, worth_by_group
from keyart.models.likelihood.relative import relative_effects
from keyart.models.priors.opinion import relative_log

UNMEASURED: Final = 50.0
"""Impressions that an opinion is worth before anybody has measured it."""
LEAST_TITLES: Final = 10
LEAST_TAKES: Final = 200
"""Below either, what is measured would be chance: little evidence is no evidence against."""


class Worth(Struct, frozen=True, kw_only=True):
    """What held-out takes say of the opinions, as `models.likelihood.calibrate` measures it.

    `scale` is the power by which relative opinions become log relative takes (an option that is
    the best with probability 0.6 does not get 0.6 of the takes); `strength` the effective sample
    size in impressions; `gain` the log likelihood over that of no opinion, in nats, over so many
    `titles`. An opinion that does not help has scale and strength 0. `groups` are the title groups
    that differ.
    """

    scale: float
    strength: float
    gain: float
    titles: int
    groups: dict[str, GroupWorth] = {}

    @property
    def figures(self) -> dict[str, float]:
        """What a version says of it, by name."""
        return {"gain": self.gain, "strength": self.strength, "scale": self.scale}

    def of(self, group: str) -> tuple[float, float]:
        """Return scale and strength for titles of this group."""
        own = self.groups.get(group)
        return (self.scale * own.factor, own.strength) if own else (self.scale, self.strength)


def measure_worth(
    examples: Sequence[Example], probabilities: Sequence[NDArray[np.float64]]
) -> Worth | None:
    """Return the worth of opinions (K_i,) on these examples; None where there is too little.

    Impressions and takes are summed by title and artwork, and so is what was thought of it, as the
    mean over the impressions: what is measured is the opinion of an artwork, whoever looks.
    """
    sums: dict[tuple[str, str], NDArray[np.float64]] = {}
    groups: dict[str, str] = {}
    for example, probability in zip(examples, probabilities, strict=True):
        opinion = relative_log(probability)
        groups[example.title] = example.group
        for at, option in enumerate(example.options):
            shown, taken = example.impressions[at], example.rewards[at]
            worth = shown * example.place
            row = sums.setdefault((example.title, option.artwork), np.zeros(3))
            row += (worth, min(taken, shown), worth * opinion[at])
    kept = {key: row for key, row in sums.items() if row[0] > 0}
    titles = sorted({title for title, _ in kept})
    rows = np.array(list(kept.values())).reshape(-1, 3)
    if len(titles) < LEAST_TITLES or rows[:, 1].sum() < LEAST_TAKES:
        return None
    number = {title: at for at, title in enumerate(titles)}
    title = np.array([number[title] for title, _ in kept])
    opinions = rows[:, 2] / rows[:, 0]
    found = calibrate(opinions, relative_effects(title, rows[:, 0], rows[:, 1]))
    return Worth(
        scale=round(found.scale, 4),
        strength=round(found.strength, 1),
        gain=round(found.gain, 2),
        titles=len(titles),
        groups=worth_by_group(
            opinions * found.scale,
            found.spread,
            group=[groups[name] for name, _ in kept],
            title=title,
            impressions=rows[:, 0],
            takes=rows[:, 1],
        ),
    )
