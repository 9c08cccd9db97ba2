"""What every policy must do, whatever it believes in: one suite, every registered policy."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from keyart.models.bandits.holdback import Holdback
from keyart.models.bandits.protocol import REASONS, Page, Policy
from keyart.models.bandits.registry import POLICIES, build_policy
from keyart.models.decide.explain import explain
from keyart.schemas.decisions import Decision, Terms

WRITTEN: dict[str, list[dict[str, float | str]]] = {
    "uniform": [{}],
    "epsilon_greedy": [{}, {"epsilon": 0.0}, {"epsilon": 1.0}],
    "linucb": [{}, {"alpha": 0.0}],
    "lola": [{}, {"a": 0.3, "strength": 1000.0}],
    "squarecb": [{}, {"scale": 100.0, "exponent": 0.5}],
    "thompson": [{}, {"scale": 0.5}, {"marginals": "gamma"}],
    "prior_only": [{}],
    "optimistic": [{}, {"s": 0.0}, {"c": 0.0, "s": 1.0}],
}


def from_bounds(name: str) -> list[dict[str, float | str]]:
    """Return the defaults, and each parameter in turn at another value that its field allows."""
    found: list[dict[str, float | str]] = [{}]
    built: Any = POLICIES[name]()
    for parameter in fields(built):
        meta, default = parameter.metadata, getattr(built, parameter.name)
        others = meta.get("one_of") or (meta["low"], min(meta["high"], 1.0 + 2.0 * default))
        for value in others:
            if value != default and (value != meta.get("low") or meta["low_included"]):
                found.append({parameter.name: value})
    return found


VARIANTS = {name: WRITTEN.get(name) or from_bounds(name) for name in POLICIES}
POLICIES_TO_TEST = [
    pytest.param(build_policy(name, **parameters), id=f"{name}-{at}")
    for name, variants in VARIANTS.items()
    for at, parameters in enumerate(variants)
]


def page_of(seed: int, titles: int = 7, artworks: int = 6, features: int = 4) -> Page:
    """Return beliefs as they look after some traffic, with titles of 1 to `artworks` artworks."""
    rng = np.random.default_rng(seed)
    shape = (titles, artworks)
    counts = rng.integers(1, artworks + 1, titles)
    counts[0], counts[1] = 1, artworks
    mask = np.arange(artworks) < counts[:, None]
    level = rng.lognormal(np.log(0.02), 0.5, (titles, 1))
    seen = np.where(rng.random(shape) < 0.2, 0.0, rng.integers(1, 5000, shape)).astype(float)
    prior_mean = level * np.exp(rng.normal(0.0, 0.1, shape))
    taken = rng.binomial(seen.astype(int), np.minimum(prior_mean, 1.0)).astype(float)
    mean = prior_mean * (6.25 + taken) / (6.25 + seen * prior_mean)
    root = rng.normal(0.0, 0.1, (features, features))
    return Page(
        mask=mask,
        mean=mean,
        sd=mean / np.sqrt(6.25 + taken),
        seen=seen,
        taken=taken,
        prior_mean=prior_mean,
        prior_strength=np.full((titles, 1), 500.0),
        impressions=(seen * mask).sum(axis=1),
        features=rng.normal(0.0, 1.0, (*shape, features)),
        weights=rng.normal(0.0, 0.1, features),
        weight_covariance=root @ root.T,
    )


def changed(page: Page, change: object) -> Page:
    arrays = {field.name: change(field.name, getattr(page, field.name)) for field in fields(Page)}  # type: ignore[operator]
    return Page(**arrays)


def test_every_policy_that_is_shipped_has_variants_of_its_own() -> None:
    assert set(WRITTEN) <= set(POLICIES) == set(VARIANTS)
    assert all(len(from_bounds(name)) > 1 for name in POLICIES if fields(POLICIES[name]))


def explained(policy: Policy, page: Page) -> list[str]:
    """Return the sentence of every artwork of the second title, each as if it were chosen."""
    shares, bonus = policy.propensities(page), policy.bonus(page)
    sentences = []
    for at in np.flatnonzero(shares[1] > 0.0):
        terms = Terms(
            level=0.02,
            prior=float(page.prior_mean[1, at] / 0.02),
            own=float(page.mean[1, at] / page.prior_mean[1, at]),
            bonus=float(bonus[1, at]),
            impressions=float(page.seen[1, at]),
        )
        names = tuple(f"a{k}" for k in range(page.mask.shape[1]))
        decision = Decision(
            id="d",
            title="t",
            artwork=names[at],
            candidates=names,
            propensities=tuple(shares[1].tolist()),
            explored=False,
            terms=terms,
        )
        sentences.append(explain(decision, policy=policy.name))
    return sentences


@pytest.mark.parametrize("policy", POLICIES_TO_TEST)
class TestPolicy:
    def test_keeps_the_protocol(self, policy: Policy) -> None:
        assert isinstance(policy, Policy)
        assert policy.version.startswith(f"{policy.name}-")

    def test_rows_are_distributions_over_what_is_allowed(self, policy: Policy) -> None:
        for seed in range(5):
            page = page_of(seed)
            got = policy.propensities(page)
            assert got.shape == page.mask.shape
            assert np.isfinite(got).all()
            assert (got >= 0.0).all()
            assert (got[~page.mask] == 0.0).all()
            np.testing.assert_allclose(got.sum(axis=1), 1.0, atol=1e-9)

    def test_knows_its_bonus(self, policy: Policy) -> None:
        """What it adds for what is not known: for every artwork, never below nothing."""
        for seed in range(3):
            page = page_of(seed)
            got = policy.bonus(page)
            assert got.shape == page.mask.shape
            assert np.isfinite(got[page.mask]).all() and (got[page.mask] >= 0.0).all()

    def test_says_why(self, policy: Policy) -> None:
        """One sentence for whatever it may choose, and no reason that cannot move it."""
        assert set(policy.reasons()) <= set(REASONS)
        for sentence in explained(policy, page_of(8)):
            assert sentence.endswith(".") and "\n" not in sentence
            if "prior" not in policy.reasons():
                assert "the prior, trusted" not in sentence

    def test_an_only_artwork_is_certain(self, policy: Policy) -> None:
        got = policy.propensities(page_of(3))
        np.testing.assert_allclose(got[0], [1, 0, 0, 0, 0, 0], atol=1e-12)

    def test_changes_nothing_it_is_given(self, policy: Policy) -> None:
        page = page_of(1)
        kept = changed(page, lambda _, array: array.copy())
        policy.propensities(page)
        for field in fields(Page):
            np.testing.assert_array_equal(getattr(page, field.name), getattr(kept, field.name))

    def test_what_stands_behind_the_mask_does_not_matter(self, policy: Policy) -> None:
        page = page_of(2)
        big = {"mean": 0.9, "sd": 0.5, "seen": 1e6, "taken": 1e5, "prior_mean": 0.9}
        filled = replace(
            page, **{name: np.where(page.mask, getattr(page, name), v) for name, v in big.items()}
        )
        np.testing.assert_allclose(
            policy.propensities(filled), policy.propensities(page), atol=2e-5
        )

    def test_single_precision_and_the_order_in_memory_do_not_matter(self, policy: Policy) -> None:
        page = page_of(4)

        def single(name: str, array: np.ndarray) -> np.ndarray:
            return np.asfortranarray(array if name == "mask" else array.astype(np.float32))

        got = policy.propensities(changed(page, single))
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, policy.propensities(page), atol=5e-5)

    def test_the_order_of_artworks_does_not_matter(self, policy: Policy) -> None:
        page, order = page_of(5), np.array([3, 0, 5, 1, 4, 2])
        artworks = page.mask.shape[1]

        def shuffled(_: str, array: np.ndarray) -> np.ndarray:
            per_artwork = array.ndim >= 2 and array.shape[:2] == (len(page.mask), artworks)
            return array[:, order] if per_artwork else array

        got = policy.propensities(changed(page, shuffled))
        due = policy.propensities(page)[:, order]
        if isinstance(policy, Holdback):  # the default stands first: order is all it goes by
            due = np.eye(artworks)[page.mask[:, order].argmax(axis=1)]
        np.testing.assert_allclose(got, due, atol=2e-5)

    def test_titles_do_not_touch_each_other(self, policy: Policy) -> None:
        page = page_of(6)
        together = policy.propensities(page)
        for row in range(len(page.mask)):

            def only(name: str, array: np.ndarray, row: int = row) -> np.ndarray:
                shared = name in ("weights", "weight_covariance")
                return array if shared else array[row : row + 1]

            alone = policy.propensities(changed(page, only))
            np.testing.assert_allclose(alone[0], together[row], atol=2e-5)


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_the_version_names_the_parameters(name: str) -> None:
    versions = {build_policy(name, **parameters).version for parameters in VARIANTS[name]}
    assert len(versions) == len(VARIANTS[name])
    assert build_policy(name).version == build_policy(name).version
