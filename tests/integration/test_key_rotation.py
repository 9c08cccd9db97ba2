"""The viewer key is changed: with both keys set viewers move, and nobody becomes a stranger."""

from pathlib import Path
from typing import Any

from keyart.schemas import codec
from keyart.schemas.events import Adoption, Erasure
from keyart.schemas.ids import pseudonym
from keyart.schemas.topics import EVENTS
from keyart.services.wiring.settings import Settings
from tests.integration.test_api import opened, title
from tests.opened import Opened

OLD, NEW = "the old key of 21 by.", "the new key of 21 by."


def site(folder: Path, **keys: Any) -> Opened:
    return Opened(Settings(data_dir=str(folder), **keys))


def learn(parts: Opened) -> None:
    parts.driver.open()
    parts.driver.drain()


def finish(client: Any, name: str, viewer: str = "ann") -> None:
    event = {"type": "finish", "id": name, "viewer": viewer, "title": "t", "artwork": "rockets"}
    assert client.post("/v1/events", json={"events": [event]}).status_code == 202


def test_tastes_move_with_their_viewers_and_erasure_meets_both(data_dir: Path) -> None:
    first = site(data_dir, viewer_key=OLD)
    first.server.start()
    try:
        with opened(first) as client:
            assert client.put("/v1/titles/t", json=title("rockets", "wolves")).status_code == 200
            for at in range(3):
                finish(client, f"before-{at}")
            finish(client, "cem", viewer="cem")
            learn(first)
            assert client.get("/v1/viewers/ann").json()["events"] == 3
        both = site(data_dir, viewer_key=NEW, viewer_key_previous=OLD)
        with opened(both) as client:
            seen = client.get("/v1/viewers/ann").json()
            assert seen["events"] == 3 and seen["viewer"] == pseudonym("ann", NEW.encode())
            finish(client, "during")
            learn(both)
            assert client.get("/v1/viewers/ann").json()["events"] == 4
            finish(client, "again")
            learn(both)
            assert client.get("/v1/viewers/ann").json()["events"] == 5
            body = {"viewer": "cem", "titles": ["t"]}
            assert client.post("/v1/decisions", json=body).status_code == 200
        learn(both)
        after = site(data_dir, viewer_key=NEW)
        with opened(after) as client:
            assert client.get("/v1/viewers/ann").json()["events"] == 5
            assert client.get("/v1/viewers/cem").json()["events"] == 1
        with opened(both) as client:
            assert client.delete("/v1/viewers/ann").status_code == 202
            learn(both)
            assert client.get("/v1/viewers/ann").status_code == 404
        with opened(first) as client:
            assert client.get("/v1/viewers/ann").status_code == 404
        logged = [codec.events.decode(each.value) for each in both.history(EVENTS, 0)]
        erased = {each.viewer for each in logged if isinstance(each, Erasure)}
        assert erased == {pseudonym("ann", key.encode()) for key in (OLD, NEW)}
        moved = [each for each in logged if isinstance(each, Adoption)]
        assert {each.viewer for each in moved} == {
            pseudonym(viewer, NEW.encode()) for viewer in ("ann", "cem")
        }
        before = pseudonym("ann", OLD.encode())
        assert not any(before in codec.encode(each).decode() for each in moved)
    finally:
        first.close()
        first.server.stop()
