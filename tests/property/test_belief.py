"""What must hold of beliefs whatever the sums are."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from keyart.models.belief.beliefs import Learned, TitleBeliefs, refresh
from keyart.models.belief.hyper import Hyper
from keyart.models.sums.arrays import Sums

HYPER = Hyper()
FIELDS = ("log_relative", "prior_log", "cv", "seen", "taken")


@st.composite
def posteriors(draw: st.DrawFn) -> Sums:
    titles, artworks = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    surfaces = draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale = 10.0 ** draw(st.integers(0, 6))
    expected = rng.gamma(0.5, scale, (titles, artworks, surfaces))
    expected *= rng.random(expected.shape) < 0.7
    takes = expected * rng.beta(0.5, 5.0, expected.shape)
    counts = rng.integers(1, artworks + 1, titles)
    return Sums.of(
        takes=takes,
        expected=expected,
        opinion=rng.normal(0.0, draw(st.sampled_from([0.0, 0.3, 3.0])), (titles, artworks)),
        mask=np.arange(artworks) < counts[:, None],
        group=rng.integers(0, 2, titles) if draw(st.booleans()) else None,
    )


def believed(sums: Sums) -> TitleBeliefs:
    start = Learned.start(HYPER, surfaces=sums.takes.shape[2])
    return refresh(sums, HYPER, start)[0]


@settings(max_examples=60, deadline=None)
@given(posteriors())
def test_beliefs_are_finite_and_in_range(sums: Sums) -> None:
    beliefs = believed(sums)
    for name in ("level", *FIELDS, "trust", "spread"):
        assert np.isfinite(getattr(beliefs, name)).all(), name
    assert (beliefs.level > 0.0).all()
    assert (beliefs.cv[sums.mask] > 0.0).all()
    assert (beliefs.trust >= min(HYPER.trusts) - 1e-9).all()
    assert (beliefs.trust <= max(HYPER.trusts) + 1e-9).all()
    assert np.allclose(np.where(sums.mask, 0.0, beliefs.log_relative), 0.0)


@settings(max_examples=40, deadline=None)
@given(posteriors(), st.integers(0, 1000))
def test_order_of_titles_and_artworks_does_not_matter(sums: Sums, seed: int) -> None:
    rng = np.random.default_rng(seed)
    titles, artworks = rng.permutation(len(sums.mask)), rng.permutation(sums.mask.shape[1])
    turned = Sums.of(
        takes=sums.takes[titles][:, artworks],
        expected=sums.expected[titles][:, artworks],
        opinion=sums.opinion[titles][:, artworks],
        mask=sums.mask[titles][:, artworks],
        group=None if sums.group is None else sums.group[titles],
    )
    first, second = believed(sums), believed(turned)
    for name in FIELDS:
        assert np.allclose(
            getattr(first, name)[titles][:, artworks], getattr(second, name), atol=1e-6
        )
    assert np.allclose(first.level[titles], second.level, rtol=1e-6)
    assert np.allclose(first.trust[titles], second.trust, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(posteriors())
def test_an_opinion_of_all_alike_is_no_opinion(sums: Sums) -> None:
    alike = Sums.of(
        takes=sums.takes,
        expected=sums.expected,
        opinion=np.full(sums.mask.shape, 0.7),
        mask=sums.mask,
        group=sums.group,
    )
    beliefs = believed(alike)
    assert np.allclose(beliefs.prior_log, 0.0, atol=1e-9)
    blind = Hyper(trusts=(0.0,))
    start = Learned.start(blind, surfaces=sums.takes.shape[2])
    without, _ = refresh(alike, blind, start)
    assert np.allclose(beliefs.log_relative, without.log_relative, atol=1e-6)
