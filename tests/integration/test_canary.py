"""While a version is let out each viewer is served by one of two, and the log says by which."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar.testing import TestClient

from keyart.models.decide.experiment import viewer_share
from keyart.models.ope.canary import salt_of
from keyart.schemas import codec
from keyart.schemas.decisions import DecisionPage
from keyart.schemas.errors import SettingsError
from keyart.schemas.ids import pseudonym
from keyart.schemas.registry import ModelVersion
from keyart.schemas.rollout import Rollout, Step
from keyart.schemas.topics import DECISIONS
from keyart.services.jobs.rollout import rollout_in, times_of, took_of
from keyart.services.wiring.canary_rules import rules_of
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.settings import Settings
from keyart.streams.site import Note
from tests.integration.prior_site import sure, titles
from tests.integration.test_api import logged, within
from tests.opened import Opened

KEY = "0123456789abcdef"


@pytest.fixture
def parts(data_dir: Path) -> Iterator[Opened]:
    made = Opened(
        Settings(
            data_dir=str(data_dir),
            viewer_key=KEY,
            policy="prior_only",
            explore_share=0.0,
            holdback=0.0,
            snapshot_s=0.1,
            canary_shares="0.3",
        )
    )
    made.server.start()
    made.catalogue.put(titles(), now_ms=now_ms())
    for name, sign in (("for-a", 1.0), ("for-b", -1.0)):
        made.registry.add(ModelVersion(name=name, kind="table", made_at_ms=1), {})
        made.opinions.put(sure(name, sign))
    yield made
    made.close()
    made.server.stop()


def test_every_page_is_one_versions_and_says_whose(parts: Opened) -> None:
    parts.registry.promote("for-a", by="test", why="first")
    parts.opinions.make_current("for-a")
    app = Opened(parts.settings).app()
    with TestClient(app, base_url="http://127.0.0.1:8650") as client:
        within(5, lambda: client.get("/health/ready").status_code == 200)
        asked = {"surface": "home", "titles": [f"t{at}" for at in range(8)]}

        def decide(viewer: str) -> tuple[str, set[str]]:
            answer = client.post("/v1/decisions", json={"viewer": viewer} | asked).json()
            return answer["versions"]["prior"], {each["artwork"] for each in answer["decisions"]}

        assert decide("before")[0] == "for-a"
        parts.canaries.begin("for-b", by="test", why="new")
        within(5, lambda: any(decide(f"w{at}")[0] == "for-b" for at in range(20)))
        seen = {f"v{at}": decide(f"v{at}") for at in range(120)}
        salt = salt_of("for-b")
        for viewer, (prior, artworks) in seen.items():
            tried = viewer_share(pseudonym(viewer, KEY.encode()), salt) < 0.3
            assert prior == ("for-b" if tried else "for-a")
            assert artworks == ({"b"} if tried else {"a"}), "one version's word on the whole page"
        shares = Counter(prior for prior, _ in seen.values())
        assert 15 < shares["for-b"] < 60
        names = {pseudonym(viewer, KEY.encode()): prior for viewer, (prior, _) in seen.items()}

        def pages() -> list[DecisionPage]:
            decoded = map(codec.decisions.decode, logged(parts, DECISIONS))
            return [page for page in decoded if page.viewer in names]

        # pages are logged beside their answers, those asked for before among them
        within(5, lambda: len(pages()) == len(names))
        told = {page.viewer: page.versions.prior for page in pages()}
        assert told == names
        for page in pages():
            assert all(each.propensity == 1.0 for each in page.decisions)
        rollout = rollout_in(parts.register)
        assert rollout is not None

        def timed(version: str) -> int:
            """Return how many pages of a version were timed, as each process adds them up."""
            counts = parts.register.counts(times_of(rollout))
            return sum(n for name, n in counts.items() if name.endswith(f"|{version}"))

        # others were asked for before them
        within(5, lambda: all(timed(version) >= count for version, count in shares.items()))
        assert took_of(rollout, parts.register.counts(times_of(rollout))) is not None
        parts.register.drop(Note.ROLLOUT)
        within(5, lambda: all(decide(f"x{at}")[0] == "for-a" for at in range(20)))


def test_a_version_that_cannot_serve_leaves_all_viewers_to_the_champion(parts: Opened) -> None:
    parts.opinions.make_current("for-a")
    rollout = Rollout(
        version="nobody",
        against="for-a",
        phase="canary",
        steps=(Step(share=0.9, since_ms=1),),
        heard_ms=1,
    )
    parts.register.write(Note.ROLLOUT, codec.pack(rollout))
    app = Opened(parts.settings).app()
    with TestClient(app, base_url="http://127.0.0.1:8650") as client:
        within(5, lambda: client.get("/health/ready").status_code == 200)
        asked = {"surface": "home", "titles": ["t0"]}
        for at in range(20):
            answer = client.post("/v1/decisions", json={"viewer": f"v{at}"} | asked).json()
            assert answer["versions"]["prior"] == "for-a"


def test_rules_are_those_of_the_settings() -> None:
    assert rules_of(Settings()).slower_ms == 5.0
    assert rules_of(Settings(canary_slower_ms=0.5)).slower_ms == 0.5


@pytest.mark.parametrize("shares", ["", "0.5,0.1", "0", "1", "0.1,x"])
def test_shares_that_do_not_grow_are_refused(shares: str) -> None:
    with pytest.raises(SettingsError, match="KEYART_CANARY_SHARES"):
        rules_of(Settings(canary_shares=shares))
