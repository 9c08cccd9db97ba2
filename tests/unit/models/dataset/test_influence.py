"""What a reward counts: no viewer above its share, no hour that contradicts the rest above its."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyart.models.dataset.influence import (
    EXACT,
    FEW,
    LEAST,
    Bounds,
    Told,
    hour_weights,
    level_cap,
    weights,
)
from keyart.models.sums.rates import luck, lucks

ONLY_VIEWERS = Bounds(viewer_share=0.05, hour_share=1.0)
ONLY_HOURS = Bounds(viewer_share=1.0, hour_share=0.05)


def told(seed: int, rows: int, *, viewers: int, titles: int = 3) -> Told:
    """Honest rewards of some titles with four artworks each, over 30 hours."""
    rng = np.random.default_rng(seed)
    title, artwork = rng.integers(titles, size=rows), rng.integers(4, size=rows)
    rates = np.array([0.05, 0.05, 0.05, 0.15])
    often = rng.pareto(1.0, size=viewers) + 0.1
    return Told(
        title=title,
        artwork=title * 4 + artwork,
        viewer=rng.choice(viewers, size=rows, p=often / often.sum()),
        hour=rng.integers(30, size=rows),
        fresh=rng.random(rows) < 0.3,
        shown=rng.uniform(0.5, 2.0, size=rows),
        takes=(rng.random(rows) < rates[artwork]).astype(np.float64),
    )


def joined(first: Told, second: Told) -> Told:
    names = Told.__dataclass_fields__
    return Told(**{n: np.concatenate((getattr(first, n), getattr(second, n))) for n in names})


def made_up(count: int, **of: Any) -> Told:
    """Rewards that all take the first artwork of the first title."""
    plain: dict[str, Any] = {"title": 0, "artwork": 0, "viewer": 0, "hour": 7, "fresh": False}
    numbers = {name: np.broadcast_to(of.get(name, plain[name]), count) for name in plain}
    return Told(**numbers, shown=np.ones(count), takes=np.ones(count))


@settings(max_examples=60, deadline=None)
@given(
    masses=st.lists(
        st.lists(st.floats(0.0, 100.0), min_size=1, max_size=8), min_size=1, max_size=4
    ),
    share=st.floats(0.01, 1.0),
)
def test_a_cap_is_the_largest_that_its_own_sums_allow(
    masses: list[list[float]], share: float
) -> None:
    owner = np.repeat(np.arange(len(masses)), [len(each) for each in masses])
    flat = np.array([each for its in masses for each in its])
    found = level_cap(owner, flat, np.full(len(flat), share))
    for at, its in enumerate(masses):
        (cap,) = set(found[owner == at].tolist())
        kept = np.minimum(its, cap).sum()
        assert cap <= share * kept + 1e-9
        for larger in (cap * 1.01 + 1e-6, 2.0 * cap + 1e-3):
            assert larger > share * np.minimum(its, larger).sum() - 1e-9


def test_no_viewer_counts_more_than_its_share_of_a_title_whatever_they_say() -> None:
    honest = told(0, 6000, viewers=800)
    loud = joined(honest, made_up(2000, viewer=801))
    counts = weights(loud, ONLY_VIEWERS)
    for title in range(3):
        its = loud.title == title
        share = max(0.05, FEW / len(np.unique(loud.viewer[its])))
        for mass in (loud.shown, loud.takes):
            by_viewer = np.bincount(loud.viewer[its], (counts * mass)[its])
            assert by_viewer.max() <= max(share * by_viewer.sum(), LEAST) * (1.0 + EXACT)
    assert counts[-2000:].sum() < 0.05 * counts.sum()
    honest_alone = weights(honest, ONLY_VIEWERS)
    assert counts[:6000].sum() > 0.9 * honest_alone.sum()


def test_of_few_viewers_each_has_a_share_that_can_be_had() -> None:
    few = told(0, 300, viewers=6)
    few = Told(**{**as_dict(few), "viewer": np.arange(300) // 3 % 6})
    assert weights(few, ONLY_VIEWERS).sum() > 0.8 * 300
    erased = Told(**{**as_dict(few), "viewer": np.full(300, -1)})
    assert (weights(erased, ONLY_VIEWERS) == 1.0).all()


def as_dict(rows: Told) -> dict[str, Any]:
    return {name: getattr(rows, name) for name in Told.__dataclass_fields__}


@pytest.mark.parametrize("fresh", [True, False])
def test_a_flood_within_an_hour_moves_an_artwork_by_no_more_than_the_share(fresh: bool) -> None:
    honest = told(1, 6000, viewers=3000)
    flood = made_up(1500, viewer=np.arange(4000, 5500), fresh=fresh)
    counts = weights(joined(honest, flood), ONLY_HOURS)
    mine = (honest.artwork == 0) & ~((honest.hour == 7) & (honest.fresh | (not fresh)))
    for mass in (honest.shown, honest.takes):
        assert counts[6000:].sum() <= 0.05 / 0.95 * mass[mine].sum() + 1e-9
    elsewhere = honest.title != 0
    assert (counts[:6000][elsewhere] == 1.0).all()
    if fresh:  # honest viewers of the same hour who are not new keep their word
        assert counts[:6000][~honest.fresh].mean() > 0.999


def test_honest_hours_count_in_full_also_where_a_title_lives_for_an_afternoon() -> None:
    for seed in range(5):
        rows = told(seed, 6000, viewers=3000)
        assert weights(rows, ONLY_HOURS).mean() > 0.995
        news = Told(**{**as_dict(rows), "hour": rows.hour % 2})
        assert weights(news, ONLY_HOURS).mean() > 0.98


def test_an_hour_in_which_twice_as_much_is_taken_is_honest() -> None:
    whole = np.array([[500.0, 300.0], [5000.0, 5000.0]])
    busy = np.array([[[100.0, 60.0], [500.0, 500.0]]])
    assert (hour_weights(whole, busy, 0.05) == 1.0).all()
    other = np.array([[[60.0, 100.0], [500.0, 500.0]]])
    assert hour_weights(whole, other, 0.05).min() < 0.6


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**30), rows=st.integers(1, 400))
def test_the_order_of_rewards_moves_no_weight(seed: int, rows: int) -> None:
    mixed = joined(told(seed, rows, viewers=20), made_up(60, viewer=25))
    order = np.random.default_rng(seed).permutation(rows + 60)
    turned = Told(**{name: each[order] for name, each in as_dict(mixed).items()})
    counts = weights(mixed, Bounds())
    assert ((counts >= 0.0) & (counts <= 1.0)).all()
    np.testing.assert_allclose(weights(turned, Bounds()), counts[order], atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**30), count=st.integers(1, 6), artworks=st.integers(1, 5))
def test_luck_of_many_is_that_of_each(seed: int, count: int, artworks: int) -> None:
    rng = np.random.default_rng(seed)
    settled, said = rng.poisson(3.0, (2, count, 2, artworks)) * rng.integers(
        0, 2, (2, count, 2, artworks)
    ).astype(np.float64)
    each = [luck(*pair) for pair in zip(settled, said, strict=True)]
    np.testing.assert_allclose(lucks(settled, said), each, rtol=1e-9, atol=1e-300)
