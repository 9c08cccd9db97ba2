"""The players against one-by-one oracles, and keyart's on worlds where the answer is known."""

import numpy as np
import pytest

from keyart.models.bandits.registry import build_policy
from keyart.models.belief.beliefs import Learned
from keyart.models.belief.hyper import Hyper
from keyart.models.dataset.creative_table import CreativeTable
from keyart.models.ope.headlines import published
from keyart.models.ope.headlines.learner import Start, play_served, start_from
from keyart.models.ope.headlines.padded import PaddedTests, opinion_of
from keyart.models.ope.headlines.protocol import Protocol, entries, evaluate
from keyart.models.ope.headlines.texts import TextOpinions
from keyart.schemas.errors import SettingsError


def silent(share: float) -> None:
    pass


def world(titles: int = 60, seed: int = 0) -> tuple[CreativeTable, np.ndarray]:
    """Return a table whose true log relative rates are the returned opinion."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(2, 6, titles)
    test = np.repeat(np.arange(titles), counts)
    opinion = rng.normal(0.0, 0.4, len(test))
    level = np.exp(rng.normal(np.log(0.03), 0.4, titles))[test]
    impressions = np.full(len(test), 4000.0)
    clicks = rng.binomial(4000, np.minimum(level * np.exp(opinion), 1.0)).astype(float)
    clicks = np.maximum(clicks, 1.0)
    texts = tuple(f"text {at}" for at in range(len(test)))
    table = CreativeTable(test=test, texts=texts, impressions=impressions, clicks=clicks)
    return table, opinion


def test_bounds_are_those_of_the_paper() -> None:
    clicks, shown = np.array([[3.0, 1.0, 0.0]]), np.array([[50.0, 20.0, 0.0]])
    expected = np.array([[0.04, 0.05, 0.01]])
    log_t = float(np.log(71))
    first = [3 / 50 + 0.08 * np.sqrt(log_t / 50), 1 / 20 + 0.08 * np.sqrt(log_t / 20), np.inf]
    second = [
        (3 + 40) / 1050 + 0.08 * np.sqrt(log_t / 1050),
        (1 + 50) / 1020 + 0.08 * np.sqrt(log_t / 1020),
        10 / 1000 + 0.08 * np.sqrt(log_t / 1000),
    ]
    rng = np.random.default_rng(0)
    assert np.allclose(published.ucb()(clicks, shown, log_t, 1, rng), [first])
    found = published.lola(expected)(clicks, shown, log_t, 1, rng)
    assert np.allclose(found, [np.minimum(first, second)])


def test_untried_creatives_come_first_and_at_random() -> None:
    tests = PaddedTests(rate=np.full((400, 3), 0.1), mask=np.ones((400, 3), bool))
    rate = tests.rate + np.array([0.0, 0.1, 0.2])
    tests = PaddedTests(rate=rate, mask=tests.mask)
    earned = published.play(
        published.ucb(),
        tests,
        tau=1,
        replications=1,
        rng=np.random.default_rng(1),
        tick=silent,
    )
    # three impressions, three creatives: each is shown once
    assert np.allclose(earned, 0.1 + 0.2 + 0.3)


@pytest.mark.parametrize("policy", ["ucb", "thompson"])
def test_policies_find_a_clear_winner(policy: str) -> None:
    mask = np.array([[True, True, True]] * 20 + [[True, True, False]] * 20)
    rate = np.where(mask, np.array([0.05, 0.4, 0.05]), 0.0)
    tests = PaddedTests(rate=rate, mask=mask)
    both = mask[published.order_of(tests, 2) % len(mask)]
    index = published.ucb(width=0.3) if policy == "ucb" else published.thompson(both)
    earned = published.play(
        index, tests, tau=300, replications=2, rng=np.random.default_rng(2), tick=silent
    )
    assert earned.sum() / (300 * tests.counts.sum()) > 0.37


def test_prior_only_is_arithmetic() -> None:
    mask = np.array([[True, True, True], [True, True, False]])
    tests = PaddedTests(rate=np.array([[0.1, 0.2, 0.3], [0.1, 0.3, 0.0]]), mask=mask)
    opinion = np.array([[0.5, 0.5, -1.0], [-0.1, 0.1, 0.0]])
    assert np.allclose(published.prior_only(opinion[None], tests, tau=10), [30 * 0.15, 20 * 0.3])
    both = published.prior_only(np.stack((opinion, -opinion)), tests, tau=10)
    assert np.allclose(both, [30 * (0.15 + 0.3) / 2, 20 * (0.3 + 0.1) / 2])


def played(table: CreativeTable, opinion: np.ndarray, kind: str, hyper: Hyper) -> float:
    from keyart.models.ope.headlines.padded import pad, padded

    tests = padded(table)
    start = Start(hyper=hyper, learned=Learned.start(hyper))
    used = opinion_of(kind, pad(table, opinion), tests.mask, replications=2)
    earned = play_served(
        build_policy(),
        tests,
        used,
        start,
        tau=60,
        rng=np.random.default_rng(3),
        tick=silent,
        block=20,
    )
    return float(earned.sum() / (60 * tests.counts.sum()))


def test_a_right_opinion_helps_and_an_inverted_one_costs_little() -> None:
    table, opinion = world(titles=80)
    right = played(table, opinion, "right", Hyper())
    none = played(table, opinion, "none", Hyper(trusts=(0.0,)))
    inverted = played(table, opinion, "inverted", Hyper())
    assert right > 1.05 * none
    assert inverted > 0.99 * none
    # what trust is for: the same opinion believed without question
    stubborn = played(table, opinion, "inverted", Hyper(first_trust=1.0, trust_kept=1.0))
    assert stubborn < 0.95 * none


def test_blocks_and_replications_are_worlds_of_their_own() -> None:
    """One replication alone earns what it earns beside others, to the noise of its draws."""
    table, opinion = world(titles=30)
    start = start_from(table, opinion, Hyper())
    assert start.learned.log_level is None
    assert np.allclose(start.learned.level_mean, np.log(0.03), atol=0.2)
    assert np.allclose(start.learned.version, Hyper().start())


def test_the_whole_protocol() -> None:
    table, opinion = world(titles=30)
    opinions = TextOpinions(name="known", train=opinion, test=opinion, strength=100.0)
    protocol = Protocol(taus=(10, 20), replications=2)
    seen: dict[str, float] = {}
    report = evaluate(table, table, opinions, protocol, seen.__setitem__)
    assert report.tests == 30
    assert report.top1["known"] > 0.8 > report.top1["random"]
    listed = [(row.tau, row.policy, row.prior) for row in report.rows]
    assert listed == entries(protocol, "known")
    assert set(seen) == {f"{policy} {kind} tau {tau}" for tau, policy, kind in listed}
    assert all(share == 1.0 for share in seen.values())
    for row in report.rows:
        assert row.low <= row.over_ucb <= row.high
        if row.policy == "ucb":
            assert row.over_ucb == 0.0
    again = evaluate(table, table, opinions, protocol)
    assert again == report


def test_without_a_prior_there_are_no_controls() -> None:
    kinds = {kind for _, _, kind in entries(Protocol(), "none")}
    assert kinds == {"none"}


@pytest.mark.parametrize(
    "wrong", [{"taus": ()}, {"taus": (0,)}, {"taus": (5, 5)}, {"replications": 0}, {"block": 0}]
)
def test_protocols_out_of_range(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        Protocol(**wrong)  # type: ignore[arg-type]
