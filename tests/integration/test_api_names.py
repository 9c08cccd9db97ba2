"""Any id that a body may hold works in every address, and touches nobody else."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar.testing import TestClient

from keyart.schemas.ids import pseudonym
from keyart.services.wiring.settings import Settings
from tests.opened import Opened

HERE = "http://127.0.0.1:8650"
Client = TestClient[Any]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    folder = tmp_path_factory.mktemp("names")
    made = Opened(Settings(data_dir=str(folder), viewer_key="0123456789abcdef"))
    made.server.start()
    yield made
    made.close()
    made.server.stop()


@pytest.fixture(scope="module")
def client(parts: Opened) -> Iterator[Client]:
    with TestClient(parts.app(), base_url=HERE, raise_server_exceptions=False) as found:
        yield found


AWKWARD = [
    *("/", "/ada", "ada/", "a/b", "//", ".", "..", "../x", "a/../b", "%", "%2F", "%252F", "a%2fb"),
    *("+", "a+b", "a b", " ada", "ada ", "?", "#", "a?b#c", ";", ":", "@", "&=", "\\", "'\"", "~"),
    *("é", "e\u0301", "ﬁ", "fi", "\u212b", "Å", "\u200b", "\u2028", "日本", "🎬", "*", "null"),
    *("x" * 128, "🎬" * 128, "/" * 128),
]
NAMES = st.sampled_from(AWKWARD) | st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="{}"),
    min_size=1,
    max_size=128,
)
VIEWERS = NAMES | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=256)
CONTROL = [f"a{chr(code)}{end}" for code in (*range(32), 127) for end in ("", "b")]
EACH = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def at(path: str, name: str) -> str:
    sent = quote(name, safe="")
    # clients take . and .. out of an address, so these alone must be sent as %2E
    return f"{HERE}{path}{sent if sent.strip('.') else sent.replace('.', '%2E')}"


def ids(client: Client) -> set[str]:
    return {
        each["id"] for each in client.get("/v1/titles", params={"limit": 1000}).json()["titles"]
    }


@EACH
@given(name=NAMES)
def test_a_title_of_any_name_is_put_read_decided_drawn_and_withdrawn(
    client: Client, name: str
) -> None:
    before = ids(client)
    given_ = {"id": name, "artworks": [{"id": name}, {"id": "b"}]}
    assert client.put(at("/v1/titles/", name), json=given_).json()["id"] == name
    assert ids(client) == before | {name}
    assert client.get(at("/v1/titles/", name)).json()["id"] == name
    asked = {"viewer": name, "surface": name, "titles": [name]}
    answer = client.post("/v1/decisions", json=asked).json()
    assert [each["title"] for each in answer["decisions"]] == [name]
    assert answer["surface"] == name
    assert client.get(at("/v1/insight/titles/", name)).json()["id"] == name
    event = {"type": "like", "id": name, "viewer": name, "title": name, "artwork": name}
    assert client.post("/v1/events", json={"events": [event]}).status_code == 202
    listed = client.get("/v1/titles", params={"after": name}).json()["titles"]
    assert name not in {each["id"] for each in listed}
    assert client.delete(at("/v1/titles/", name)).json()["id"] == name
    assert client.post("/v1/decisions", json=asked).status_code == 404


@EACH
@given(name=VIEWERS)
def test_a_viewer_of_any_id_is_corrected_and_erased_alone(
    client: Client, parts: Opened, name: str
) -> None:
    own = pseudonym(name, parts.viewer_key)
    like = {"type": "like", "id": "e", "viewer": name, "title": "t"}
    assert client.post("/v1/events", json={"events": [like]}).status_code == 202
    words = {"concepts": {"horses": 0.5}}
    assert client.patch(at("/v1/viewers/", name), json=words).json()["viewer"] == own
    assert client.delete(at("/v1/viewers/", name)).json()["viewer"] == own
    assert client.get(at("/v1/viewers/", name)).json()["detail"].startswith("nothing is kept")


@pytest.mark.parametrize("name", CONTROL)
def test_a_name_with_a_control_character_is_refused_everywhere(client: Client, name: str) -> None:
    before = ids(client)
    given_ = {"artworks": [{"id": "a"}]}
    assert client.put(at("/v1/titles/", name), json=given_).status_code == 400
    assert client.put(at("/v1/titles/", "x"), json={"artworks": [{"id": name}]}).status_code == 400
    for more in ({"titles": [name]}, {"titles": ["x"], "surface": name}):
        assert client.post("/v1/decisions", json={"viewer": "v", **more}).status_code == 400
    for field in ("id", "title", "artwork", "decision", "surface"):
        event = {"type": "like", "id": "e", "viewer": "v", "title": "t", field: name}
        assert client.post("/v1/events", json={"events": [event]}).status_code == 400
    assert ids(client) == before


@pytest.mark.parametrize(
    "path", ["/v1/viewers//ada", "/v1/viewers/ada/", "//v1/viewers/ada", "/v1/viewers/%ff"]
)
def test_an_address_that_is_none_erases_nobody(client: Client, path: str) -> None:
    assert client.delete(HERE + path).status_code == 404


def test_two_unicode_forms_are_two_names_everywhere(client: Client, parts: Opened) -> None:
    one, two = "é", "e\u0301"
    for name in (one, two):
        client.put(at("/v1/titles/", name), json={"name": repr(name), "artworks": [{"id": "a"}]})
    assert {one, two} <= ids(client)
    assert client.get(at("/v1/titles/", one)).json()["name"] == repr(one)
    client.delete(at("/v1/titles/", one))
    answer = client.post("/v1/decisions", json={"viewer": one, "titles": [one, two]}).json()
    assert answer["unknown"] == [one]
    erased = [client.delete(at("/v1/viewers/", name)).json()["viewer"] for name in (one, two)]
    assert erased == [pseudonym(name, parts.viewer_key) for name in (one, two)]
    assert erased[0] != erased[1]


def test_no_id_stands_in_the_log(
    client: Client, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    with caplog.at_level(logging.DEBUG):
        for method in ("GET", "DELETE", "BREW"):
            client.request(method, at("/v1/viewers/", "secretive/one"))
        client.get("/v1/nowhere/secretive")
        client.get(at("/v1/titles/", "a title of mine"))
    own = [record.getMessage() for record in caplog.records if record.name != "httpx"]
    assert len(own) >= 5 and not [line for line in own if "secretive" in line or "mine" in line]
    lines = [record.fields for record in caplog.records if record.name == "keyart.access"]  # type: ignore[attr-defined]
    assert [(each["method"], each["route"], each["status"]) for each in lines] == [
        ("GET", "/v1/viewers/{viewer}", 404),
        ("DELETE", "/v1/viewers/{viewer}", 202),
        ("BREW", "unknown", 405),
        ("GET", "unknown", 404),
        ("GET", "/v1/titles/{title}", 404),
    ]
