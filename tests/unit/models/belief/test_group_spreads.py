"""Spreads of groups: how far a new title's artworks may differ is what its genre's do."""

from dataclasses import replace

import numpy as np
import pytest

from keyart.models.sums.arrays import Sums
from tests.unit.models.belief.test_group_levels import believed

GROUPS, EACH, ARTWORKS = 6, 40, 5
NARROW, WIDE = 0.2, 0.5


def sums(seed: int) -> Sums:
    """Return titles of groups whose artworks differ little, or much; the first 15 are new."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(GROUPS), EACH)
    r = np.where(group % 2, WIDE, NARROW)[:, None]
    appeal = rng.gamma(1 / r**2, r**2, (len(group), ARTWORKS))
    new = np.arange(len(group)) % EACH < 15
    shown = np.where(new, 0.0, 3000.0)[:, None] + np.zeros(ARTWORKS)
    level = 0.03 * np.exp(rng.normal(0, 0.3, (len(group), 1)))
    return Sums.of(
        takes=rng.poisson(shown * level * appeal).astype(float),
        expected=shown,
        opinion=np.zeros_like(shown),
        mask=np.ones_like(shown, np.bool_),
        group=group,
    )


@pytest.mark.parametrize("seed", range(3))
def test_a_new_title_has_the_spread_of_its_group(seed: int) -> None:
    its = sums(seed)
    new = its.expected.sum(axis=(1, 2)) == 0.0
    assert its.group is not None
    odd = its.group % 2 == 1
    grouped, alone = (
        believed(each, shared=True).spread[new] for each in (its, replace(its, group=None))
    )
    # of a grid of 0.25 and 0.45: a title may differ from its group in one of ten
    assert (grouped[~odd[new]] < 0.29).all() and (grouped[odd[new]] > 0.41).all()
    # who does not know the groups takes all titles for one kind, and here for the wide one
    np.testing.assert_allclose(alone, grouped[odd[new]].mean(), rtol=1e-4)
