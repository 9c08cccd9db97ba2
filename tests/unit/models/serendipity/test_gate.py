"""The gate of tables: who judges, what is compared, what is refused."""

from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from keyart.models.serendipity.gate import Hits, held_back, hits_of, judge
from keyart.models.serendipity.making import make_table
from keyart.models.serendipity.table import Row, Table, read_table
from tests.unit.models.serendipity.test_serving import VIEWERS, WORLD, fitted
from tests.unit.models.serendipity.worlds import GROUPS


def hits(share: float, *, of: int = 200, clusters: int = 200, seed: int = 3, **more: float) -> Hits:
    rng = np.random.default_rng(seed)
    drawn = rng.random(of) < share
    told = {"coverage": 0.6, "exact": 1.0} | more
    return Hits(clusters, {at: float(hit) for at, hit in enumerate(drawn)}, **told)


def test_about_an_eighth_judges_and_always_the_same() -> None:
    names = [f"viewer {at}" for at in range(4000)]
    apart = [name for name in names if held_back(name)]
    assert 400 < len(apart) < 600 and apart == [name for name in names if held_back(name)]


def test_the_first_table_has_nobody_to_be_compared_with() -> None:
    assert judge(hits(0.2), None).passed
    assert judge(hits(0.0, of=0), None).passed


@pytest.mark.parametrize(
    ("candidate", "words"),
    [
        (hits(0.5, exact=0.89), "are clusters"),
        (hits(0.5, coverage=0.2), "is in a cluster"),
        (hits(0.5, coverage=0.5), "the champion 60 %"),
        (hits(0.5, clusters=150), "cannot be compared"),
        (hits(0.1), "of the champion's"),
    ],
)
def test_what_is_worse_is_refused_and_why_is_said(candidate: Hits, words: str) -> None:
    found = judge(candidate, hits(0.5))
    assert not found.passed and words in found.against[0]


def test_a_difference_within_noise_passes() -> None:
    found = judge(hits(0.48, seed=4), hits(0.5))
    assert found.passed and found.over is not None and found.over.low < 1.0


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    folder: Path = tmp_path_factory.mktemp("table")
    make_table(folder, WORLD, fitted())
    return read_table(folder)


def test_a_table_is_judged_by_what_viewers_came_to(table: Table) -> None:
    found = hits_of(table, WORLD, range(VIEWERS))
    assert found.clusters == GROUPS and found.coverage == found.exact == 1.0
    assert len(found.hits) > 60 and found.hit5 > 0.8
    # the same pairs, answered by what nobody comes to, and without what is known of people
    reach = table.collective.opinions.reach if table.collective else np.zeros(GROUPS)
    least = tuple(int(at) for at in np.argsort(reach)[:3])
    rows = {pair: Row(*pair, least) for pair in table.rows}
    worse = hits_of(structs.replace(table, rows=rows, collective=None), WORLD, range(VIEWERS))
    assert worse.hit5 < found.hit5 and worse.exact == pytest.approx(3 / 10)
    assert not judge(worse, found).passed


def test_titles_that_the_table_does_not_know_are_not_covered(table: Table) -> None:
    some = {title: at for title, at in table.titles.items() if not title.startswith("t0-")}
    found = hits_of(structs.replace(table, titles=some), WORLD, range(VIEWERS))
    assert 0.5 < found.coverage < 0.95
