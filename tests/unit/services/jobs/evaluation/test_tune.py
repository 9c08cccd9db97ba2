"""Policy options on logs whose truth is known: what is wild is worse, luck is not proposed."""

from dataclasses import replace

import numpy as np
import pytest

from keyart.models.bandits.registry import POLICIES, build_policy
from keyart.models.ope.gate.rules import REFUSED
from keyart.models.ope.options import MOST_OPTIONS, Option, options_beside, parameters_of
from keyart.models.ope.reward_model import folds_of
from keyart.models.ope.tuning import MOST_JUDGED, Looked, Outcome, tuned
from keyart.models.ope.tuning_halves import Logged
from keyart.models.simulate import Audience, Catalogue, draw_tastes, shrunk_appeal
from keyart.schemas.errors import SettingsError
from keyart.services.jobs.evaluation.own_log import OwnLog, explored, propensities, title_model
from keyart.services.jobs.evaluation.tune import TuneReport, lines_of, tune
from keyart.services.wiring.experiment import experiment_of
from keyart.services.wiring.settings import Settings
from tests.unit.services.jobs.evaluation.living import earned, lived

TITLES, WIDTH = 12, 4
FAST = ("lola", "squarecb")
"""Siblings without integrals."""


def unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


@pytest.fixture(scope="module")
def takes() -> np.ndarray:
    """Return (V, T, K) of the simulated audience, whose titles are taken about every fifth time."""
    rng = np.random.default_rng(11)
    catalogue = Catalogue(starts=np.arange(TITLES + 1) * WIDTH)
    shown = rng.integers(2000, 4000, TITLES * WIDTH)
    clicks = rng.binomial(shown, np.minimum(0.2 * rng.gamma(6, 1 / 6, TITLES * WIDTH), 0.9))
    audience = Audience(
        catalogue=catalogue,
        appeal=shrunk_appeal(shown, clicks, catalogue.title_of),
        tastes=draw_tastes(rng=rng, viewers=60, concepts=unit(rng.normal(size=(20, 16)))),
        artworks=unit(rng.normal(size=(TITLES * WIDTH, 16))),
        kappa=0.3,
    )
    return np.asarray(audience.takes.reshape(60, TITLES, WIDTH))


@pytest.fixture(scope="module")
def log(takes: np.ndarray) -> OwnLog:
    """Return a log of keyart as it comes, with some more exploration."""
    return lived(takes, build_policy(), impressions=8000, explore_share=0.1, seed=3)


@pytest.fixture(scope="module")
def report(log: OwnLog) -> TuneReport:
    """Return what tuning says of it."""
    return tune(log, build_policy(), 0.1, siblings=FAST)


def shares_of(log: OwnLog, option: Option) -> np.ndarray:
    return explored(propensities(log, option.policy), log.rows.allowed, option.explore_share)


def options() -> dict[str, Option]:
    serving = build_policy()
    return {each.name: each for each in options_beside(serving, 0.1, siblings=FAST)}


def judged(log: OwnLog, *others: Option) -> dict[str, Looked]:
    serving = Option(name="", policy=build_policy(), explore_share=0.1)
    found = tuned(
        Logged(
            rows=log.rows,
            judging=np.arange(len(log.rows)) % 2 == 0,
            logged=log.logged,
            model=title_model(log, folds_of(log.rows)),
            serving=shares_of(log, serving),
            options={each.name: shares_of(log, each) for each in others},
            unsure=dict.fromkeys([each.name for each in others], 1.0),
        ),
        others,
        explore_share=0.1,
    )
    return {each.option.name: each for each in found}


def test_every_interval_holds_the_truth(takes: np.ndarray, log: OwnLog, report: TuneReport) -> None:
    base = earned(
        takes, log, shares_of(log, Option(name="", policy=build_policy(), explore_share=0.1))
    )
    by_name = options()
    assert {each.option for each in report.looked} == set(by_name)
    for each in report.looked:
        true = earned(takes, log, shares_of(log, by_name[each.option])) - base
        assert each.low is not None and each.high is not None
        assert each.low <= true <= each.high, each.option


def test_rows_that_stand_twice_and_count_half_say_the_same(log: OwnLog) -> None:
    other = next(iter(options().values()))
    serving = Option(name="", policy=build_policy(), explore_share=0.1)
    twice = np.tile(np.arange(len(log.rows)), 2)
    shares = {each.name: shares_of(log, each) for each in (serving, other)}
    model = title_model(log, folds_of(log.rows))
    once = Logged(
        rows=log.rows,
        judging=np.arange(log.rows.clusters)[log.rows.cluster] % 2 == 0,
        logged=log.logged,
        model=model,
        serving=shares[""],
        options={other.name: shares[other.name]},
        unsure={other.name: 1.0},
    )
    doubled = replace(
        once,
        rows=log.rows.at(twice),
        judging=once.judging[twice],
        logged=log.logged[twice],
        model=model[twice],
        serving=shares[""][twice],
        options={other.name: shares[other.name][twice]},
        counts=np.full(len(twice), 0.5),
    )
    first, second = (tuned(each, [other], explore_share=0.1)[0].loss for each in (once, doubled))
    assert first is not None and second is not None
    assert second.difference == pytest.approx(first.difference)
    assert (second.low, second.high) == pytest.approx((first.low, first.high))


def test_what_is_plainly_too_wild_is_found_worse(log: OwnLog) -> None:
    wild = Option(name="s=50", policy=build_policy(s=50.0), explore_share=0.1)
    blind = Option(name="all", policy=build_policy(), explore_share=1.0)
    found = judged(log, wild, blind)
    for each in found.values():
        assert each.outcome is Outcome.WORSE and each.verdict.outcome == REFUSED
        assert each.loss is not None and each.loss.high < 0.0


def test_less_noise_is_proposed_where_what_serves_drowns_in_it(takes: np.ndarray) -> None:
    wild = build_policy(s=20.0)
    noisy = lived(takes, wild, impressions=8000, seed=4)
    report = tune(noisy, wild, 0.05, siblings=FAST)
    best = report.looked[0]
    assert best.option == report.proposed and best.outcome == Outcome.PROPOSED and best.judged
    assert best.low is not None and best.low > 0.0
    assert "proves nothing of what it would learn" in report.says
    assert len(best.set) in (1, 2) and best.set[0].startswith("KEYART_POLICY")
    assert not any(each.outcome == Outcome.PROPOSED and not each.judged for each in report.looked)
    assert sum(each.judged for each in report.looked) <= MOST_JUDGED


@pytest.mark.parametrize("seed", range(4))
def test_where_nothing_differs_nothing_is_proposed(seed: int) -> None:
    """Of 200 such logs of 3,000 impressions 4 had a proposal: 2 %, and at most 2.5 % may."""
    alike = np.full((1, 10, 4), 0.15)
    luck = lived(alike, build_policy(), impressions=1500, seed=seed)
    report = tune(luck, build_policy(), 0.05, siblings=("lola",), seed=seed)
    assert report.proposed == ""
    assert report.says.startswith("nothing is proposed: ")
    assert Outcome.PROPOSED not in {each.outcome for each in report.looked}


def test_less_exploration_is_not_proposed_where_the_log_needs_it(report: TuneReport) -> None:
    less = [
        each
        for each in report.looked
        if each.option.startswith("explore_share=0.0") and each.low is not None and each.low > 0.0
    ]
    assert less, "it buys takes for sure"
    assert {each.outcome for each in less} <= {Outcome.NEEDED, Outcome.UNPICKED}


def test_what_was_never_tried_cannot_be_told(takes: np.ndarray) -> None:
    frozen = build_policy(c=0.0, s=0.0)
    log = lived(takes, frozen, impressions=3000, explore_share=0.0, seed=5)
    report = tune(log, frozen, 0.0, siblings=FAST)
    assert report.proposed == ""
    assert any("are left out: their artwork was shown for certain" in w for w in report.warnings)
    other = next((each for each in report.looked if each.option == "explore_share=0.2"), None)
    assert other is None or other.outcome in (Outcome.UNTOLD, Outcome.WORSE)


def test_too_few_rewards_say_so(takes: np.ndarray) -> None:
    log = lived(takes, build_policy(), impressions=300)
    report = tune(log, build_policy(), 0.05, siblings=())
    assert report.proposed == "" and report.takes is None
    assert {each.says for each in report.looked} == {
        "fewer than 200 rewards on one half of the viewers"
    }


def test_a_bounded_grid_that_tuning_again_and_again_cannot_walk_out_of() -> None:
    serving, share = build_policy(c=0.15, s=0.03), 0.01
    found = options_beside(serving, share, siblings=FAST)
    assert len(found) == len({each.name for each in found}) <= MOST_OPTIONS
    assert min(each.explore_share for each in found) == 0.01
    values = {each.name: each.policy for each in found if each.name[:2] in ("c=", "s=")}
    assert "c=0.15" not in values and "s=0.03" not in values, "what serves is no option"
    assert all(parameters_of(each)["c"] >= 0.15 for each in values.values())  # type: ignore[operator]
    with pytest.raises(SettingsError, match="linucb reads features"):
        options_beside(build_policy("linucb"), 0.05)


def test_every_policy_that_serves_has_options_within_its_bounds() -> None:
    for name in sorted(set(POLICIES) - {"linucb"}):
        for each in options_beside(build_policy(name), 0.05):
            assert each.policy.version  # built, so within bounds


def test_what_to_set_names_the_settings_and_their_values() -> None:
    serving = Option(name="", policy=build_policy(c=0.3), explore_share=0.05)
    other = Option(name="x", policy=build_policy(c=0.6), explore_share=0.1)
    assert lines_of(other, serving) == (
        "KEYART_POLICY_OPTIONS=c=0.6,s=0.12",
        "KEYART_EXPLORE_SHARE=0.1",
    )
    lola = Option(name="policy=lola", policy=build_policy("lola"), explore_share=0.05)
    assert lines_of(lola, serving) == (
        "KEYART_POLICY=lola",
        "KEYART_POLICY_OPTIONS=a=0.08,strength=0",
    )
    assert experiment_of(
        Settings(policy="lola", policy_options="a=0.08,strength=0", explore_share=0.1)
    )
