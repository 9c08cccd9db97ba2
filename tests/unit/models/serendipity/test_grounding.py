"""Titles by a viewer's factors: solved as iALS solves them, and by taste where they say nothing."""

from pathlib import Path
from random import Random

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from keyart.models.serendipity.advice.atlas import Atlas, atlas_of
from keyart.models.serendipity.advice.grounding import viewer_factors
from keyart.models.serendipity.advice.interests import Interests, interests_of
from keyart.models.serendipity.advice.page import Dose, Place, compose
from keyart.models.serendipity.advice.plan import proposals_of
from keyart.models.serendipity.cases import SHARE, Ways
from keyart.models.serendipity.factors import factors_of, read_factors, write_factors
from keyart.models.serendipity.grounds import IALS, TASTE, Grounds
from keyart.models.serendipity.making import fit, make_table
from keyart.models.serendipity.measure.evaluate import vectors_of, vocabulary_of
from keyart.models.serendipity.measure.grounding import Pages, grounds_of, pairs_on
from keyart.models.serendipity.recommend.ials import Ials, engaged_by, engaged_rows
from keyart.models.serendipity.table import FACTORS, MANIFEST, Table
from keyart.models.serendipity.table import read_table as read
from keyart.models.serendipity.world import World
from keyart.models.taste.features import NO_TASTE, TasteVectors
from keyart.schemas.errors import ModelRejected
from keyart.schemas.explored import HID, TOOK, mark_of
from tests.unit.models.serendipity.counting import assert_as_often_as_told
from tests.unit.models.serendipity.worlds import groups_of

GROUPS, EACH, VIEWERS = 8, 8, 160
ALONE = Dose(share=1.0, random=0.0)


def circles(viewers: int = VIEWERS, *, seed: int = 0) -> World:
    """Return viewers of two circles; a circle keeps to even or to odd titles of every group.

    What is said of titles does not tell the circles apart: only who took what does.
    """
    rng = np.random.default_rng(seed)
    into = groups_of(GROUPS, EACH)
    for number in range(viewers):
        way = rng.permutation(GROUPS)[:6]
        for time, group in enumerate(way):
            for at in rng.choice(EACH // 2, 2, replace=False):
                into.engaged(f"v{number}", f"t{group}-{2 * at + number % 2}", float(time))
    return into.build()


WORLD = circles()


def make(folder: Path, teaching: list[int]) -> Table:
    vocabulary, _, labels = vocabulary_of(WORLD, teaching, clusters=GROUPS)
    fitted = fit(
        WORLD, vocabulary, vocabulary.centres, labels, teaching, planner="co-occurrence", seed=0
    )
    make_table(folder, WORLD, fitted)
    return read(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("grounded")
    make(made, list(range(0, VIEWERS - 40)))
    return made


@pytest.fixture(scope="module")
def table(folder: Path) -> Table:
    return read(folder)


def atlas(table: Table, *more: str) -> Atlas:
    titles = [*WORLD.titles, *more]
    vectors = np.zeros((len(titles), 64), np.float32)
    for row, title in enumerate(titles):
        vectors[row, int(title[1])] = 1.0
        vectors[row, 20 + int(title[3]) % 2] = 1.0
    return atlas_of(table, titles, vectors / np.float32(2**0.5))


def interests(of: Atlas, *titles: str) -> Interests:
    return interests_of({mark_of(title, TOOK): at for at, title in enumerate(titles, 1)}, of)


def page(
    of: Atlas, its: Interests, grounding: str, taste: TasteVectors = NO_TASTE, count: int = 5
) -> list[Place]:
    return compose(
        of,
        its,
        proposals_of(of.table, its.explored, its.depths),
        taste,
        count=count,
        dose=ALONE,
        drawn=Random(0),
        factors=viewer_factors(of, its, grounding),
    )


def test_a_viewers_factors_are_those_that_ials_would_solve_for(table: Table) -> None:
    # the same viewers, by the fit's own solver, and by the normal equations written out
    held = table.factors
    assert held is not None
    labels = np.array([table.titles.get(title, -1) for title in WORLD.titles])
    model = Ials(engaged_by(WORLD, labels, list(range(0, VIEWERS - 40))))
    for viewer in range(VIEWERS - 40, VIEWERS):
        took = WORLD.title[WORLD.viewer == viewer]
        found = held.viewer([list(table.titles).index(WORLD.titles[at]) for at in took])
        assert found is not None
        row = engaged_rows(np.zeros(len(took), np.int64), took, (1, len(WORLD.titles)))
        told = found.astype(np.float64) @ model.titles.T
        assert told == pytest.approx(model.scores(row)[0], abs=1e-5)
        weights = np.ones(len(WORLD.titles))
        weights[took] += held.confidence
        system = (model.titles.T * weights) @ model.titles + held.penalty * np.eye(len(found))
        wanted = weights * np.isin(np.arange(len(weights)), took)
        exact = np.linalg.solve(system, model.titles.T @ wanted)
        assert found == pytest.approx(exact, abs=1e-5)


taken = st.lists(st.integers(-3, 40), max_size=60)


@given(taken, st.integers(0, 99))
def test_any_titles_give_finite_factors_or_none(taken: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    titles = rng.normal(0, rng.choice([1e-20, 1.0, 1e6]), (41, 5))
    titles[rng.random(41) < 0.5] = 0.0
    held = factors_of(titles, penalty=8.0, confidence=12.0)
    inside = [at for at in taken if at >= 0]
    found = held.viewer(inside)
    told = {at for at in inside if held.titles[at].any()}
    assert (found is None) == (not told)
    if found is not None:
        assert found.shape == (5,) and np.isfinite(found).all()
        # neither order nor repetition says anything
        assert np.array_equal(found, held.viewer([*reversed(inside), *inside]))  # type: ignore[arg-type]


names = st.sampled_from([*WORLD.titles, "t1-nobody knows", "t2-gone"])


@given(st.lists(names, unique=True, max_size=30), st.lists(names, unique=True, max_size=5))
def test_whatever_was_taken_a_page_is_whole_and_new(took: list[str], hid: list[str]) -> None:
    of = atlas(TABLE[0])
    marks = {mark_of(title, TOOK): 10 for title in took}
    marks |= {mark_of(title, HID): 11 for title in hid}
    its = interests_of(marks, of)
    places = page(of, its, IALS, count=20)
    rows = [each.row for each in places]
    assert len({*rows}) == len(rows) and not {*rows} & its.seen
    assert all(each.propensity == 1.0 for each in places)
    new = [each.cluster for each in places if each.proposed]
    assert not {*new} & {*its.explored}
    left = {*took} & {*of.places} - {*hid}
    assert {of.titles[row] for row in its.taken} == left
    assert (viewer_factors(of, its, IALS) is None) == (not left)


TABLE: list[Table] = []


@pytest.fixture(scope="module", autouse=True)
def _shared(table: Table) -> None:
    """Hypothesis asks for no fixtures of a function: the module's table stands here."""
    TABLE[:] = [table]


def test_factors_know_who_goes_with_whom_and_taste_does_not(table: Table) -> None:
    of = atlas(table)
    for circle in (0, 1):
        its = interests(of, *(f"t{group}-{4 + circle}" for group in range(3)))
        places = page(of, its, IALS)
        assert len(places) == 5
        assert all(int(of.titles[each.row][3:]) % 2 == circle for each in places)
    blind = page(of, interests(of, "t0-5", "t1-5", "t2-5"), TASTE)
    # of nobody's taste all titles are alike, and the first stands first
    assert [of.titles[each.row] for each in blind] == [
        min(title for title in table.titles if table.titles[title] == each.cluster)
        for each in blind
    ]


def test_places_come_as_often_as_their_propensities_say(table: Table) -> None:
    of, drawn, times = atlas(table), Random(3), 3000
    its = interests(of, *(f"t{group}-4" for group in range(5)))
    mine = viewer_factors(of, its, IALS)
    assert mine is not None
    assert_as_often_as_told(
        lambda: compose(
            of,
            its,
            proposals_of(table, its.explored, its.depths),
            NO_TASTE,
            count=2,
            dose=Dose(share=0.6, random=0.4),
            drawn=drawn,
            factors=mine,
        ),
        times,
    )


def test_of_whom_factors_know_nothing_taste_says(table: Table) -> None:
    of = atlas(table, "t3-9")
    its = interests(of, "t3-9")
    assert its.explored and viewer_factors(of, its, IALS) is None
    assert page(of, its, IALS) == page(of, its, TASTE)
    nobody = interests(of)
    assert viewer_factors(of, nobody, IALS) is None and page(of, nobody, IALS) == []


def test_a_title_that_came_later_is_taken_by_what_is_expected_of_it(table: Table) -> None:
    # `atlas` tells circles apart in the vectors, so that a vector says whose title it is
    of = atlas(table, "t7-8", "t7-9")
    assert of.factors is not None and of.factors[-2:].any(axis=1).all()
    assert of.fitted[-2:].tolist() == [-1, -1]
    for circle in (0, 1):
        its = interests(of, *(f"t{group}-{4 + circle}" for group in range(3)))
        mine = viewer_factors(of, its, IALS)
        assert mine is not None
        told = of.factors[-2:] @ mine
        assert told[circle] > told[1 - circle]


def test_what_was_found_decides_unless_it_is_set(table: Table) -> None:
    by = {
        each: structs.replace(
            table, manifest=structs.replace(table.manifest, grounds=Grounds(by=each))
        )
        for each in (TASTE, IALS)
    }
    for found, held in by.items():
        of = atlas(held)
        its = interests(of, "t0-1", "t1-1")
        assert (viewer_factors(of, its) is None) == (found == TASTE)
        assert viewer_factors(of, its, TASTE) is None
        assert viewer_factors(of, its, IALS) is not None


def test_a_table_of_before_is_read_and_grounds_by_taste(folder: Path, tmp_path: Path) -> None:
    whole = read(folder)
    for each in folder.iterdir():
        if each.name != FACTORS:
            (tmp_path / each.name).write_bytes(each.read_bytes())
    # as it was written before: neither field is there
    described = structs.asdict(whole.manifest)
    kept = {k: v for k, v in described.items() if k not in ("factors_sha256", "grounds")}
    (tmp_path / MANIFEST).write_bytes(msgspec.json.encode(kept))
    held = read(tmp_path)
    assert held.factors is None and held.manifest.grounds == Grounds()
    assert held.identity != whole.identity
    of = atlas(held)
    its = interests(of, "t0-1", "t1-1")
    assert of.factors is None and viewer_factors(of, its, IALS) is None
    assert page(of, its, IALS)


@pytest.mark.parametrize("change", ["text", "nan", "titles", "gram", "penalty", "missing"])
def test_factors_that_are_none_do_not_serve(table: Table, tmp_path: Path, change: str) -> None:
    held, path = table.factors, tmp_path / FACTORS
    assert held is not None
    write_factors(path, held)
    titles = len(held.titles)
    again = read_factors(path, titles)
    assert np.array_equal(again.titles, held.titles) and np.array_equal(again.gram, held.gram)
    spoiled = held.titles.copy()
    spoiled[0, 0] = np.nan
    if change == "text":
        path.write_bytes(b"nothing of the kind")
    elif change == "missing":
        path.unlink()
    elif change == "nan":
        write_factors(path, factors_of(spoiled.astype(np.float64), penalty=8.0, confidence=12.0))
    elif change == "gram":
        bad = type(held)(titles=held.titles, gram=-held.gram, penalty=8.0, confidence=12.0)
        write_factors(path, bad)
    elif change == "penalty":
        write_factors(
            path, factors_of(held.titles.astype(np.float64), penalty=0.0, confidence=12.0)
        )
    with pytest.raises(ModelRejected, match="factors"):
        read_factors(path, titles + (change == "titles"))


def test_a_changed_file_is_refused(folder: Path, tmp_path: Path) -> None:
    for each in folder.iterdir():
        (tmp_path / each.name).write_bytes(each.read_bytes())
    content = bytearray((tmp_path / FACTORS).read_bytes())
    content[-1] ^= 1
    (tmp_path / FACTORS).write_bytes(content)
    with pytest.raises(ModelRejected, match=FACTORS):
        read(tmp_path)


def test_viewers_held_back_say_by_what_titles_are_taken(table: Table) -> None:
    labels = np.array([table.titles.get(title, -1) for title in WORLD.titles])
    ways = Ways(WORLD, labels)
    cases = ways.cases(range(VIEWERS - 40, VIEWERS), SHARE)
    vectors = vectors_of(WORLD)
    found = grounds_of(table, WORLD, vectors, ways, cases)
    assert found.by == IALS and found.viewers == len(cases) > 30
    assert found.ials > found.taste and found.low > 0.0
    assert found.over == pytest.approx(found.ials - found.taste)
    # counted by hand, on the pages themselves
    makes = Pages(table, WORLD, vectors, ways)
    pages = makes.of(cases, IALS)
    pairs = 0
    for shown, case in zip(pages, cases, strict=True):
        came = {*case.later} & {*shown.tolist()}
        pairs += len({int(labels[title]) for title in came} - {*case.history.order})
    assert pairs_on(pages, cases, labels).sum() == pairs > 0
    assert found.ials == pytest.approx(1000 * pairs / sum(map(len, pages)))
    # where factors say nothing of anybody both ways are one, and nothing is proven
    held = table.factors
    assert held is not None
    mute = factors_of(np.zeros(held.titles.shape), penalty=8.0, confidence=12.0)
    nothing = grounds_of(structs.replace(table, factors=mute), WORLD, vectors, ways, cases)
    assert (nothing.by, nothing.over, nothing.ials) == (TASTE, 0.0, nothing.taste)
    assert grounds_of(structs.replace(table, factors=None), WORLD, vectors, ways, cases).by == TASTE
    assert grounds_of(table, WORLD, vectors, ways, []) == Grounds()
