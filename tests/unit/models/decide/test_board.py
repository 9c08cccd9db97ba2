"""Board by row: the same as worked out directly, whatever the order in which titles came."""

import numpy as np
import pytest

from keyart.models.belief.beliefs import Learned, refresh
from keyart.models.belief.hyper import Hyper
from keyart.models.decide import board as module
from keyart.models.decide.board import Board
from keyart.models.decide.index import ANY_SURFACE, BELIEF_COLUMNS, IndexedTitle, ServingIndex
from keyart.models.sums.arrays import Sums
from keyart.models.sums.days import DAY_MS
from keyart.schemas.context import AXES, SIZE
from keyart.schemas.posterior import Cell, SharedSums, TitleSums
from keyart.schemas.priors import Opinion
from keyart.schemas.taste import TASTE_DIMENSIONS

HYPER = Hyper()
LEVEL, OWN, PRIOR = (BELIEF_COLUMNS.index(name) for name in ("level", "own", "prior"))


class Site:
    """Titles with sums, in an index and in `Board`."""

    def __init__(self, titles: int, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.index, self.beliefs = ServingIndex(), Board(HYPER)
        self.counts: dict[str, int] = {}
        self.sums: dict[str, TitleSums] = {}
        self.opinions: dict[str, Opinion] = {}
        for at in range(titles):
            self.put(f"t{at}", int(self.rng.integers(2, 12)))

    def put(self, name: str, count: int) -> None:
        vectors = self.rng.normal(size=(count, TASTE_DIMENSIONS)).astype(np.float32)
        artworks = tuple(f"a{at}" for at in range(count))
        self.index.put([IndexedTitle(id=name, artworks=artworks, vectors=vectors)])
        self.beliefs.put(name, artworks, group=name[-1])
        self.counts[name] = count

    def learn(self, name: str, level: float = 0.03, shown: float = 300.0) -> None:
        cells = {
            f"a{at}": {"home": Cell(1, 1, float(self.rng.poisson(shown * level)), shown)}
            for at in range(self.counts[name])
        }
        self.sums[name] = TitleSums(title=name, artworks=cells)
        self.beliefs.take_sums(self.sums[name])
        relative = tuple(self.rng.normal(0, 0.2, self.counts[name]).tolist())
        self.opinions[name] = Opinion(
            title=name, artworks=tuple(cells), relative=relative, strength=10.0, prior="p"
        )
        self.beliefs.take_opinion(self.opinions[name])

    def directly(self) -> dict[str, np.ndarray]:
        """Return level x prior x own of every artwork, worked out without `Board`."""
        names, widest = list(self.counts), max(self.counts.values())
        takes, expected, opinion = (np.zeros((len(names), widest)) for _ in range(3))
        for row, name in enumerate(names):
            for at in range(self.counts[name]):
                if name in self.sums:
                    cell = self.sums[name].artworks[f"a{at}"]["home"]
                    takes[row, at], expected[row, at] = cell.reward, cell.expected
                    opinion[row, at] = self.opinions[name].relative[at]
        mask = np.arange(widest) < np.array(list(self.counts.values()))[:, None]
        groups = {name[-1]: 0 for name in names}
        groups = {group: at for at, group in enumerate(groups)}
        sums = Sums.of(
            takes=takes,
            expected=expected,
            opinion=opinion,
            mask=mask,
            group=np.array([groups[name[-1]] for name in names]),
            strength=np.array([10.0 * (name in self.opinions) for name in names]),
        )
        found, _ = refresh(sums, HYPER, Learned.start(HYPER))
        means = found.level[:, :1] * np.exp(found.log_relative)
        return {name: means[row, : self.counts[name]] for row, name in enumerate(names)}

    def served(self, name: str) -> np.ndarray:
        arrays = self.index.arrays
        rows = arrays.beliefs.get("home", arrays.beliefs[ANY_SURFACE])[arrays.rows(name)]
        return rows[:, LEVEL] * rows[:, PRIOR] * rows[:, OWN]


def test_what_is_served_is_what_is_worked_out_directly() -> None:
    site = Site(70)
    for name in list(site.counts)[:50]:
        site.learn(name)
    assert site.beliefs.work_out(site.index) == 70
    for name, means in site.directly().items():
        np.testing.assert_allclose(site.served(name), means, rtol=1e-4)


def test_titles_that_went_or_changed_leave_nothing_behind() -> None:
    site = Site(20)
    for name in site.counts:
        site.learn(name)
    for name in ("t0", "t19", "t7"):
        site.beliefs.remove(name)
        site.index.remove(name)
        del site.counts[name], site.sums[name], site.opinions[name]
    site.beliefs.remove("t7")
    site.put("t3", 14)
    site.learn("t3")
    site.put("t5", 4)
    del site.sums["t5"], site.opinions["t5"]
    assert site.beliefs.work_out(site.index) == len(site.beliefs) == 17
    for name, means in site.directly().items():
        np.testing.assert_allclose(site.served(name), means, rtol=1e-4)


def test_without_a_change_nothing_is_worked_out() -> None:
    site = Site(3)
    assert site.beliefs.work_out(site.index) == 3
    assert site.beliefs.work_out(site.index) == 0


def test_a_changed_title_among_many_is_worked_out_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ALL_AT_ONCE", 10)
    monkeypatch.setattr(module, "REST", 1e6)
    site = Site(200)
    for name in site.counts:
        site.learn(name)
    assert site.beliefs.work_out(site.index) == 200
    before = site.served("t50").copy()
    site.learn("t50", level=0.1)
    site.learn("t51")
    assert site.beliefs.work_out(site.index) == 2
    # beside all of them together: one step of the levels' search apart
    alone, together = site.served("t50"), site.directly()["t50"]
    np.testing.assert_allclose(alone, together, rtol=0.05)
    assert alone.mean() > 2 * before.mean()


def test_a_new_surface_gets_its_own_level() -> None:
    site = Site(30)
    for name in site.counts:
        site.learn(name)
    site.beliefs.work_out(site.index)
    cells = {"a0": {"home": Cell(1, 1, 9.0, 300.0), "email": Cell(1, 1, 90.0, 300.0)}}
    site.beliefs.take_sums(TitleSums(title="t0", artworks=cells))
    site.beliefs.work_out(site.index)
    arrays = site.index.arrays
    start = arrays.rows("t0").start
    home, email = arrays.beliefs["home"][start, LEVEL], arrays.beliefs["email"][start, LEVEL]
    assert email > 3 * home


def test_what_is_said_of_unknown_titles_is_ignored() -> None:
    site = Site(2)
    site.beliefs.take_sums(TitleSums(title="nobody"))
    site.beliefs.take_opinion(
        Opinion(title="nobody", artworks=("a",), relative=(0.0,), strength=1.0, prior="p")
    )
    assert site.beliefs.work_out(site.index) == 2


def test_a_forgotten_prior_has_no_opinion() -> None:
    site = Site(5)
    for name in site.counts:
        site.learn(name, shown=1e-6)
    site.beliefs.work_out(site.index)
    assert np.ptp(site.served("t1")) > 1e-4
    site.beliefs.forget_opinions()
    site.beliefs.work_out(site.index)
    np.testing.assert_allclose(np.ptp(site.served("t1")), 0, atol=1e-7)


def seen_on(site: Site, name: str, surface: str, shown: float) -> None:
    """Let a title be seen on one more surface."""
    held = site.sums.get(name, TitleSums(title=name))
    cells = {artwork: dict(its) for artwork, its in held.artworks.items()}
    cells.setdefault("a0", {})[surface] = Cell(1, 0.0, 0.03 * shown, shown)
    site.sums[name] = TitleSums(title=name, artworks=cells)
    site.beliefs.take_sums(site.sums[name])


def test_any_number_of_surface_names_is_a_bounded_number_of_levels() -> None:
    site = Site(titles=60)
    for at in range(60):
        site.learn(f"t{at}")
    for at in range(400):
        seen_on(site, f"t{at % 60}", f"made up {at}", 1.0)
        if at % 50 == 0:
            site.beliefs.work_out(site.index)
    site.beliefs.work_out(site.index)
    assert len(site.index.arrays.beliefs) == 3  # any, home and other
    assert site.beliefs.surfaces == (("home",), 400)


def test_surfaces_with_evidence_stand_alone_whatever_else_comes_and_in_any_order() -> None:
    real = [f"real {at}" for at in range(5)]
    chosen = []
    for seed in range(3):
        site = Site(titles=30)
        given = [*((surface, 200.0) for surface in real), *((f"x{at}", 2.0) for at in range(60))]
        np.random.default_rng(seed).shuffle(given)
        for at, (surface, shown) in enumerate(given):
            seen_on(site, f"t{at % 30}", surface, float(shown))
            if seed == 1:
                site.beliefs.work_out(site.index)
        site.beliefs.work_out(site.index)
        chosen.append(site.beliefs.surfaces)
    assert chosen == [(tuple(real), 60)] * 3


def test_what_is_counted_together_is_the_sum_of_its_parts() -> None:
    many, one = Site(titles=4), Site(titles=4)
    for at in range(40):
        seen_on(many, "t1", f"x{at}", 3.0)
    seen_on(one, "t1", "other", 120.0)
    for site in (many, one):
        seen_on(site, "t0", "home", 500.0)
        site.beliefs.work_out(site.index)
    place = many.index.arrays.places["t1"]
    rows = slice(place.offset, place.offset + place.size)
    left, right = (site.index.arrays.beliefs["other"][rows] for site in (many, one))
    np.testing.assert_allclose(left, right, rtol=1e-6)


def of_callers(told: dict[str, list[tuple[float, float]]]) -> TitleSums:
    """Return the sums of a title that callers have told: (takes, expected) by artwork."""
    callers = {
        name: {f"a{at}": {"home": Cell(1, 1, *pair)} for at, pair in enumerate(pairs)}
        for name, pairs in told.items()
    }
    whole = np.sum([np.array(pairs) for pairs in told.values()], axis=0)
    return TitleSums(
        title="t0",
        artworks={f"a{at}": {"home": Cell(1, 1, *pair)} for at, pair in enumerate(whole.tolist())},
        callers=callers,
    )


def test_a_key_that_floods_a_title_is_believed_to_its_share_and_told_of() -> None:
    site = Site(1)
    site.put("t0", 2)
    site.learn("t0")
    for at, caller in enumerate(("web", "tv", "partner"), start=1):
        site.put(f"t{at}", 2)
        site.learn(f"t{at}", shown=100_000.0)
        site.sums[f"t{at}"].caller = caller
        site.beliefs.take_sums(site.sums[f"t{at}"])
    honest = {name: [(40.0, 400.0), (20.0, 400.0)] for name in ("web", "tv")}
    site.sums["t0"] = of_callers(honest | {"partner": [(40.0, 400.0), (20.0, 400.0)]})
    site.beliefs.take_sums(site.sums["t0"])
    site.beliefs.work_out(site.index)
    before = site.served("t0")
    assert not site.beliefs.callers.bounds

    site.sums["t0"] = of_callers(honest | {"partner": [(0.0, 400_000.0), (20.0, 400.0)]})
    site.beliefs.take_sums(site.sums["t0"])
    site.beliefs.work_out(site.index)
    bound = site.beliefs.callers.bounds["t0"]["partner"]
    assert bound.told == 400_400.0
    # 1.25 times the odds of a third, of the 800 that the others told; and all of the other artwork
    assert bound.counts == pytest.approx(1.25 * 0.5 * 800 + 400, rel=0.01)
    site.sums["t0"] = of_callers(honest | {"partner": [(0.0, bound.counts - 400), (20.0, 400.0)]})
    site.sums["t0"].callers = {}
    for name, means in site.directly().items():
        np.testing.assert_allclose(site.served(name), means, rtol=1e-3)
    assert 0.5 * before[0] < site.served("t0")[0] < before[0]
    assert site.beliefs.callers.held_back() == {"partner": bound.told - bound.counts}

    site.beliefs.remove("t0")
    assert not site.beliefs.callers.held_back()


def test_a_prior_is_trusted_by_what_was_shown_since_the_world_that_it_learned_from() -> None:
    """Titles of before contradict it, those of now bear it out: only these are asked."""
    said = np.array([1.0, 0.0, -1.0])
    found = {}
    for since_ms in (0, 10 * DAY_MS):
        board, index = Board(HYPER), ServingIndex()
        board.trust_since(since_ms)
        for name, day, sense in [(f"old{at}", 3, -1.0) for at in range(30)] + [
            (f"new{at}", 12, 1.0) for at in range(10)
        ]:
            artworks = ("a0", "a1", "a2")
            vectors = np.zeros((3, TASTE_DIMENSIONS), np.float32)
            index.put([IndexedTitle(id=name, artworks=artworks, vectors=vectors)])
            board.put(name, artworks, "films")
            rates = 0.1 * np.exp(sense * said) / np.exp(said).mean()
            cells = {
                artwork: {"home": Cell(300, 0, 300.0 * rate, 300.0)}
                for artwork, rate in zip(artworks, rates.tolist(), strict=True)
            }
            board.take_sums(TitleSums(title=name, artworks=cells, days={day: 900}))
            board.take_opinion(
                Opinion(
                    title=name, artworks=artworks, relative=tuple(said), strength=9.0, prior="p"
                )
            )
        artworks, vectors = ("a0", "a1", "a2"), np.zeros((3, TASTE_DIMENSIONS), np.float32)
        index.put([IndexedTitle(id="next", artworks=artworks, vectors=vectors)])
        board.put("next", artworks, "films")
        board.take_opinion(
            Opinion(title="next", artworks=artworks, relative=tuple(said), strength=9.0, prior="p")
        )
        board.work_out(index)
        arrays = index.arrays
        beliefs = arrays.beliefs["home"][arrays.rows("next")]
        found[since_ms] = float(beliefs[0, BELIEF_COLUMNS.index("trust")])
    assert found[0] < -0.5, "thirty titles say the opposite"
    assert found[10 * DAY_MS] > 0.8


def test_titles_shown_often_are_named_and_respond_and_the_others_do_not() -> None:
    rng = np.random.default_rng(5)
    index, board = ServingIndex(), Board(HYPER, respond_from=1000)
    names, many = ("a", "b"), {"often": 1000, "seldom": 999, "left": 5000}
    z = rng.normal(size=(4000, AXES))
    situations = np.column_stack((np.ones(len(z)), z, np.zeros((len(z), SIZE - AXES))))
    gram = situations.T @ situations
    told = np.r_[np.full(2000, 1.0), np.full(2000, -1.0)]
    take = rng.random(len(z)) < 0.1 * np.exp(np.clip(told * z[:, 0], -2, 2))
    for title, days in many.items():
        vectors = rng.normal(size=(2, TASTE_DIMENSIONS)).astype(np.float32)
        index.put([IndexedTitle(id=title, artworks=names, vectors=vectors)])
        board.put(title, names, group="g")
        responses = {}
        for name, of in zip(names, (slice(0, 2000), slice(2000, 4000)), strict=True):
            row = np.zeros(4 + 2 * AXES)
            row[:4] = take[of].sum(), 2000, (z[of] ** 2).sum(), 0
            row[4:] = np.r_[z[of].sum(axis=0), (z[of] * take[of, None]).sum(axis=0)]
            responses[name] = row.astype("<f8").tobytes()
        cells = {name: {"home": Cell(2000, 1, 180.0, 2000.0)} for name in names}
        its = responses if title != "seldom" else {}
        board.take_sums(TitleSums(title=title, artworks=cells, days={9: days}, responses=its))
    board.take_situations([SharedSums(situations=gram[np.triu_indices(1 + SIZE)].tolist())])
    board.remove("left")
    index.remove("left")
    board.work_out(index)
    assert index.often == {"often"}
    assert index.arrays.responses is not None
    often, seldom = (index.arrays.responses[index.arrays.rows(name)] for name in list(many)[:2])
    assert often[0, 0] > 0.3 and often[1, 0] < -0.3
    assert not seldom.any()
