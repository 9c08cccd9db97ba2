"""The table: against brute force, and with intervals that pair."""

from typing import Any

import numpy as np
import pytest

from keyart.models.dataset.examples import Example
from keyart.models.likelihood.temperature import fit_temperature, tempered
from keyart.models.ope.choices.baselines import at_random, incumbent, popularity
from keyart.models.ope.choices.measures import (
    calibration_error,
    contributions,
    greedy,
)
from keyart.models.ope.choices.table import evaluate
from tests.unit.models.conftest import example

TAKES = np.array([0.1, 0.3, 0.5])


def logged(count: int, seed: int = 0) -> list[Example]:
    """Decisions by a policy that prefers the first option; takes as in TAKES."""
    rng = np.random.default_rng(seed)
    propensities = np.array([0.6, 0.3, 0.1])
    made = []
    for at in range(count):
        shown = int(rng.choice(3, p=propensities))
        value = float(rng.random() < TAKES[shown])
        made.append(
            example(
                at,
                answer=shown if value else -1,
                propensities=tuple(propensities.tolist()),
                impressions=tuple(float(place == shown) for place in range(3)),
                rewards=tuple(value * (place == shown) for place in range(3)),
                weight=1 / propensities[shown] if value else 0.0,
                viewer=f"v{at % 500}",
            )
        )
    return made


def always(place: int, count: int) -> list[Any]:
    opinion = np.full(3, 0.1)
    opinion[place] = 0.8
    return [opinion] * count


def test_ips_and_snips_find_the_true_value_of_another_policy() -> None:
    made = logged(20_000)
    found = evaluate(
        made,
        {"best": always(2, len(made)), "incumbent": incumbent(made)},
        replications=200,
    )
    best, first = found.rows
    assert best.ips == pytest.approx(TAKES[2], abs=0.03)
    assert best.snips == pytest.approx(TAKES[2], abs=0.03)
    assert first.ips == pytest.approx(TAKES[0], abs=0.01)
    over = best.over["incumbent"]["ips"]
    assert over.low < 100 * (best.ips / first.ips - 1) < over.high
    assert over.low > 0


def test_contributions_are_the_textbook_terms() -> None:
    made = logged(50)
    found = contributions(made, always(2, 50))
    for at, each in enumerate(made):
        shown = each.impressions.index(1.0)
        ratio = (shown == 2) / each.propensities[shown]
        assert found.weight[at] == pytest.approx(ratio)
        assert found.value[at] == pytest.approx(ratio * each.rewards[shown])
        if each.answer >= 0:
            assert found.likelihood[at] == pytest.approx(
                each.weight * np.log(0.8 if each.answer == 2 else 0.1)
            )


def test_a_table_row_is_worth_its_rate() -> None:
    shown, taken = np.array([200.0, 300.0]), np.array([20.0, 60.0])
    made = example(
        0,
        count=2,
        answer=1,
        propensities=tuple((shown / shown.sum()).tolist()),
        impressions=tuple(shown.tolist()),
        rewards=tuple(taken.tolist()),
    )
    for place in range(2):
        found = contributions([made], [np.eye(2)[place]])
        assert found.value[0] == pytest.approx(taken[place] / shown[place])


def test_ties_share() -> None:
    np.testing.assert_allclose(greedy(np.array([0.4, 0.4, 0.2])), [0.5, 0.5, 0.0])


def test_random_has_the_accuracy_of_chance() -> None:
    made = [example(at, count=4, answer=at % 4) for at in range(40)]
    found = evaluate(made, {"random": at_random(made)}, replications=20)
    assert found.rows[0].accuracy == pytest.approx(0.25)
    assert found.rows[0].likelihood == pytest.approx(-np.log(4))


def test_a_policy_against_its_twin_has_no_interval_at_all() -> None:
    made = logged(300)
    same = always(1, 300)
    row = evaluate(made, {"a": same, "random": same}, replications=50).rows[0]
    for interval in row.over["random"].values():
        assert interval.low == interval.estimate == interval.high == 0


def test_popularity_learns_rates_by_title_and_artwork() -> None:
    train = [
        example(at, title="t", answer=2 if at % 2 else -1, impressions=(0, 0, 1.0), rewards=r)
        for at, r in enumerate([(0, 0, 0), (0, 0, 1.0)] * 50)
    ]
    train += [
        example(at, title="t", answer=-1, impressions=(1.0, 0, 0), rewards=(0, 0, 0))
        for at in range(100)
    ]
    known, unknown = popularity(train, [example(0, title="t"), example(0, title="u")])
    assert known.argmax() == 2
    assert known[0] < known[1] < known[2]
    np.testing.assert_allclose(unknown, 1 / 3)


def test_calibration_error_of_the_honest_and_the_boaster() -> None:
    rng = np.random.default_rng(1)
    made, honest = [], []
    for at in range(4000):
        opinion = rng.dirichlet(np.ones(3))
        answer = int(rng.choice(3, p=opinion))
        made.append(example(at, answer=answer))
        honest.append(opinion)
    boaster = [tempered(each, 0.2) for each in honest]
    assert calibration_error(contributions(made, honest)) < 0.03
    assert calibration_error(contributions(made, boaster)) > 0.15
    answers = [each.answer for each in made]
    temperature = fit_temperature(boaster, answers, [1.0] * len(answers))
    assert temperature == pytest.approx(5.0, rel=0.1)


def test_nothing_answered() -> None:
    made = [example(0, answer=-1)]
    assert calibration_error(contributions(made, at_random(made))) == 0
    assert evaluate(made, {"random": at_random(made)}, replications=5).answered == 0
