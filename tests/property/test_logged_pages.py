"""Whatever was rewarded and whatever a prior says, what is decided can be logged and read again."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from keyart.models.bandits.registry import POLICIES, build_policy
from keyart.models.belief.beliefs import Learned, refresh
from keyart.models.belief.hyper import Hyper
from keyart.models.decide.engine import Decider
from keyart.models.decide.index import IndexedTitle, ServingIndex
from keyart.models.decide.rows import take_over
from keyart.models.decide.weights import learned_weights
from keyart.models.priors.personal import SegmentSide
from keyart.models.sums.arrays import Sums
from keyart.models.taste.features import PERSONAL, TasteVectors
from keyart.schemas import codec
from keyart.schemas.columns import ODDS, pack_taste, unpack_beliefs
from keyart.schemas.decisions import DECISION_VERSION, DecisionPage, Versions
from keyart.schemas.ids import ViewerKey, fits
from keyart.schemas.posterior import SharedSums
from keyart.schemas.priors import SegmentCentre
from keyart.services.api.answers import logged

VIEWER = ViewerKey("0" * 31 + "1")
VERSIONS = Versions(policy="p", prior="n", posterior="0", space="s")
NOW = 1_700_000_000_000
TITLES = 4


@st.composite
def sites(draw: st.DrawFn) -> tuple[ServingIndex, Decider, TasteVectors, str]:
    """Any take fraction up to every time, any opinion, any evidence about taste, any policy."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    most = draw(st.integers(1, 40))
    counts = rng.integers(1, most + 1, TITLES)
    mask = np.arange(most) < counts[:, None]
    shown = rng.gamma(0.5, 10.0 ** draw(st.integers(0, 5)), (TITLES, most, 2))
    # of what taste expected little of, more can be taken than was expected
    fraction = draw(st.sampled_from([0.0, 0.02, 0.5, 0.9, 1.0, 4.0]))
    loud = draw(st.sampled_from([0.0, 0.3, 3.0, 1e3, 1e300]))
    sums = Sums.of(
        takes=np.minimum(shown * fraction * rng.gamma(20.0, 0.05, shown.shape), 4.0 * shown),
        expected=shown,
        opinion=np.clip(rng.normal(0.0, 1.0, mask.shape) * loud, -1e300, 1e300),
        mask=mask,
        strength=np.full(TITLES, draw(st.sampled_from([0.0, 1.0, 1e3, 1e300]))),
    )
    index = ServingIndex()
    vectors = rng.normal(size=(TITLES, most, 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    names = [tuple(f"a{k}" for k in range(count)) for count in counts]
    index.put(
        IndexedTitle(id=f"t{at}", artworks=its, vectors=vectors[at, : len(its)])
        for at, its in enumerate(names)
    )
    centre = tuple(float(at == 0) for at in range(64))
    index.personalise(SegmentSide([SegmentCentre(name="s", centre=centre)]))
    with np.errstate(over="ignore"):
        sides = (rng.normal(size=(TITLES, most, 1)) * loud).astype(np.float32)
    for at, its in enumerate(names):
        index.opine(f"t{at}", its, sides[at, : len(its)])
    beliefs, _ = refresh(sums, Hyper(), Learned.start(Hyper(), surfaces=2))
    titles = [f"t{at}" for at in range(TITLES)]
    take_over(index, beliefs, titles=titles, artworks=names, surfaces=("home", "search"))
    index.shared = learned_weights([_evidence(rng, draw)], prior="n")
    directions = rng.normal(size=(6, 64)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    policy = build_policy(draw(st.sampled_from(sorted(POLICIES))))
    decider = Decider(policy=policy, explore_share=draw(st.sampled_from([0.0, 0.05, 1.0])))
    surface = draw(st.sampled_from(["home", "search", "elsewhere"]))
    return index, decider, TasteVectors(directions=directions), surface


def _evidence(rng: np.random.Generator, draw: st.DrawFn) -> SharedSums:
    x = rng.normal(size=(50, PERSONAL)) * draw(st.sampled_from([0.1, 1.0, 30.0]))
    y = rng.normal(size=50) * draw(st.sampled_from([0.0, 1.0, 100.0]))
    gram = (x.T @ x * 0.5)[np.triu_indices(PERSONAL)]
    return SharedSums(count=50, dimensions=PERSONAL, gram=gram.tolist(), moment=(x.T @ y).tolist())


@settings(max_examples=150, deadline=None)
@given(sites())
def test_every_page_that_is_decided_can_be_read_back(
    site: tuple[ServingIndex, Decider, TasteVectors, str],
) -> None:
    index, decider, taste, surface = site
    titles = [f"t{at}" for at in range(TITLES)]
    decided = decider.decide(
        index, titles=titles, taste=taste, surface=surface, viewer=VIEWER, now_ms=NOW
    )
    page = DecisionPage(
        viewer=VIEWER,
        surface=surface,
        decided_at_ms=NOW,
        policy="p",
        versions=VERSIONS,
        decisions=(),
        columns=logged(decided, VIEWER),
        taste=pack_taste(taste.directions),
        version=DECISION_VERSION,
    )
    # decoding checks every bound of the schema
    again = codec.decisions.decode(codec.encode(page))
    assert again.columns == page.columns
    for at, decision in enumerate(again.decisions):
        assert fits(decision.id, VIEWER, decision.title)
        assert decision.artwork == decided.chosen_artworks[at]
        assert decision.explored == decided.explored[at]
        assert abs(sum(decision.propensities) - 1.0) < 1e-5
        np.testing.assert_allclose(
            decision.propensities, decided.propensities[at, : len(decision.candidates)], atol=1e-7
        )
        assert abs(decision.expected - decided.chosen_expected[at]) < 1e-6
        assert abs(decision.multiplier - decided.chosen_multiplier[at]) < 1e-5
        terms = decision.terms
        assert 0.0 < terms.level <= 1.0
        numbers = (terms.prior, terms.own, terms.taste, terms.bonus, terms.trust, terms.impressions)
        assert all(math.isfinite(each) for each in (*numbers, *decision.features))
        assert decision.expected <= 1.0
        assert terms.because == decided.terms()[at].because


@settings(max_examples=100, deadline=None)
@given(sites())
def test_what_is_logged_of_the_candidates_is_what_the_policy_was_given(
    site: tuple[ServingIndex, Decider, TasteVectors, str],
) -> None:
    index, decider, taste, surface = site
    titles = [f"t{at}" for at in range(TITLES)]
    decided = decider.decide(
        index, titles=titles, taste=taste, surface=surface, viewer=VIEWER, now_ms=NOW
    )
    columns = logged(decided, VIEWER)
    found = unpack_beliefs(columns.beliefs)
    mask, given_page = decided.page.mask, decided.page
    level = np.repeat(columns.choice["level"] / ODDS, mask.sum(axis=1))
    mean = np.minimum(level * found["prior"] * found["own"] * found["taste"], 0.999)
    logs = (found["prior"], found["own"], found["taste"])
    kept = np.all([np.abs(np.log(each)) < 7.9 for each in logs], axis=0) & (level > 1e-4)
    np.testing.assert_allclose(mean[kept], given_page.mean[mask][kept], rtol=3e-3)
    relative = given_page.sd[mask] / given_page.mean[mask]
    spread = np.sqrt(found["spread"] ** 2 + found["doubt"] ** 2)
    kept &= relative < 7.9
    np.testing.assert_allclose(spread[kept], relative[kept], rtol=5e-3, atol=2e-2)
    np.testing.assert_allclose(found["seen"], given_page.seen[mask], rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(found["taken"], given_page.taken[mask], rtol=2e-3, atol=2e-3)
    assert kept.any()
