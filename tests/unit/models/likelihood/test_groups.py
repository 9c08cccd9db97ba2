"""A group for which opinions are worth something else is found, and chance is not."""

from typing import Any

import numpy as np
import pytest

from keyart.models.likelihood.calibrate import calibrate
from keyart.models.likelihood.groups import LEAST_TITLES, GroupWorth, worth_by_group
from keyart.models.likelihood.relative import relative_effects


def counts(powers: dict[str, float], *, titles: int = 80, seed: int = 0) -> dict[str, Any]:
    """Return opinions, and counts in a world where each group takes them to a power of its own."""
    rng = np.random.default_rng(seed)
    group = np.repeat(list(powers), titles * 4)
    title = np.repeat(np.arange(len(powers) * titles), 4)
    opinion = rng.normal(0.0, 0.2, len(title))
    power = np.array([powers[name] for name in group])
    level = np.exp(rng.normal(np.log(0.03), 0.4, len(powers) * titles))[title]
    own = rng.gamma(1 / 0.15**2, 0.15**2, len(title))
    impressions = rng.integers(500, 3000, len(title)).astype(float)
    takes = rng.poisson(level * np.exp(power * opinion) * own * impressions).astype(float)
    return {
        "opinion": opinion,
        "group": group.tolist(),
        "title": title,
        "impressions": impressions,
        "takes": np.minimum(takes, impressions),
    }


def found(made: dict[str, Any]) -> dict[str, GroupWorth]:
    effects = relative_effects(made["title"], made["impressions"], made["takes"])
    overall = calibrate(made["opinion"], effects)
    opinion = made.pop("opinion") * overall.scale
    return worth_by_group(opinion, overall.spread, **made)


def test_a_group_in_which_opinions_do_not_hold_is_found() -> None:
    groups = found(counts({"films": 1.0, "series": 1.0, "sports": 0.0, "": 1.0}))
    assert groups["sports"].factor == pytest.approx(0.0, abs=0.35)
    assert groups["sports"].strength == 0.0 or groups["sports"].factor > 0.0
    assert groups["sports"].gain > 4.0
    for name in groups.keys() & {"films", "series"}:
        assert groups[name].factor > 1.0  # the rest was shrunk by the group that is wrong
    assert "" not in groups


def test_groups_that_are_alike_are_left_alone() -> None:
    for seed in range(5):
        assert not found(counts({"films": 1.0, "series": 1.0}, seed=seed))


def test_little_evidence_is_none() -> None:
    few = counts({"films": 1.0, "sports": -1.0}, titles=LEAST_TITLES - 1)
    assert not found(few)
