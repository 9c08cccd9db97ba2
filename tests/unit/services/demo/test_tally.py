"""The figures: exact counts, intervals that hold what they promise, JSON of the promised shape."""

import json

import msgspec
import numpy as np
import pytest

from keyart.models.simulate import Catalogue
from keyart.services.demo.screen import table_of, verdict
from keyart.services.demo.tally import Tally

ONE = Catalogue(starts=np.array([0, 3]))


def test_counts_and_fractions_are_exact() -> None:
    tally = Tally(2, ONE)
    luck = np.array([0.1, 0.5, 0.9])
    tally.add(0, luck, np.array([[0.6, 0.6, 0.6], [0.2, 0.2, 0.2], [0.05, 0.05, 0.95]]))
    tally.add(1, luck, np.array([[0.6, 0.6, 0.6], [0.0, 0.0, 0.0], [0.2, 0.6, 0.0]]))
    figures = tally.figures(seed=1)
    assert [policy.quality_plays for policy in figures.policies] == [4, 1, 3]
    assert [policy.impressions for policy in figures.policies] == [6, 6, 6]
    assert figures.policies[0].take_fraction == pytest.approx(4 / 6)
    assert figures.over_uniform.percent == pytest.approx(300)
    assert figures.gap_to_best_fixed_closed == pytest.approx(3 / 2)


def test_the_json_has_the_promised_shape() -> None:
    tally = Tally(3, ONE)
    rng = np.random.default_rng(2)
    for at in range(60):
        tally.add(at % 3, rng.random(40), np.full((3, 40), [[0.3], [0.2], [0.25]]))
    written = json.loads(msgspec.json.encode(tally.figures(seed=1)))
    told = {"policies", "over_uniform", "gap_to_best_fixed_closed", "loop", "gate", "serendipity"}
    assert set(written) == told
    assert written["loop"] == written["gate"] == [], "nobody has told the loop yet"
    assert set(written["over_uniform"]) == {"percent", "low", "high"}
    names = [policy["name"] for policy in written["policies"]]
    assert names == ["keyart", "uniform", "best fixed artwork in hindsight"]
    for policy in written["policies"]:
        assert set(policy) == {
            "name",
            "impressions",
            "quality_plays",
            "take_fraction",
            "low",
            "high",
        }
        assert policy["low"] <= policy["take_fraction"] <= policy["high"]


def test_nothing_seen_or_nothing_taken_is_no_error() -> None:
    empty = Tally(4, ONE)
    none = Tally(4, ONE)
    none.add(1, np.full(40, 0.5), np.zeros((3, 40)))
    for tally in (empty, none):
        figures = tally.figures(seed=1)
        assert figures.gap_to_best_fixed_closed is None
        assert "NaN" not in msgspec.json.encode(figures).decode()
        assert table_of(figures).row_count == 3
        assert verdict(figures)


def test_paired_intervals_cover_the_truth_when_viewers_differ() -> None:
    """95 % intervals of the lift hold the true lift about 95 times in a hundred."""
    rng = np.random.default_rng(9)
    held = 0
    for trial in range(120):
        tally = Tally(80, ONE)
        base = rng.gamma(4, 0.05, 80).clip(max=0.6)
        for viewer in range(80):
            luck = rng.random(100)
            takes = np.stack([np.full(100, base[viewer] * x) for x in (1.3, 1.0, 1.1)])
            tally.add(viewer, luck, takes)
        lift = tally.figures(seed=trial).over_uniform
        held += lift.low <= 30 <= lift.high
    assert held >= 106


def test_pairing_makes_the_difference_sharper_than_the_fractions() -> None:
    rng = np.random.default_rng(10)
    tally = Tally(100, ONE)
    for viewer in range(100):
        luck = rng.random(400)
        tally.add(viewer, luck, np.full((3, 400), [[0.022], [0.02], [0.02]]))
    figures = tally.figures(seed=1)
    keyart, uniform, _ = figures.policies
    assert keyart.low < uniform.high
    assert figures.over_uniform.low > 0


def test_what_every_artwork_would_have_had_is_counted_on_the_same_luck() -> None:
    rng = np.random.default_rng(3)
    catalogue = Catalogue(starts=np.array([0, 2, 5, 9]))
    tally = Tally(1, catalogue)
    counts = np.zeros(9, int)
    for _ in range(200):
        titles, luck, takes = rng.permutation(3)[:2], rng.random(2), rng.random(9)
        tally.add(0, luck, np.zeros((3, 2)))
        tally.add_all(titles, luck, takes)
        for title, chance in zip(titles, luck, strict=True):
            for artwork in range(catalogue.starts[title], catalogue.starts[title + 1]):
                counts[artwork] += chance < takes[artwork]
    np.testing.assert_array_equal(tally.would_have, counts)
    best = counts[:2].max() + counts[2:5].max() + counts[5:].max()
    assert tally.best_fixed_as_it_came == pytest.approx(best / 400)
