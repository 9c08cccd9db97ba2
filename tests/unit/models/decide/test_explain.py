"""Sentences must be true: each is checked against the terms it was made from."""

import re

import numpy as np
import pytest

from keyart.models.decide.explain import closest_interests, explain
from keyart.models.taste.features import FEATURES
from keyart.schemas.decisions import Decision, Terms


def decision(
    *, share: float = 0.7, count: int = 4, explored: bool = False, **terms: float | str
) -> Decision:
    names = tuple(f"a{k}" for k in range(count))
    rest = (1.0 - share) / max(count - 1, 1)
    return Decision(
        id="d",
        title="t",
        artwork="a0",
        candidates=names,
        propensities=(share, *([rest] * (count - 1))),
        explored=explored,
        terms=Terms(**{"level": 0.02, "impressions": 1000.0, **terms}),  # type: ignore[arg-type]
    )


def said(given: Decision, policy: str = "optimistic", **more: object) -> str:
    sentence = explain(given, policy=policy, **more)  # type: ignore[arg-type]
    assert sentence.endswith(".") and "\n" not in sentence and ".." not in sentence
    return sentence


def test_taste_comes_first_when_it_did_most() -> None:
    got = said(decision(taste=1.34, own=1.2, because="short"), interest="space")
    assert got == (
        "Shown because what this viewer took recently (near 'space'), above all, makes it 34 % "
        "more likely to be taken than the title's artworks are on average, and what viewers did "
        "so far puts it at 1.20 times what was expected of it."
    )


def test_the_viewer_is_not_named_for_what_holds_for_everybody() -> None:
    got = said(decision(taste=1.1, because="distinct"), interest="space")
    assert "space" not in got and "viewer's" not in got and "whoever looks" in got


def test_exploration_is_said_first_of_all() -> None:
    got = said(decision(taste=2.0, explored=True), explore_share=0.05)
    assert got == (
        "Explored: drawn evenly from 4 artworks, as 5.0 % of choices are, to keep the evaluation "
        "honest."
    )


def test_a_draw_by_chance_is_called_one() -> None:
    got = said(decision(share=0.03, taste=1.5))
    assert "by chance" in got and "3.0 %" in got and "50 %" not in got


def test_an_only_artwork_needs_no_reason() -> None:
    assert said(decision(share=1.0, count=1, taste=3.0, explored=True)) == (
        "Shown because the title has no other artwork."
    )


def test_the_benefit_of_the_doubt_is_a_reason_only_while_little_is_known() -> None:
    new = said(decision(bonus=0.01, impressions=12.0))
    assert "12 impressions" in new and "adds 50 %" in new
    old = said(decision(bonus=0.01, impressions=5000.0))
    assert "doubt" not in old


def test_the_prior_is_said_with_its_trust() -> None:
    got = said(decision(prior=1.15, trust=0.75))
    assert "trusted at 0.75" in got and "1.15 times" in got


def test_nothing_that_lowered_it_is_given_as_a_reason() -> None:
    got = said(decision(prior=0.8, own=0.9, taste=0.7, because="long"))
    assert "because" not in got and "70 %" in got and "2.0 %" in got


@pytest.mark.parametrize("policy", ["linucb", "lola", "uniform", "prior_only"])
def test_a_policy_is_not_said_to_use_what_it_does_not(policy: str) -> None:
    got = said(decision(taste=1.5, own=1.4, prior=1.3, bonus=0.05, impressions=3.0), policy)
    assert ("50 %" in got) == (policy == "linucb")
    assert ("1.40 times" in got) == (policy == "lola")
    assert ("1.30 times" in got) == (policy in ("lola", "prior_only"))
    assert "doubt" not in got


def test_every_number_in_any_sentence_is_one_of_the_terms() -> None:
    rng = np.random.default_rng(4)
    for _ in range(2000):
        factors = dict(zip(("prior", "taste", "own"), np.exp(rng.normal(0.0, 0.3, 3)), strict=True))
        bonus, seen = float(rng.exponential(0.01)), float(rng.exponential(300.0))
        given = decision(
            share=float(rng.uniform(0.05, 1.0)),
            trust=float(rng.random()),
            bonus=bonus,
            impressions=seen,
            because=str(rng.choice([*FEATURES, ""])),
            **factors,
        )
        got = said(given)
        expected = 0.02 * np.prod(list(factors.values()))
        true = {
            "%": [
                100.0 * given.propensity,
                2.0,
                100.0 * (factors["taste"] - 1.0),
                100.0 * bonus / expected,
            ],
            "times": [factors["prior"], factors["own"]],
        }
        for number, unit in re.findall(r"([\d.]+(?:e[+-]\d+)?) (%|times)", got):
            assert any(abs(float(number) - value) <= 0.06 * max(value, 0.1) for value in true[unit])
        for name, phrase in (("prior", "the prior"), ("own", "viewers did"), ("taste", "features")):
            assert phrase not in got or factors[name] > 1.0, got


def test_an_interest_is_named_only_when_the_artwork_is_about_it() -> None:
    names, axes = ["space", "food"], np.eye(3, dtype=np.float32)
    artworks = np.array([[0.1, 0.9, 0.0], [0.1, 0.2, 0.97]], dtype=np.float32)
    assert closest_interests(artworks, axes[:2], names) == ["food", ""]
    assert closest_interests(axes[:1], axes[:0], []) == [""]
