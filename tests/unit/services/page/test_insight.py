"""The page's endpoints over a store in memory that real steps have written."""

import csv
from collections.abc import Sequence
from types import MappingProxyType

import numpy as np
import pytest
from litestar import Litestar, Response
from litestar.testing import TestClient
from msgspec import structs
from scipy.stats import gamma

from keyart.models.decide.index import ANY_SURFACE, BELIEF_COLUMNS, IndexedTitle, ServingIndex
from keyart.schemas import codec
from keyart.schemas.catalogue import Artwork, StoredTitle, Title
from keyart.schemas.decisions import Decision, DecisionPage, Terms, Versions
from keyart.schemas.errors import NotFound
from keyart.schemas.rewards import Reward
from keyart.schemas.taste import TASTE_DIMENSIONS
from keyart.schemas.topics import REWARDS
from keyart.services.page.insight import Insight
from keyart.services.page.overview import PageRules
from keyart.services.page.routes import page_routers
from keyart.services.page.source import Flow, Source
from keyart.streams.catalogue.upsert import upsert
from keyart.streams.lanes.titles import TitlesLane
from keyart.streams.memory.store import MemoryStore
from keyart.streams.ports import VIEWERS, Commit, Lane, LogRecord
from keyart.streams.steps.bandit import BanditRules
from keyart.streams.steps.reasons import REASONS

NOW_MS = 1_700_000_100_000
MINUTE = 60_000
VERSIONS = Versions(policy="p-1", prior="neutral", posterior="3", space="s-1")
ANN = "a" * 32


class Still:
    """A log that stands still."""

    def __init__(self, *pages: DecisionPage, decisions: int = 0) -> None:
        self.pages = pages
        self.decisions = decisions or len(pages)

    def flow(self) -> Flow:
        return Flow(events=7, decisions=self.decisions, behind_ms=0, behind_records=0)

    def recent(self, count: int) -> Sequence[DecisionPage]:
        return self.pages[:count]


class Stage:
    """Two titles, and what is learned from the rewards that are given."""

    def __init__(self, flows: Still, *, titles: bool = True, prior: str = "neutral") -> None:
        self.now_ms = NOW_MS
        self.index = ServingIndex()
        self.titles: dict[str, StoredTitle] = {}
        self.store = MemoryStore()
        self.lane = TitlesLane(self.store, 0, rules=BanditRules(bucket_ms=MINUTE))
        self.lane.open()
        self.flows = flows
        self.prior = prior
        for title, count in (("t1", 3), ("t2", 2)) if titles else ():
            self._add(title, count)

    def _add(self, title: str, count: int) -> None:
        artworks = tuple(
            Artwork(id=f"{title}-{at}", description=f"picture {at}") for at in range(count)
        )
        whole = Title(id=title, name=f"Title {title}", artworks=artworks)
        self.titles[title] = upsert(None, whole, now_ms=1)
        vectors = np.eye(count, TASTE_DIMENSIONS, dtype=np.float32)
        names = tuple(each.id for each in artworks)
        self.index.put([IndexedTitle(id=title, artworks=names, vectors=vectors)])

    def learn(self, rewards: Sequence[Reward]) -> None:
        records = [
            LogRecord(REWARDS, 0, "1-0", each.title, codec.encode(each), NOW_MS) for each in rewards
        ]
        self.lane.process(records, now_ms=self.now_ms)

    def insight(self, **rules: object) -> Insight:
        source = Source(
            store=self.store,
            flows=self.flows,
            index=self.index,
            titles=MappingProxyType(self.titles),
            partitions=1,
            clock=lambda: self.now_ms,
            prior=lambda: self.prior,
        )
        return Insight(source=source, rules=PageRules(**rules))  # type: ignore[arg-type]


def reward(
    at: int, *, artwork: str = "t1-0", taken: bool = False, explored: bool = False
) -> Reward:
    return Reward(
        id=f"d{at}",
        viewer=f"{at:032x}",
        title="t1",
        artwork=artwork,
        surface="home",
        value=float(taken),
        shown_at_ms=NOW_MS - 10 * MINUTE + at * 100,
        closed_at_ms=NOW_MS - 10 * MINUTE + at * 100 + 5000,
        candidates=("t1-0", "t1-1", "t1-2"),
        propensities=(0.5, 0.25, 0.25),
        explored=explored,
        policy="keyart",
        versions=VERSIONS,
        sequence=at + 1,
    )


def some(count: int, *, every: int) -> list[Reward]:
    return [
        reward(at, artwork=f"t1-{at % 4 % 3}", taken=at % every == 0, explored=at % 5 == 4)
        for at in range(count)
    ]


def test_what_is_missing_is_said_step_by_step() -> None:
    said = []
    said.append(Stage(Still(), titles=False).insight().overview().waiting)
    said.append(Stage(Still()).insight().overview().waiting)
    stage = Stage(Still(decisions=4))
    said.append(stage.insight(reward_window_s=1800.0, lateness_s=120.0).overview().waiting)
    stage.learn([reward(1)])
    said.append(stage.insight(explore_share=0.0).overview().waiting)
    said.append(stage.insight().overview().waiting)
    stage.learn([reward(2, explored=True)])
    said.append(stage.insight().overview().waiting)
    expected = (
        "catalogue load",
        "POST /v1/decisions",
        "32 minutes",
        "KEYART_EXPLORE_SHARE",
        "No explored choice",
        "needs 10 takes",
    )
    for text, part in zip(said, expected, strict=True):
        assert part in text


def test_the_overview_adds_up() -> None:
    stage = Stage(Still(decisions=9))
    stage.learn(some(400, every=4))
    overview = stage.insight(note="simulated").overview()
    own, control = overview.policies
    assert (own.impressions, control.impressions) == (320, 80)
    assert own.takes + control.takes == 100
    assert overview.lift is not None and overview.waiting == ""
    assert overview.lift.percent == pytest.approx(100 * (own.mean / control.mean - 1))
    assert overview.lift.low < overview.lift.percent < overview.lift.high
    assert overview.reward_wait_ms == 5000
    (ratio,) = overview.propensities
    assert ratio.decisions == 400
    assert ratio.passed
    assert overview.entropy is not None and overview.entropy.artworks == 2.5
    assert (overview.note, overview.events, overview.titles) == ("simulated", 7, 2)
    assert overview.trust is None


def test_trust_is_told_once_there_is_a_prior() -> None:
    stage = Stage(Still(), prior="ridge-3")
    rows = np.tile(np.zeros(len(BELIEF_COLUMNS), np.float32), (3, 1))
    rows[:, BELIEF_COLUMNS.index("trust")] = 0.5
    stage.index.believe("t1", ("t1-0", "t1-1", "t1-2"), {ANY_SURFACE: rows})
    trust = stage.insight().overview().trust
    assert trust is not None
    assert (trust.mean, trust.titles, trust.prior) == (0.25, 2, "ridge-3")


def test_figures_are_worked_out_once_a_second() -> None:
    stage = Stage(Still())
    insight = stage.insight()
    first = insight.overview()
    stage.learn(some(50, every=4))
    assert insight.overview() is first
    stage.now_ms += 1000
    assert insight.overview().policies


def test_a_title_shows_belief_and_share() -> None:
    stage = Stage(Still())
    stage.learn(some(400, every=4))
    columns = {"level": 0.1, "prior": 1.2, "own": 0.5, "relative_variance": 0.04}
    row = [columns.get(name, 0.0) for name in BELIEF_COLUMNS]
    rows = np.tile(np.array(row, np.float32), (3, 1))
    stage.index.believe("t1", ("t1-0", "t1-1", "t1-2"), {ANY_SURFACE: rows})
    title = stage.insight().title("t1")
    assert (title.surface, title.impressions) == ("home", 400)
    assert [each.impressions for each in title.artworks] == [200, 100, 100]
    assert sum(each.share for each in title.artworks) == pytest.approx(1.0)
    assert title.artworks[0].share == pytest.approx(0.5)
    first = title.artworks[0]
    oracle = gamma(25.0, scale=0.06 / 25.0)
    assert first.mean == pytest.approx(0.06, rel=1e-5)
    assert (first.low, first.high) == pytest.approx(oracle.ppf([0.025, 0.975]).tolist(), rel=1e-4)
    assert sum(sum(span.counts) for span in title.shares) == 400
    assert all(len(span.counts) == 3 for span in title.shares)


def test_a_withdrawn_artwork_keeps_its_history() -> None:
    stage = Stage(Still())
    stage.learn(some(40, every=4))
    kept = Title(id="t1", name="Title t1", artworks=(Artwork(id="t1-0"), Artwork(id="t1-2")))
    stage.titles["t1"] = upsert(stage.titles["t1"], kept, now_ms=NOW_MS)
    title = stage.insight().title("t1")
    removed = {each.id: each.removed for each in title.artworks}
    assert removed["t1-1"] and not removed["t1-0"]
    assert title.impressions == 40


def test_titles_are_listed_by_what_was_shown_and_found_by_name_or_id() -> None:
    stage = Stage(Still())
    stage.learn(some(40, every=4))
    row = np.zeros((3, len(BELIEF_COLUMNS)), np.float32)
    row[:, BELIEF_COLUMNS.index("seen")] = 5.0
    stage.index.believe("t1", ("t1-0", "t1-1", "t1-2"), {ANY_SURFACE: row})
    insight = stage.insight()
    everything = insight.titles(search="", limit=10)
    assert [each.id for each in everything.titles] == ["t1", "t2"]
    assert [each.impressions for each in everything.titles] == [40, 0]
    assert [each.id for each in insight.titles(search="TITLE T2", limit=10).titles] == ["t2"]
    found = insight.titles(search="t", limit=1)
    assert (found.total, found.found, len(found.titles)) == (2, 2, 1)
    assert insight.titles(search="nothing", limit=10).titles == ()


def test_what_did_not_teach_is_told_with_its_reason_the_most_first() -> None:
    stage = Stage(Still())
    lane = Lane(VIEWERS, 0)
    epoch, number = stage.store.acquire(lane)
    counts = {"late_plays": 3, "orphaned_plays": 9, "unseen": 700, "dead_letters": 2, "rewards": 5}
    windows: dict[tuple[str, str], bytes | None] = {("windows", f"{at}"): b"" for at in range(3)}
    stage.store.commit(
        Commit(lane=lane, epoch=epoch, number=number + 1, counts=counts, puts=windows)
    )
    overview = stage.insight().overview()
    assert [(each.of, each.count, each.lost) for each in overview.untaught] == [
        ("plays", 9, True),
        ("plays", 3, True),
        ("decisions", 700, False),
    ]
    assert overview.untaught[1].because == REASONS["late_plays"].sentence
    assert overview.aside == 2
    assert (overview.pending, overview.pending_ms) == (3, 1_920_000)


def test_titles_are_in_order_of_the_figures_that_are_shown() -> None:
    """Beliefs fade and figures do not: an old title may be shown most and believed least."""
    stage = Stage(Still())
    stage.learn(some(40, every=4))
    row = np.zeros((2, len(BELIEF_COLUMNS)), np.float32)
    row[:, BELIEF_COLUMNS.index("seen")] = 500.0
    stage.index.believe("t2", ("t2-0", "t2-1"), {ANY_SURFACE: row})
    found = stage.insight().titles(search="", limit=10).titles
    assert [(each.id, each.impressions) for each in found] == [("t1", 40), ("t2", 0)]


def test_a_title_on_one_surface_and_where_its_pictures_are() -> None:
    stage = Stage(Still())
    other = structs.replace(reward(41), surface="search")
    stage.learn([*some(40, every=4), other])
    held = stage.titles["t1"]
    away = Artwork(id="t1-0", image="https://images.example.org/a.jpg")
    whole = Title(id="t1", name="T", artworks=(away, Artwork(id="t1-1", image="/own.png")))
    stage.titles["t1"] = upsert(held, whole, now_ms=NOW_MS)
    title = stage.insight().title("t1", "search")
    assert (title.surface, title.impressions) == ("search", 1)
    assert title.elsewhere == ("https://images.example.org",)
    assert stage.insight().title("t1").impressions == 41


def page(at_ms: int, title: str, decisions: int = 1) -> DecisionPage:
    made = tuple(
        Decision(
            id=f"{title}{at_ms}{at}",
            title=title,
            artwork=f"{title}-1",
            candidates=(f"{title}-0", f"{title}-1"),
            propensities=(0.2, 0.8),
            explored=False,
            terms=Terms(level=0.1, own=1.5, impressions=900.0),
        )
        for at in range(decisions)
    )
    return DecisionPage(
        viewer=ANN,
        surface="home",
        decided_at_ms=at_ms,
        policy="optimistic",
        versions=VERSIONS,
        decisions=made,
    )


def test_recent_decisions_say_why() -> None:
    stage = Stage(Still(page(5, "t1", decisions=30), page(4, "gone")))
    found = stage.insight().decisions(limit=20).decisions
    assert [each.title for each in found] == ["t1", "t1", "gone"]
    first = found[0]
    assert first.sentence.startswith("Shown because") and "1.50 times" in first.sentence
    assert [each.propensity for each in first.candidates] == [0.8, 0.2]
    assert first.candidates[0].description == "picture 1"
    assert (first.title_name, found[2].title_name) == ("Title t1", "gone")
    assert ANN.startswith(first.viewer) and len(first.viewer) < 8


def test_figures_and_titles_as_files_that_no_spreadsheet_runs() -> None:
    stage = Stage(Still())
    stage.learn(some(400, every=4))
    named = Title(id="t1", name='=HYPERLINK("x")', artworks=(Artwork(id="t1-0"),))
    stage.titles["t1"] = upsert(stage.titles["t1"], named, now_ms=NOW_MS)
    with client_of(stage) as client:
        answer = client.get("/v1/insight/figures.csv")
        assert answer.headers["content-type"].startswith("text/csv")
        assert "keyart-figures.csv" in answer.headers["content-disposition"]
        rows = list(csv.DictReader(answer.text.splitlines()))
        assert sum(int(row["impressions"]) for row in rows) == 400
        assert sum(float(row["takes"]) for row in rows) == 100
        assert {row["policy"] for row in rows} == {"keyart", "explore"}
        assert all(float(row["low"]) <= float(row["take_fraction"]) for row in rows)
        titles = list(csv.DictReader(client.get("/v1/insight/titles.csv").text.splitlines()))
        assert {row["name"] for row in titles} == {'\'=HYPERLINK("x")'}
        assert sum(int(row["impressions"]) for row in titles) == 400
        later = client.get(f"/v1/insight/figures.csv?from_ms={NOW_MS}").text
        assert len(later.splitlines()) == 1


def client_of(stage: Stage) -> TestClient[Litestar]:
    def missing(_: object, wrong: NotFound) -> Response[dict[str, str]]:
        return Response({"detail": str(wrong)}, status_code=404)

    app = Litestar(page_routers(stage.insight()), exception_handlers={NotFound: missing})
    return TestClient(app)


def test_every_file_that_the_page_names_is_served() -> None:
    with client_of(Stage(Still())) as client:
        html = client.get("/").text
        wanted = {part.split('"')[0] for part in html.split('"/page/')[1:]}
        assert {"app.js", "style.css", "theme.js"} <= wanted
        seen: set[str] = set()
        while wanted - seen:
            name = (wanted - seen).pop()
            seen.add(name)
            answer = client.get(f"/page/{name}")
            assert answer.status_code == 200, name
            assert answer.headers["x-content-type-options"] == "nosniff"
            if name.endswith(".js"):
                wanted |= {part.split('"')[0] for part in answer.text.split('from "/page/')[1:]}
        assert client.get("/page/none.js").status_code == 404
        assert client.get("/page/../routes.py").status_code == 404


def test_the_endpoints_answer_and_refuse() -> None:
    stage = Stage(Still(page(5, "t1")))
    stage.learn(some(40, every=4))
    with client_of(stage) as client:
        assert client.get("/v1/insight/overview").json()["titles"] == 2
        assert client.get("/v1/insight/timeline?view=total").json()["view"] == "total"
        assert client.get("/v1/insight/timeline?view=sideways").status_code == 400
        assert client.get("/v1/insight/timeline?view=lift").json()["series"] == []
        for wrong in ("from_ms=-1", "from_ms=x", f"surface={'x' * 201}", f"to_ms={1 << 70}"):
            assert client.get(f"/v1/insight/overview?{wrong}").status_code == 400, wrong
        whole = client.get("/v1/insight/overview").json()["policies"]
        none = client.get("/v1/insight/overview?surface=nowhere").json()["policies"]
        home = client.get("/v1/insight/overview?surface=home").json()["policies"]
        assert none == [] and home == whole
        assert client.get("/v1/insight/titles?limit=0").status_code == 400
        assert client.get(f"/v1/insight/titles?search={'x' * 201}").status_code == 400
        assert client.get("/v1/insight/titles/t1").json()["id"] == "t1"
        assert client.get("/v1/insight/titles/none").status_code == 404
        assert len(client.get("/v1/insight/decisions").json()["decisions"]) == 1
        drawn = client.get("/page/poster", params={"title": "<b>", "artwork": "<script>"})
        assert drawn.headers["content-type"].startswith("image/svg+xml")
        assert "<script" not in drawn.text
        assert drawn.headers["content-security-policy"] == "default-src 'none'"
