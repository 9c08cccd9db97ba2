"""The library's policy: context of any kind, exact propensities, and what `evaluate` plays."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyart.models.bandits.registry import POLICIES, build_policy
from keyart.models.context.columns import Column
from keyart.models.context.policy import MOST_ARMS, SETTLING, Choice, ContextPolicy
from keyart.models.context.table import keyart_maker, labelled, play
from keyart.schemas.errors import InvalidRecord, SettingsError, UnknownName

ARMS = ("stars", "faces", "sea")
BEST = {"tv": "stars", "phone": "faces", None: "sea"}


def visits(count: int, seed: int = 0) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    return [
        {"device": device, "hour": int(hour), "child": bool(child)}
        for device, hour, child in zip(
            rng.choice(np.array(["tv", "phone", None], object), count),
            rng.integers(0, 24, count),
            rng.random(count) < 0.3,
            strict=True,
        )
    ]


def taught(policy: ContextPolicy, rows: list[dict[str, Any]]) -> list[Choice]:
    made = []
    for row in rows:
        made.append(policy.decide(row))
        policy.learn(made[-1], 1.0 if made[-1].arm == BEST[row["device"]] else 0.0)
    return made


def test_it_learns_which_arm_is_right_where_and_that_a_gap_is_a_place_of_its_own() -> None:
    policy = ContextPolicy(ARMS, seed=1)
    taught(policy, visits(200))
    for device, best in BEST.items():
        shares = policy.decide({"device": device, "hour": 5, "child": False}).propensities
        assert shares[best] > 0.9, device


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_every_policy_draws_from_the_propensities_that_it_returns(name: str) -> None:
    policy = ContextPolicy(ARMS, policy=name, context=visits(50), seed=3)
    taught(policy, visits(20))
    context = {"device": "tv", "hour": 3, "child": False}
    choices = [policy.decide(context, among=ARMS[:2]) for _ in range(400)]
    shares = choices[0].propensities
    assert math.isclose(sum(shares.values()), 1.0, abs_tol=1e-9) and shares["sea"] == 0.0
    assert all(each.propensity == shares[each.arm] > 0.0 for each in choices)
    drawn = sum(each.arm == "stars" for each in choices)
    spread = math.sqrt(400 * shares["stars"] * (1.0 - shares["stars"]))
    assert abs(drawn - 400 * shares["stars"]) <= 5.0 * spread + 1e-6


@pytest.mark.parametrize("name", ["optimistic", "squarecb", "uniform"])
def test_it_is_the_learner_that_evaluate_bandit_plays(name: str) -> None:
    """The same rows, seed and policy: the same answers, right and wrong, to the last one."""
    rng = np.random.default_rng(5)
    columns: dict[str, Column] = {
        "petal": rng.normal(size=200),
        "colour": np.array(rng.choice(["red", "blue"], 200).tolist(), object),
    }
    label = np.where(columns["petal"].astype(float) > 0.3, "x", "y")
    table = labelled({**columns, "kind": np.array(label.tolist(), object)}, "kind")
    wrong = play(table, keyart_maker(build_policy(name)), np.arange(100), seed=9)

    policy = ContextPolicy(table.classes, policy=name, context=columns, seed=9)
    ours = []
    for at in range(100):
        choice = policy.decide({key: column[at] for key, column in columns.items()})
        right = choice.arm == label[at]
        policy.learn(choice, float(right))
        ours.append(0.0 if right else 1.0)
    assert ours == wrong.tolist()
    assert 0 < sum(ours) < 100


def test_one_seed_is_one_run_and_another_is_another() -> None:
    runs = [
        [each.arm for each in taught(ContextPolicy(ARMS, seed=seed), visits(60))]
        for seed in (4, 4, 5)
    ]
    assert runs[0] == runs[1] != runs[2]


def test_choices_learned_late_and_in_another_order_teach_the_same() -> None:
    asked, rows = ContextPolicy(ARMS, context=visits(50), seed=2), visits(30)
    choices = [asked.decide(row) for row in rows]
    believed = []
    for order in (choices, choices[::-1]):
        policy = ContextPolicy(ARMS, context=visits(50), seed=2)
        for choice in order:
            policy.learn(choice, 1.0 if choice.arm == "sea" else 0.0)
        policy.learner.infer()
        believed.append(policy.propensities(rows))
    np.testing.assert_allclose(believed[0], believed[1], atol=1e-9)


def frames() -> list[tuple[str, Callable[[list[dict[str, Any]]], Any]]]:
    import pandas as pd

    return [
        ("pandas", pd.DataFrame),
        ("polars", pl.DataFrame),
        ("lists", lambda rows: {name: [row[name] for row in rows] for name in rows[0]}),
    ]


@pytest.mark.parametrize("made", [make for _, make in frames()], ids=[name for name, _ in frames()])
def test_any_data_frame_is_read_as_its_rows_are(made: Callable[..., Any]) -> None:
    rows = visits(80)
    shown = [ARMS[at % 3] for at in range(80)]
    taken = [float(BEST[row["device"]] == arm) for row, arm in zip(rows, shown, strict=True)]
    by_rows, by_frame = ContextPolicy(ARMS), ContextPolicy(ARMS)
    by_rows.learn_all(rows, shown, taken)
    by_frame.learn_all(made(rows), shown, taken)
    assert by_frame.encoding == by_rows.encoding and by_frame.encoding.width > 3
    np.testing.assert_array_equal(by_frame.propensities(made(rows)), by_rows.propensities(rows))
    alone = by_rows.decide(rows[0]).propensities
    np.testing.assert_allclose(by_rows.propensities(rows)[0], [alone[arm] for arm in ARMS])


def test_without_a_frame_the_rows_themselves_settle_the_columns() -> None:
    rows = visits(SETTLING[0])
    policy = ContextPolicy(ARMS, seed=6)
    assert policy.encoding.width == 1
    choices = taught(policy, rows)
    settled = ContextPolicy(ARMS, context=rows)
    settled.learn_all(
        rows,
        [each.arm for each in choices],
        [float(each.arm == BEST[row["device"]]) for each, row in zip(choices, rows, strict=True)],
    )
    assert policy.encoding == settled.encoding and policy.encoding.width > 3
    np.testing.assert_allclose(policy.propensities(rows), settled.propensities(rows))


def test_a_log_after_a_few_choices_keeps_what_they_taught() -> None:
    policy, rows = ContextPolicy(ARMS), visits(60)
    choices = taught(policy, rows[:5])
    policy.learn_all(rows[5:], ["sea"] * 55, [0.0] * 55)
    assert policy.rows == 60 and policy.kept is None
    assert policy.learner.sums.count.sum() == 60
    assert policy.learner.sums.count[ARMS.index(choices[0].arm)] >= 1


values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.binary()
)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.dictionaries(st.text(min_size=1, max_size=4), values, max_size=4), max_size=18),
    st.dictionaries(st.text(min_size=1, max_size=4), values, max_size=5),
)
def test_any_value_of_a_context_is_taken(rows: list[dict[str, Any]], asked: dict[str, Any]) -> None:
    policy = ContextPolicy(["a", "b"])
    for at, row in enumerate(rows):
        policy.learn(policy.decide(row), at % 2)
    shares = policy.decide(asked).propensities
    assert math.isclose(sum(shares.values()), 1.0, abs_tol=1e-9)
    assert all(0.0 <= each <= 1.0 for each in shares.values())


def test_one_arm_is_chosen_surely_and_no_context_is_a_context() -> None:
    policy = ContextPolicy(["only"])
    assert policy.decide().propensity == 1.0
    policy.learn(policy.decide({}), 0.5)
    assert policy.rows == 1 and "1 arms" in repr(policy)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: ContextPolicy([]), "1 to 100 different names"),
        (lambda: ContextPolicy("ab"), "1 to 100 different names"),
        (lambda: ContextPolicy(["a", "a"]), "1 to 100 different names"),
        (lambda: ContextPolicy([str(at) for at in range(MOST_ARMS + 1)]), "1 to 100"),
        (lambda: ContextPolicy(["a", ""]), "a text of 1 to 256"),
        (lambda: ContextPolicy(["a"], seed=-1), "seed is -1"),
        (lambda: ContextPolicy(["a"]).decide(["x"]), "a mapping of names to values, not list"),  # type: ignore[arg-type]
        (lambda: ContextPolicy(["a"]).decide({1: 2}), "a column's name"),  # type: ignore[dict-item]
        (lambda: ContextPolicy(["a"]).decide({str(at): 1 for at in range(600)}), "600 columns"),
        (lambda: ContextPolicy(["a"]).decide({}, among=[]), "nothing to choose"),
        (lambda: ContextPolicy(["a"], context=7), "no data frame"),
        (lambda: ContextPolicy(["a"], context={"x": [1], "y": [1, 2]}), "1, 2 rows"),
        (lambda: ContextPolicy(["a"], context={"x": np.ones((2, 2))}), "2 dimensions"),
        (lambda: ContextPolicy(["a"]).learn_all([{}], ["a", "a"], [1]), "1 contexts, 2 arms"),
        (lambda: ContextPolicy(["a"]).learn_all([{}], ["a"], [1.5]), "from 0 to 1"),
        (lambda: ContextPolicy(["a"]).learn_all([{}], ["a"], ["much"]), "a number from 0 to 1"),  # type: ignore[list-item]
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(call: Callable[[], Any], says: str) -> None:
    with pytest.raises(InvalidRecord, match=says) as refused:
        call()
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("reward", [-0.1, 1.1, math.nan, math.inf])
def test_a_reward_out_of_its_range_teaches_nothing(reward: float) -> None:
    policy = ContextPolicy(["a", "b"])
    choice = policy.decide()
    with pytest.raises(InvalidRecord, match="from 0 to 1"):
        policy.learn(choice, reward)
    assert policy.rows == 0 and policy.learner.sums.count.sum() == 0.0


def test_unknown_names_are_told() -> None:
    policy = ContextPolicy(["a", "b"])
    with pytest.raises(UnknownName, match="no arm is called 'c'"):
        policy.decide({}, among=["c"])
    with pytest.raises(UnknownName, match="no policy is called 'nobody'"):
        ContextPolicy(["a"], policy="nobody")
    with pytest.raises(SettingsError, match="c is -1"):
        ContextPolicy(["a"], c=-1.0)
