"""What is drawn from where a row has left some: the policy on them, title by title."""

import numpy as np
import pytest

from keyart.models.decide.narrowed import Narrowed


@pytest.mark.parametrize("count", [3, 12, 13, 40])
def test_shares_are_the_policys_on_what_is_left(count: int) -> None:
    """And where it has nothing there the best share; as one title alone would be reckoned."""
    rng = np.random.default_rng(count)
    own = rng.dirichlet(np.ones(count), 30)
    own[:10] = np.eye(count)[rng.integers(count, size=10)]  # one best, and nothing else
    index = rng.integers(4, size=(30, count)).astype(np.float64)  # ties
    rows = np.sort(rng.permutation(30)[:20])
    kept = rng.random((20, count)) < 0.5
    kept[np.arange(20), rng.integers(count, size=20)] = True
    lefts = [sum(1 << at for at, its in enumerate(row.tolist()) if its) for row in kept]
    assert max(lefts).bit_length() > count - 3
    narrowed = Narrowed(own, lambda: index)
    for share in (0.05, np.linspace(0.0, 1.0, 20)[:, None]):
        found = narrowed.shares(rows, lefts, share)
        parts = np.broadcast_to(share, (20, 1))[:, 0].tolist()
        for at, its, left, part in zip(rows.tolist(), found, kept, parts, strict=True):
            policys = np.where(left, own[at], 0.0)
            if policys.sum() <= 1e-9:
                best = index[at][left].max()
                policys = (left & (index[at] == best)).astype(np.float64)
            expected = (1.0 - part) * policys / policys.sum() + part * left / left.sum()
            np.testing.assert_allclose(its, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("explored", [True, False])
def test_a_coin_that_runs_through_its_side_draws_each_by_its_share(explored: bool) -> None:
    own, share = np.array([[0.5, 0.1, 0.0, 0.3, 0.1]]), 0.2
    left, places = 0b11010, [1, 3, 4]
    coins = (np.arange(10_000) + 0.5) / 10_000
    coins = coins[(coins < share) == explored]
    narrowed = Narrowed(own, lambda: own)
    drawn = [narrowed.draw(0, left, explored, share, coin) for coin in coins.tolist()]
    found = np.bincount(drawn, minlength=5) / len(drawn)
    expected = np.zeros(5)
    expected[places] = 1 / 3 if explored else own[0, places] / 0.5
    np.testing.assert_allclose(found, expected, atol=1e-3)
