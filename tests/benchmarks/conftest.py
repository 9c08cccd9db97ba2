"""A site to measure: titles, viewers with tastes, what was learned so far, and an api over it."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest

from keyart.models.decide.weights import SITUATED
from keyart.models.embed.concepts import read_vocabulary
from keyart.models.sums.shared import add_to_shared
from keyart.models.taste.update import TasteRates, engage
from keyart.schemas import codec
from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.decisions import Versions
from keyart.schemas.ids import ViewerKey, pseudonym
from keyart.schemas.posterior import Cell, SharedSums, TitleSums
from keyart.schemas.rewards import Reward
from keyart.schemas.taste import NO_CONCEPT, TASTE_DIMENSIONS, empty_tastes, pack_tastes
from keyart.schemas.topics import partition_of
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.settings import Settings
from keyart.streams.ports import TITLES, VIEWERS, Commit, Lane
from tests.opened import Opened

READY_S = 120.0
EVENTS_EACH = 12


@dataclass(frozen=True, kw_only=True)
class Site:
    """A filled store, its server still running."""

    parts: Opened
    titles: list[str]
    viewers: list[str]

    @property
    def server(self) -> psutil.Process:
        """Valkey's process."""
        number = self.parts.server.process_id
        assert number is not None
        return psutil.Process(number)

    @contextmanager
    def api(self, port: int, *, workers: int = 1, **more: str) -> Iterator[psutil.Process]:
        """Run `keyart api` on the port until it is ready, and stop it at the end.

        `more` are further settings, by the names of their variables.
        """
        environ = {name: text for name, text in os.environ.items() if "KEYART_" not in name}
        environ |= {
            "KEYART_DATA_DIR": self.parts.settings.data_dir,
            "KEYART_API_PORT": str(port),
            "KEYART_API_WORKERS": str(workers),
            "KEYART_LOG_LEVEL": "WARNING",
            **more,
        }
        command = [sys.executable, "-m", "keyart.services.cli.main", "api"]
        process = subprocess.Popen(command, env=environ)
        try:
            _wait(f"http://127.0.0.1:{port}/health/ready", process)
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(30)


def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"the api was not ready within {READY_S:.0f} s")


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator["SiteMaker"]:
    """Makes sites; their servers end with the test."""
    maker = SiteMaker(tmp_path)
    yield maker
    for parts in maker.made:
        parts.close()
        parts.server.stop()


@pytest.fixture
def add_tastes() -> Callable[..., object]:
    """Gives viewers a taste."""
    return fill_tastes


class SiteMaker:
    """Fills a new store with random but plausible contents."""

    def __init__(self, folder: Path) -> None:
        self.made: list[Opened] = []
        self._folder = folder

    def __call__(self, *, titles: int, artworks: int, viewers: int) -> Site:
        """Return a site of so many titles, artworks of each, and viewers who have a taste."""
        parts = Opened(Settings(data_dir=str(self._folder / f"site{len(self.made)}")))
        parts.server.start()
        self.made.append(parts)
        parts.log  # noqa: B018 - creates the streams
        rng = np.random.default_rng(1)
        names = [f"title-{at}" for at in range(titles)]
        words = [word for _, about in read_vocabulary() for word in about.split()]
        catalogue = [_title(name, artworks, words, rng) for name in names]
        parts.catalogue.put(catalogue, now_ms=now_ms())
        _learn(parts, names, artworks, rng)
        people = [f"viewer-{at}" for at in range(viewers)]
        fill_tastes(parts, people, rng)
        return Site(parts=parts, titles=names, viewers=people)


def _title(name: str, artworks: int, words: list[str], rng: np.random.Generator) -> Title:
    made = tuple(
        Artwork(
            id=f"{name}-artwork-{at}",
            image=f"https://images.example.org/{name}/{at}.jpg",
            description=" ".join(rng.choice(words, 12)),
        )
        for at in range(artworks)
    )
    return Title(id=name, name=" ".join(rng.choice(words, 3)), group="g", artworks=made)


def _learn(parts: Opened, names: list[str], artworks: int, rng: np.random.Generator) -> None:
    """Write the sums of about 200 impressions of every artwork, and of the shared weights."""
    at_ms, lane = now_ms(), Lane(TITLES, 0)
    puts: dict[tuple[str, str], bytes | None] = {}
    for name in names:
        shown = rng.poisson(200, artworks)
        taken = rng.binomial(shown, 0.03)
        cells = {
            f"{name}-artwork-{at}": {
                "home": Cell(int(shown[at]), float(taken[at]), float(taken[at]), float(shown[at]))
            }
            for at in range(artworks)
        }
        sums = TitleSums(title=name, as_of_ms=at_ms, artworks=cells)
        puts["title", name] = codec.pack(sums)
    shared = add_to_shared(SharedSums(), _rewards(rng, at_ms), half_life_ms=1e12)
    puts["meta", "shared"] = codec.pack(shared)
    ownership, items = parts.store.acquire(lane), list(puts.items())
    for number, first in enumerate(range(0, len(items), 500)):
        parts.store.commit(
            Commit(
                lane=lane,
                epoch=ownership.epoch,
                number=ownership.number + number + 1,
                puts=dict(items[first : first + 500]),
            )
        )


def _rewards(rng: np.random.Generator, at_ms: int) -> list[Reward]:
    """Return rewards of pages with a context: what it says has been learned, and moves choices."""
    weights = rng.normal(0, 0.1, SITUATED)
    found = []
    for x in rng.normal(0, 0.7, (4000, SITUATED)):
        value = float(rng.random() < 0.03 * np.exp(x @ weights))
        found.append(
            Reward(
                id="r",
                viewer="0" * 32,
                title="t",
                artwork="a",
                surface="home",
                value=value,
                shown_at_ms=at_ms,
                closed_at_ms=at_ms,
                candidates=("a",),
                propensities=(1.0,),
                explored=False,
                policy="keyart",
                versions=Versions(policy="", prior="", posterior="", space=""),
                features=tuple(x.tolist()),
                expected=0.03,
            )
        )
    return found


def fill_tastes(parts: Opened, viewers: list[str], rng: np.random.Generator) -> list[ViewerKey]:
    """Give every viewer the taste of a dozen engagements; return their pseudonyms."""
    count, settings = len(viewers), parts.settings
    tastes = empty_tastes(count, parts.space.identity)
    for event in range(EVENTS_EACH):
        vectors = rng.normal(size=(count, TASTE_DIMENSIONS)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        tastes = engage(
            tastes,
            vectors=vectors,
            strengths=rng.uniform(-0.3, 1, count).astype(np.float32),
            concepts=rng.integers(0, min(100, NO_CONCEPT), (count, 3)).astype(np.uint16),
            closeness=rng.uniform(0.3, 0.9, (count, 3)).astype(np.float32),
            occurred_at_ms=np.full(count, now_ms() - (EVENTS_EACH - event) * 3_600_000),
            rates=TasteRates(),
        )
    keys = [pseudonym(viewer, parts.viewer_key) for viewer in viewers]
    names = [
        parts.keys.item(Lane(VIEWERS, partition_of(key, settings.partitions)), "taste", key)
        for key in keys
    ]
    blobs = pack_tastes(tastes)
    for first in range(0, count, 1000):
        part = slice(first, first + 1000)
        parts.client.mset(dict(zip(names[part], blobs[part], strict=True)))
    return keys
