"""Any page of beliefs at all gives distributions, and choices that follow them."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from keyart.models.bandits.protocol import Page, choose, mix
from keyart.models.bandits.registry import POLICIES, build_policy

SETTINGS = settings(max_examples=40, deadline=None)


@st.composite
def pages(draw: st.DrawFn, least_sd: float = 0.0) -> Page:
    """Return a page with ties, zeros, certainty, and scales many decades apart."""
    titles, artworks = draw(st.integers(1, 4)), draw(st.integers(1, 12))
    shape = (titles, artworks)

    def table(values: st.SearchStrategy[float]) -> np.ndarray:
        return draw(arrays(np.float64, shape, elements=values))

    mask = draw(arrays(np.bool_, shape))
    mask[
        np.arange(titles), draw(arrays(np.int64, titles, elements=st.integers(0, artworks - 1)))
    ] = True
    decades = st.integers(-8, -1).map(lambda power: 10.0**power)
    shares = st.one_of(st.just(0.0), st.just(0.02), decades, st.floats(0.0, 0.999))
    counts = st.one_of(st.just(0.0), st.floats(0.0, 1e7))
    seen = table(counts)
    return Page(
        mask=mask,
        mean=table(shares),
        sd=np.maximum(table(shares), least_sd),
        seen=seen,
        taken=seen * table(st.floats(0.0, 1.0)),
        prior_mean=table(shares),
        prior_strength=table(counts),
        impressions=(seen * mask).sum(axis=1),
        features=draw(arrays(np.float64, (*shape, 3), elements=st.floats(-5.0, 5.0))),
        weights=draw(arrays(np.float64, 3, elements=st.floats(-1.0, 1.0))),
        weight_covariance=np.eye(3) * draw(st.floats(0.0, 1.0)),
    )


@SETTINGS
@given(page=pages(), name=st.sampled_from(sorted(POLICIES)), share=st.floats(0.0, 1.0))
def test_any_belief_gives_distributions(page: Page, name: str, share: float) -> None:
    own = build_policy(name).propensities(page)
    for got in (own, mix(own, page.mask, share)):
        assert np.isfinite(got).all()
        assert (got >= 0.0).all()
        assert (got[~page.mask] == 0.0).all()
        np.testing.assert_allclose(got.sum(axis=1), 1.0, atol=1e-9)


@SETTINGS
@given(page=pages(), name=st.sampled_from(["thompson", "optimistic"]))
def test_gamma_and_other_noise_survive_any_belief(page: Page, name: str) -> None:
    parameters: dict[str, float | str] = (
        {"marginals": "gamma"} if name == "thompson" else {"c": 0.0, "s": 1.0}
    )
    got = build_policy(name, **parameters).propensities(page)
    assert (got >= 0.0).all()
    np.testing.assert_allclose(got.sum(axis=1), 1.0, atol=1e-9)


@SETTINGS
# what is certain to nine digits is decided by rounding
@given(page=pages(least_sd=1e-9), scale=st.floats(1e-3, 1.0))
def test_a_scale_of_take_changes_nothing(page: Page, scale: float) -> None:
    """The default policy thinks in relative effects: a title half as popular is decided alike."""
    policy = build_policy("optimistic")
    scaled = Page(
        **{
            name: getattr(page, name) * scale if name in ("mean", "sd") else getattr(page, name)
            for name in Page.__dataclass_fields__
        }
    )
    np.testing.assert_allclose(policy.propensities(scaled), policy.propensities(page), atol=2e-5)


@SETTINGS
@given(
    weights=arrays(np.float64, 9, elements=st.one_of(st.just(0.0), st.floats(1e-12, 1.0))),
    uniform=st.floats(0.0, 1.0, exclude_max=True),
)
def test_a_choice_has_probability(weights: np.ndarray, uniform: float) -> None:
    assume(weights.sum() > 0.0)
    shares = weights / weights.sum()
    assert shares[choose(shares[None], np.array([uniform]))[0]] > 0.0
