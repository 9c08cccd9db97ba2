"""Top-1 and rank correlation against plain loops, and paired differences."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from keyart.models.dataset.creative_table import CreativeTable
from keyart.models.ope.headlines.quality import qualities


def table_of(rates: list[list[float]], texts: list[list[str]] | None = None) -> CreativeTable:
    test = np.repeat(np.arange(len(rates)), [len(each) for each in rates])
    flat = np.concatenate([np.array(each) for each in rates])
    words = texts or [[f"{at} {k}" for k in range(len(each))] for at, each in enumerate(rates)]
    return CreativeTable(
        test=test,
        texts=tuple(text for each in words for text in each),
        impressions=np.full(len(flat), 1000.0),
        clicks=np.rint(1000 * flat),
    )


def test_figures_are_those_of_plain_loops() -> None:
    rng = np.random.default_rng(0)
    rates = [rng.uniform(0.01, 0.1, int(rng.integers(2, 7))).round(3).tolist() for _ in range(60)]
    table = table_of(rates)
    opinion = rng.normal(size=len(table.test))
    hits, ranks = [], []
    for test in range(table.tests):
        of = table.test == test
        true, said = table.clicks[of], opinion[of]
        hits.append(float(true[said.argmax()] == true.max()))
        ranks.append(float(spearmanr(true, said).statistic))
    (found,) = qualities(table, [opinion])
    assert found.top1.estimate == pytest.approx(np.mean(hits))
    assert found.rank.estimate == pytest.approx(np.mean(ranks))
    assert found.top1.low < found.top1.estimate < found.top1.high
    error = np.std(hits) / np.sqrt(len(hits))
    assert found.top1.high - found.top1.low == pytest.approx(4 * error, rel=0.2)


def test_ties_count_by_their_chance_and_no_opinion_ranks_nothing() -> None:
    table = table_of([[0.1, 0.2, 0.3, 0.3], [0.1, 0.4]])
    (none,) = qualities(table, [np.zeros(6)])
    assert none.top1.estimate == pytest.approx((2 / 4 + 1 / 2) / 2)
    assert none.rank.estimate == 0.0


def test_differences_are_paired() -> None:
    rng = np.random.default_rng(1)
    table = table_of([rng.uniform(0.01, 0.1, 4).tolist() for _ in range(200)])
    opinion = np.log(table.clicks / table.impressions) + rng.normal(0, 0.5, len(table.test))
    first, same, better = qualities(table, [opinion, opinion * 2, np.log(table.clicks)])
    assert (same.top1_over.low, same.top1_over.high) == (0.0, 0.0)
    assert first.rank_over.estimate == 0.0
    assert better.top1.estimate == 1.0
    width = better.top1_over.high - better.top1_over.low
    assert width == pytest.approx(first.top1.high - first.top1.low, rel=0.05)
    assert better.top1_over.low > 0.0


def test_texts_that_stand_twice_are_one() -> None:
    table = table_of(
        [[0.1, 0.2, 0.3], [0.1, 0.1], [0.2, 0.4]], [["a", "b", "a"], ["c", "c"], ["d", "e"]]
    )
    found = table.distinct()
    assert found.tests == 2
    assert found.texts == ("a", "b", "d", "e")
    assert found.impressions.tolist() == [2000.0, 1000.0, 1000.0, 1000.0]
    assert found.clicks.tolist() == [400.0, 200.0, 200.0, 400.0]
    assert found.left_out == 1
