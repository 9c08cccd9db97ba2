"""A small world behind the page: real steps, beliefs and policy, simulated viewers.

`python tests/browser/world.py PORT empty|still|live|lab [MINUTES]` serves it. `still` holds so many
minutes of traffic; `live` adds one every second; `empty` holds nothing; `lab` stands still with an
experiment, two surfaces, a hole in time, events that did not teach, and pictures from elsewhere.
It is what the browser tests look at when no whole service is wanted.
"""

import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import numpy as np
import uvloop
from litestar import Litestar, Response
from litestar.openapi.config import OpenAPIConfig

from keyart.models.bandits.registry import build_policy
from keyart.models.belief.beliefs import Learned, refresh
from keyart.models.belief.hyper import Hyper
from keyart.models.decide.engine import Decider
from keyart.models.decide.index import ANY_SURFACE, IndexedTitle, ServingIndex
from keyart.models.decide.keeping import Keeping, Takes
from keyart.models.decide.positions import Places
from keyart.models.decide.rules import NOBODY, Ruling
from keyart.models.statistics.splits import split_text
from keyart.models.sums.arrays import Sums
from keyart.models.taste.features import NO_TASTE
from keyart.schemas import codec
from keyart.schemas.catalogue import Artwork, StoredTitle, Title
from keyart.schemas.decisions import Decision, DecisionPage, Versions
from keyart.schemas.errors import NotFound
from keyart.schemas.ids import ViewerKey, decision_id, pseudonym
from keyart.schemas.rewards import Reward
from keyart.schemas.ruled import Ruled
from keyart.schemas.rules import Least, Pin, Rules
from keyart.schemas.taste import TASTE_DIMENSIONS
from keyart.schemas.topics import REWARDS
from keyart.services.api.server import make_server, serve
from keyart.services.page.advice import Advice, advice_router
from keyart.services.page.insight import Insight
from keyart.services.page.overview import PageRules
from keyart.services.page.routes import page_routers
from keyart.services.page.source import Flow, Source
from keyart.streams.catalogue.upsert import upsert
from keyart.streams.lanes.titles import TitlesLane
from keyart.streams.memory.site import MemoryRegister
from keyart.streams.memory.store import MemoryStore
from keyart.streams.ports import VIEWERS, Commit, Lane, LogRecord
from keyart.streams.registry.objects import MemoryObjects
from keyart.streams.registry.registry import Registry
from keyart.streams.steps.bandit import BanditRules

NAMES = {
    "The Lighthouse Keepers": "drama",
    "Salt and Ember": "food",
    "Night Train to Gdansk": "thriller",
    "Small Hours": "comedy",
    "The Cartographer's Daughter": "drama",
    "Deep Field": "science",
    "Harvest Moon Radio": "music",
    "A Short History of Rain": "documentary",
    "Ninety Metres": "sport",
    "The Understudy": "comedy",
    "Glass Rivers": "thriller",
    "Copper & Crown": "drama",
    'Tea with <b>Mr. "Okoye"</b>': "comedy",
    "Wolves of the Upper Valley": "documentary",
}
SCENES = (
    "A lone figure on a cliff at dusk, storm light behind",
    "Two friends laughing at a kitchen table",
    "A close-up of worn hands holding a photograph",
    "The whole cast in a row, bright colours",
    "An empty street at night under a red sign",
    "A running dog in tall grass, low sun",
    "A handwritten letter on a wooden desk",
    "Silhouettes dancing against a window",
)
STEP_MS = 60_000
SURFACE = "home"
FALLING = 0.75 ** np.arange(6)
FALLING /= FALLING.mean()
"""In the lab, takes at each of the six places of a page, of those at an average one."""
RULED = "t04"
"""The title of the lab that has rules."""
MISJUDGED, UNSAID, PRIOR = "t03", "t05", "ridge-1f2e3d4c"
"""A title that the lab's prior has upside down, one of which it has no opinion; and the prior."""


class World:
    """Titles, a policy that learns, and the viewers it learns from."""

    def __init__(self, *, start_ms: int, titles: int, seed: int = 7, lab: bool = False) -> None:
        self.now_ms = start_ms
        self.rng = np.random.default_rng(seed)
        self.others = np.random.default_rng(seed + 1)
        self.places, self.keeping = Places(), Keeping()
        self.index = ServingIndex()
        self.titles: dict[str, StoredTitle] = {}
        self.store = MemoryStore()
        self.lane = TitlesLane(self.store, 0, rules=BanditRules(bucket_ms=STEP_MS))
        self.lane.open()
        self.pages: list[DecisionPage] = []
        self.events = self.decisions = self.sequence = self.behind = 0
        self.takes: dict[str, dict[str, float]] = {}
        self.decider = Decider(policy=build_policy(), explore_share=0.2, dwell_ms=STEP_MS)
        self.learned: Learned | None = None
        self.ruled: dict[str, Ruled] = {}
        self.arms = {"keyart": 1.0}
        self.lab = lab
        for number, (name, group) in enumerate(list(NAMES.items())[:titles]):
            self._add(f"t{number:02d}", name, group)

    def _add(self, title: str, name: str, group: str) -> None:
        count = int(self.rng.integers(3, 8))
        scenes = self.rng.permutation(SCENES)[:count]
        rules = self._rules(title)
        artworks = tuple(
            Artwork(
                id=f"{title}-{at}",
                description=str(scene),
                image=self._image(at),
                rules=rules.get(at),
            )
            for at, scene in enumerate(scenes)
        )
        default = artworks[0].id if rules else ""
        whole = Title(id=title, name=name, group=group, default=default, artworks=artworks)
        self.titles[title] = upsert(None, whole, now_ms=self.now_ms)
        vectors = self.rng.normal(size=(count, TASTE_DIMENSIONS)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        ids = tuple(each.id for each in artworks)
        self.index.put([IndexedTitle(id=title, artworks=ids, vectors=vectors)])
        level = self.rng.uniform(0.06, 0.14)
        relative = np.exp(self.rng.normal(0.0, 0.35, count))
        self.takes[title] = dict(zip(ids, (level * relative).tolist(), strict=True))

    def _image(self, at: int) -> str:
        """Return a wide and a square picture of our own, then pictures of somebody else's."""
        if not self.lab:
            return ""
        return "/page/mark.svg" if at == 1 else f"https://images.example.org/{at}.jpg"

    def _rules(self, title: str) -> dict[int, Rules]:
        """Return the rules of one title of the lab, by the place of the artwork."""
        if not self.lab or title != RULED:
            return {}
        start = datetime.fromtimestamp(self.now_ms / 1000, UTC)
        return {
            0: Rules(pin=Pin(share=0.6), most=0.5),
            1: Rules(ends=start, least=Least(share=0.2)),
            2: Rules(starts=start + timedelta(days=400), only={"surface": ("home", "search")}),
        }

    def lose(self, **counts: int) -> None:
        """Count what did not teach."""
        lane = Lane(VIEWERS, 0)
        epoch, number = self.store.acquire(lane)
        open_windows: dict[tuple[str, str], bytes | None] = {
            ("windows", f"{at}"): b"" for at in range(1240)
        }
        self.store.commit(
            Commit(lane=lane, epoch=epoch, number=number + 1, counts=counts, puts=open_windows)
        )

    def step(self, viewers: int) -> None:
        """Let a minute pass: decide, show, take, learn."""
        rewards: list[Reward] = []
        for _ in range(viewers):
            viewer = pseudonym(f"v{self.rng.integers(600)}", b"k" * 16)
            at_ms = self.now_ms + int(self.rng.integers(STEP_MS))
            count = min(6, len(self.titles))
            picked = [str(title) for title in self.rng.permutation(list(self.titles))[:count]]
            page = self._page(viewer, picked, at_ms)
            self.pages.append(page)
            rewards += [self._reward(page, decision) for decision in page.decisions]
        self.events += round(len(rewards) * 1.1)
        self.decisions += viewers
        self.pages = sorted(self.pages, key=lambda page: -page.decided_at_ms)[:60]
        at_ms = self.now_ms + STEP_MS
        records = [
            LogRecord(REWARDS, 0, f"{reward.sequence}-0", reward.title, codec.encode(reward), at_ms)
            for reward in rewards
        ]
        self.lane.process(records, now_ms=self.now_ms)
        self.now_ms += STEP_MS
        self.behind = int(self.rng.integers(0, 40))

    def _page(self, viewer: ViewerKey, titles: Sequence[str], at_ms: int) -> DecisionPage:
        surface = "search" if self.lab and at_ms % 3 == 0 else SURFACE
        ruling = Ruling.of(
            self.titles,
            titles,
            [self.index.artworks(title) for title in titles],
            surface=surface,
            context={},
            allow=NOBODY,
            deny=NOBODY,
            now_ms=at_ms,
        )
        decided = self.decider.decide(
            self.index,
            titles=titles,
            taste=NO_TASTE,
            surface=surface,
            viewer=viewer,
            now_ms=at_ms,
            ruling=ruling,
        )
        arm = list(self.arms)[int(viewer[:8], 16) % len(self.arms)]
        rows, terms = decided.propensities.tolist(), decided.terms()
        decisions = tuple(
            Decision(
                id=decision_id(viewer, title, at_ms),
                title=title,
                artwork=decided.chosen_artworks[at],
                candidates=decided.artworks[at],
                propensities=tuple(rows[at][: len(decided.artworks[at])]),
                explored=bool(decided.explored[at]),
                terms=terms[at],
                expected=float(decided.chosen_expected[at]),
                position=at + 1 if self.lab else 0,
            )
            for at, title in enumerate(titles)
        )
        for at, ruled in decided.ruled.items():
            self.ruled[decisions[at].id] = ruled
        versions = Versions(policy="keyart-1", prior="neutral", posterior="17", space="static-1")
        return DecisionPage(
            viewer=viewer,
            surface=surface,
            decided_at_ms=at_ms,
            policy=arm,
            split=split_text(0.2, self.arms),
            versions=versions,
            decisions=decisions,
        )

    def _reward(self, page: DecisionPage, decision: Decision) -> Reward:
        self.sequence += 1
        chance = self.takes[decision.title][decision.artwork]
        if page.policy == "lola" and not decision.explored:
            chance *= 1.5
        if decision.position:
            chance *= FALLING[decision.position - 1]
        taken = self.rng.random() < chance
        return Reward(
            id=decision.id,
            viewer=page.viewer,
            title=decision.title,
            artwork=decision.artwork,
            surface=page.surface,
            value=float(taken),
            shown_at_ms=page.decided_at_ms,
            closed_at_ms=page.decided_at_ms + 45_000,
            candidates=decision.candidates,
            propensities=decision.propensities,
            explored=decision.explored,
            policy=page.policy,
            versions=page.versions,
            split=page.split,
            position=decision.position,
            watched=self._watched(taken=taken),
            sequence=self.sequence,
            level=decision.terms.level,
            ruled=self.ruled.pop(decision.id, None),
        )

    def _watched(self, *, taken: bool) -> dict[str, float]:
        """Return what two rewards say that the lab watches beside the one that teaches."""
        if not self.lab:
            return {}
        clicked, left = self.others.random(2) < (0.05, 0.1)
        return {"any_click": float(taken or clicked), "left_soon": -float(left and not taken)}

    def keep(self) -> None:
        """Look at pictures that stay: many for their dwell period, few for lack of swaps."""
        for at in range(300):
            viewer = pseudonym(f"k{at}", b"k" * 16)
            lost = float(self.others.random() < 0.2) * 0.1
            self.keeping.add("dwell", viewer, Takes(4, 0.4, 0.4 - lost))
            if at < 7:
                self.keeping.add("swaps", viewer, Takes(1, 0.1, 0.08))

    def believe(self) -> None:
        """Bring the beliefs up to the sums."""
        names = [self.index.artworks(title) for title in self.titles]
        sums = self.source().sums(list(self.titles))
        widest = max(len(each) for each in names)
        for artworks, its in zip(names, sums, strict=True):
            self.places.hold(its, artworks)
        self.places.learn(("home", "search"))
        takes, expected = np.zeros((2, len(names), widest))
        mask = np.zeros((len(names), widest), np.bool_)
        for at, (artworks, its) in enumerate(zip(names, sums, strict=True)):
            mask[at, : len(artworks)] = True
            for place, artwork in enumerate(artworks):
                for cell in its.artworks.get(artwork, {}).values():
                    takes[at, place] += cell.reward
                    expected[at, place] += cell.expected
        hyper = Hyper()
        opinion, strength = np.zeros_like(takes), np.zeros(len(names))
        for at, title in enumerate(self.titles):
            if (said := self.said(title)) is not None:
                opinion[at, : len(said[0])], strength[at] = said
        packed = Sums.of(
            takes=takes, expected=expected, opinion=opinion, mask=mask, strength=strength
        )
        beliefs, self.learned = refresh(packed, hyper, Learned.start(hyper), now=self.learned)
        for at, (title, artworks) in enumerate(zip(self.titles, names, strict=True)):
            k = len(artworks)
            prior = np.exp(beliefs.prior_log[at, :k])
            rows = np.zeros((k, 8), np.float32)
            rows[:, 0] = beliefs.level[at, 0]
            rows[:, 1] = prior
            rows[:, 2] = np.exp(beliefs.log_relative[at, :k]) / prior
            rows[:, 3] = beliefs.cv[at, :k] ** 2
            rows[:, 4] = beliefs.seen[at, :k]
            rows[:, 5] = beliefs.taken[at, :k]
            rows[:, 6] = beliefs.trust[at]
            self.index.believe(title, artworks, {ANY_SURFACE: rows})

    def said(self, title: str) -> tuple[Sequence[float], float] | None:
        """Return what the lab's prior says: mostly right, upside down of one title, of one nothing.

        Its opinion of a title is told in the order of its artworks.
        """
        if not self.lab or title == UNSAID:
            return None
        true = np.log(np.array(list(self.takes[title].values())))
        noise = np.random.default_rng(int(title[1:])).normal(0.0, 0.1, len(true))
        way = -1.0 if title == MISJUDGED else 1.0
        relative = way * (true - true.mean()) + noise
        return relative.tolist(), 120.0

    # what the page's source asks of a log
    def flow(self) -> Flow:
        return Flow(
            events=self.events,
            decisions=self.decisions,
            behind_ms=self.behind * 12,
            behind_records=self.behind,
        )

    def recent(self, count: int) -> Sequence[DecisionPage]:
        return self.pages[:count]

    def source(self) -> Source:
        return Source(
            store=self.store,
            flows=self,
            index=self.index,
            titles=MappingProxyType(self.titles),
            partitions=1,
            clock=lambda: self.now_ms,
            keeping=self.keeping.costs,
            positions=lambda: self.places.learned,
            said=self.said,
            prior=lambda: PRIOR if self.lab else "",
        )


def lived(minutes: int, *, titles: int = 14, viewers: int = 25, lab: bool = False) -> World:
    """Return a world in which that much time has passed, up to now; a lab was shut a while."""
    end_ms = time.time_ns() // 1_000_000 // STEP_MS * STEP_MS
    shut = minutes // 4 if lab else 0
    world = World(start_ms=end_ms - (minutes + shut) * STEP_MS, titles=titles, lab=lab)
    if lab:
        world.arms = {"keyart": 0.5, "lola": 0.5}
        world.keep()
        world.lose(late_plays=2573, orphaned_plays=41, repeat_impressions=800, dead_letters=3)
    for minute in range(minutes):
        if minute == minutes // 2:
            world.now_ms += shut * STEP_MS
        world.step(viewers)
        if minute % 5 == 4:
            world.believe()
    return world


def nothing_proposed() -> Advice:
    return Advice(
        table=lambda: None,
        registry=Registry(MemoryObjects(), lambda: 0),
        register=MemoryRegister(),
        doses={"*": 1.0},
        grounding="auto",
        every_s=3600.0,
        clock=lambda: 0,
    )


def app_of(world: World, *, note: str) -> Litestar:
    def missing(_: object, wrong: NotFound) -> Response[dict[str, str]]:
        return Response({"detail": str(wrong)}, status_code=404)

    insight = Insight(source=world.source(), rules=PageRules(note=note, explore_share=0.2))
    return Litestar(
        route_handlers=[*page_routers(insight), advice_router(nothing_proposed())],
        exception_handlers={NotFound: missing},
        openapi_config=OpenAPIConfig(title="world", version="1"),
    )


def main() -> None:
    port, mood, minutes = int(sys.argv[1]), sys.argv[2], int((sys.argv[3:] or ["60"])[0])
    world = (
        World(start_ms=time.time_ns() // 1_000_000, titles=0)
        if mood == "empty"
        else lived(minutes, lab=mood == "lab")
    )
    note = "" if mood == "empty" else "The tastes of these viewers are simulated."
    app = app_of(world, note=note)

    def live() -> None:
        while True:
            time.sleep(1.0)
            world.step(12)
            world.believe()

    if mood == "live":
        threading.Thread(target=live, daemon=True).start()

    print("serving", flush=True)
    uvloop.run(serve(make_server(app), "127.0.0.1", port))


if __name__ == "__main__":
    main()
