"""The api over a real Valkey: every route, wrong input of every kind, and servers that go away."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar.testing import TestClient

from keyart.schemas import codec
from keyart.schemas.catalogue import StoredTitle, Title
from keyart.schemas.decisions import DecisionPage
from keyart.schemas.errors import SettingsError
from keyart.schemas.ids import pseudonym
from keyart.schemas.topics import DECISIONS, EVENTS
from keyart.services.api.answers import Answer
from keyart.services.api.problems import Problem
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.settings import Settings
from keyart.streams.valkey.catalogue import ValkeyCatalogue
from tests.opened import Opened

JSON = {"content-type": "application/json"}
KEY = "a key of sixteen or more"
Client = TestClient[Any]


def site(folder: Path, **more: Any) -> Opened:
    return Opened(Settings(data_dir=str(folder), viewer_key="0123456789abcdef", **more))


def title(*artworks: str, name: str = "A title") -> dict[str, Any]:
    return {
        "name": name,
        "group": "g",
        "artworks": [
            {"id": each, "image": f"/i/{each}.jpg", "description": f"{each} in space"}
            for each in artworks
        ],
    }


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    made = site(tmp_path_factory.mktemp("api"))
    made.server.start()
    yield made
    made.close()
    made.server.stop()


@pytest.fixture(scope="module")
def client(parts: Opened) -> Iterator[Client]:
    with opened(parts) as found:
        for at in range(5):
            found.put(f"/v1/titles/t{at}", json=title("rockets", "kitchens", "wolves"))
        yield found


def opened(parts: Opened) -> Client:
    return TestClient(
        parts.app(),
        base_url="http://127.0.0.1:8650",
        raise_server_exceptions=False,
    )


def logged(parts: Opened, topic: str) -> list[bytes]:
    return [record.value for record in parts.log.read(topic, 0, after=None, count=100_000)]


def within(seconds: float, condition: Any) -> None:
    """Wait for what comes about in so many seconds, or a few times that where others work too."""
    deadline = time.monotonic() + 6 * seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def decide(client: Client, viewer: str, *titles: str, **more: Any) -> Any:
    return client.post("/v1/decisions", json={"viewer": viewer, "titles": list(titles), **more})


def problem(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    assert found["status"] == status
    return found


def test_a_decision_is_answered_and_logged_alike(client: Client, parts: Opened) -> None:
    answer = decide(client, "ann", "t0", "t1", surface="billboard").json()
    viewer = pseudonym("ann", parts.viewer_key)
    assert answer["viewer"] == viewer and answer["degraded"] == ""

    def mine() -> list[DecisionPage]:
        pages = [codec.decisions.decode(value) for value in logged(parts, DECISIONS)]
        return [page for page in pages if page.viewer == viewer and page.surface == "billboard"]

    within(5, mine)
    page = mine()[0]
    assert page.decided_at_ms == answer["decided_at_ms"]
    assert msgspec.to_builtins(page.versions) == answer["versions"]
    for chosen, decision in zip(answer["decisions"], page.decisions, strict=True):
        assert chosen["id"] == decision.id and chosen["artwork"] == decision.artwork
        assert chosen["image"] == f"/i/{decision.artwork}.jpg"
        assert chosen["propensity"] == decision.propensity > 0
        assert chosen["why"].endswith(".")
        assert decision.candidates == ("rockets", "kitchens", "wolves")
        assert sum(decision.propensities) == pytest.approx(1, abs=1e-6)


def test_a_viewer_sees_the_same_artwork_for_a_while(client: Client) -> None:
    first, again = (decide(client, "bea", "t0", "t1", "t2").json()["decisions"] for _ in range(2))
    said = ("why", "kept")
    assert [
        {name: value for name, value in each.items() if name not in said} for each in first
    ] == [{name: value for name, value in each.items() if name not in said} for each in again]
    assert [each["kept"] for each in (*first, *again)] == [False] * 3 + [True] * 3
    assert all(each["why"].startswith("Kept as decided less than a minute ago") for each in again)


def test_sentences_may_be_left_out(client: Client) -> None:
    found = decide(client, "ann", "t0", "t1", why=False).json()["decisions"]
    assert [each["why"] for each in found] == ["", ""]


def test_an_unknown_title_is_listed_and_the_rest_is_answered(client: Client) -> None:
    client.put("/v1/titles/gone", json=title("a", "b"))
    client.delete("/v1/titles/gone")
    answer = decide(client, "ann", "x", "t0", "gone", "t1").json()
    assert [each["title"] for each in answer["decisions"]] == ["t0", "t1"]
    assert answer["unknown"] == ["x", "gone"]
    assert decide(client, "ann", "t0").json()["unknown"] == []


def test_when_no_title_is_known_all_are_named(client: Client) -> None:
    found = problem(decide(client, "ann", "x", "y"), 404)
    assert [fault["where"] for fault in found["faults"]] == ["$.titles[0]", "$.titles[1]"]


def test_a_title_may_stand_once(client: Client) -> None:
    problem(decide(client, "ann", "t0", "t0"), 400)


def event(number: int = 0, **more: Any) -> dict[str, Any]:
    return {"type": "play", "id": f"e{number}", "viewer": "cem", "title": "t0", "minutes": 5} | more


def test_events_are_logged_under_a_pseudonym(client: Client, parts: Opened) -> None:
    response = client.post("/v1/events", json={"events": [event(), event(1, minutes=0.5)]})
    assert response.status_code == 202 and response.json() == {"accepted": 2}
    values = logged(parts, EVENTS)
    assert not any(b"cem" in value for value in values)
    found = [codec.events.decode(value) for value in values]
    mine = [each for each in found if each.viewer == pseudonym("cem", parts.viewer_key)]
    assert [each.id for each in mine] == ["e0", "e1"]
    assert all(abs(each.occurred_at_ms - now_ms()) < 60_000 for each in mine)


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"minutes": -1}, "minutes"),
        ({"minutes": "5"}, "minutes"),
        ({"viewer": ""}, "viewer"),
        ({"viewer": 7}, "viewer"),
        ({"type": "erasure"}, "type"),
        ({"type": None}, "type"),
        ({"title": "a{b}"}, "title"),
        ({"id": "x" * 200}, "id"),
        ({"occurred_at_ms": 1e3}, "occurred_at_ms"),
        ({"timestamp": "2020-01-01T00:00:00Z"}, "timestamp"),
        ({"decision_id": "0123456789abcdef"}, "decision_id"),
        ({"version": 2}, "version"),
        ({"decision": "v:" + "0" * 32}, "decision"),
        ({"decision": "2D56ED5ECEC9A1F6"}, "decision"),
        ({"decision": "2d56ed5ecec9a1f6\n"}, "decision"),
        ({"title": "t0\n"}, "title"),
    ],
)
def test_one_wrong_event_refuses_all(
    client: Client, parts: Opened, wrong: dict[str, Any], where: str
) -> None:
    before = len(logged(parts, EVENTS))
    events = [event(at) for at in range(20)]
    events[17] = event(17, **wrong)
    found = problem(client.post("/v1/events", json={"events": events}), 400)
    assert [fault["where"] for fault in found["faults"]] == [f"$.events[17].{where}"]
    assert len(logged(parts, EVENTS)) == before


def test_an_unknown_field_is_refused_with_the_one_that_was_meant(client: Client) -> None:
    wrong = {"title": "N", "artworks": [{"id": "a", "url": "u", "desc": "d"}]}
    found = problem(client.put("/v1/titles/uf", json=wrong), 400)
    said = {fault["where"]: fault["what"] for fault in found["faults"]}
    assert {where: what.rsplit("'", 2)[1] for where, what in said.items()} == {
        "$.title": "name",
        "$.artworks[0].url": "image",
        "$.artworks[0].desc": "description",
    }
    problem(client.get("/v1/titles/uf"), 404)
    problem(client.put("/v1/titles/uf", json=title("a") | {"version": 2}), 400)
    found = problem(decide(client, "ann", "t0", user="x"), 400)
    assert found["faults"][0]["what"] == "there is no field 'user'; did you mean 'viewer'?"


@pytest.mark.parametrize("away_ms", [86_460_000, -8 * 86_400_000])
def test_an_event_far_from_now_is_refused(client: Client, away_ms: int) -> None:
    far = event(occurred_at_ms=now_ms() + away_ms)
    found = problem(client.post("/v1/events", json={"events": [far]}), 400)
    assert [fault["where"] for fault in found["faults"]] == ["$.events[0].occurred_at_ms"]


def test_bounds_of_a_request_hold(client: Client) -> None:
    many = {"events": [event(at) for at in range(1001)]}
    assert problem(client.post("/v1/events", json=many), 400)["faults"][0]["where"] == "$.events"
    large = b'{"events": [' + b" " * 2_100_000 + b"]}"
    problem(client.post("/v1/events", content=large, headers=JSON), 413)
    problem(decide(client, "ann", *(f"x{at}" for at in range(201))), 400)
    problem(client.post("/v1/events", content=b"{}", headers={"content-type": "text/csv"}), 415)


def test_titles_come_change_and_go(client: Client) -> None:
    client.put("/v1/titles/film one", json=title("a", "b"))
    changed = client.put("/v1/titles/film one", json=title("b", "c", name="Another name")).json()
    assert changed["name"] == "Another name"
    assert {each["artwork"]["id"]: "removed_at_ms" in each for each in changed["artworks"]} == {
        "a": True,
        "b": False,
        "c": False,
    }
    seen = {
        decide(client, f"viewer {at}", "film one").json()["decisions"][0]["artwork"]
        for at in range(60)
    }
    assert seen == {"b", "c"}
    assert client.get("/v1/titles/film one").json() == changed
    assert client.delete("/v1/titles/film one").status_code == 200
    problem(decide(client, "ann", "film one"), 404)
    problem(client.delete("/v1/titles/nothing"), 404)
    problem(client.get("/v1/titles/nothing"), 404)
    problem(client.put("/v1/titles/x", json=title("a") | {"id": "y"}), 400)
    twice = problem(client.put("/v1/titles/x", json=title("a", "a")), 400)
    assert twice["faults"][0]["where"] == "$.artworks[1].id"


def test_a_title_that_does_not_fit_is_refused_and_nothing_else_is_touched(client: Client) -> None:
    artworks = [{"id": f"a{at}", "description": "\U0001f3ac" * 4000} for at in range(40)]
    refused = problem(client.put("/v1/titles/big", json={"artworks": artworks}), 400)
    assert "1,000,000 bytes" in refused["detail"]
    problem(client.get("/v1/titles/big"), 404)
    assert client.put("/v1/titles/beside-big", json=title("a", "b")).status_code == 200
    assert decide(client, "ada", "beside-big").status_code == 200


def test_a_title_that_others_change_all_the_time_is_a_conflict(
    client: Client, parts: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = client.app.dependencies["keyart"].dependency()
    catalogue = state.catalogue
    assert isinstance(catalogue, ValkeyCatalogue)
    monkeypatch.setattr(catalogue, "_patience_s", 0.0)
    script, count = catalogue._write_script, iter(range(1000))

    def meanwhile(**named: Any) -> Any:
        changed = parts.keys.shared("{catalogue}changed")
        parts.client.zadd(changed, {"contended": 1000 + next(count)})
        return script(**named)

    monkeypatch.setattr(catalogue, "_write_script", meanwhile)
    answer = client.put("/v1/titles/contended", json=title("a", "b"))
    assert "'contended'" in problem(answer, 409)["detail"]
    assert "Retry-After" in answer.headers


def test_titles_are_listed_in_pages(client: Client) -> None:
    names: list[str] = []
    after = ""
    while True:
        page = client.get("/v1/titles", params={"after": after, "limit": 2}).json()
        names += [each["id"] for each in page["titles"]]
        if not (after := page["after"]):
            break
    assert names == sorted(names) and {f"t{at}" for at in range(5)} <= set(names)


def test_a_viewer_is_read_corrected_and_erased(tmp_path: Path) -> None:
    parts = site(tmp_path, reward_window_s=0.2, lateness_s=0.1)
    parts.server.start()
    try:
        with opened(parts) as client:
            problem(client.get("/v1/viewers/dee"), 404)
            client.put("/v1/titles/t", json=title("rockets", "kitchens"))
            decide(client, "dee", "t")
            events = [event(at, viewer="dee", title="t", artwork="rockets") for at in range(3)]
            assert client.post("/v1/events", json={"events": events}).status_code == 202
            steps = Opened(parts.settings)
            steps.driver.open()
            steps.driver.drain()
            taste = client.get("/v1/viewers/dee").json()
            assert taste["events"] == 3 and "likes" in taste["summary"]
            weights = {"horses": 0.9, taste["concepts"][0]["name"]: -1}
            unknown = {"concepts": {"no such interest": 1}}
            problem(client.patch("/v1/viewers/dee", json=unknown), 400)
            problem(client.patch("/v1/viewers/dee", json={}), 400)
            assert client.patch("/v1/viewers/dee", json={"concepts": weights}).status_code == 202
            steps.driver.drain()
            corrected = client.get("/v1/viewers/dee").json()["concepts"]
            held = {each["name"]: each["weight"] for each in corrected if each["corrected"]}
            assert held == pytest.approx(weights, abs=1e-3)

            assert client.delete("/v1/viewers/dee").status_code == 202
            problem(client.get("/v1/viewers/dee"), 404)
            steps.driver.drain()
            assert steps.erasures.finish() == 1
            viewer = pseudonym("dee", parts.viewer_key).encode()
            assert not any(viewer in value for value in logged(parts, EVENTS))
    finally:
        parts.close()
        parts.server.stop()


def pages_in(parts: Opened) -> dict[str, DecisionPage]:
    """Return the pages in the log, each once however often it was written, the first first."""
    pages = [codec.decisions.decode(value) for value in logged(parts, DECISIONS)]
    return {page.decisions[0].id: page for page in pages}


def test_a_server_that_goes_away_and_comes_back(tmp_path: Path) -> None:
    parts = site(tmp_path)
    parts.server.start()
    try:
        with opened(parts) as client:
            client.put("/v1/titles/t", json=title("rockets", "kitchens"))
            assert decide(client, "eli", "t").json()["degraded"] == ""
            within(5, lambda: len(logged(parts, DECISIONS)) == 1)
            parts.server.kill()
            (kept,) = decide(client, "eli", "t").json()["decisions"]
            assert kept["kept"]
            answer = decide(client, "fay", "t")
            assert answer.status_code == 200 and answer.json()["degraded"] == "taste-away"
            refused = client.post("/v1/events", json={"events": [event()]})
            problem(refused, 503)
            assert int(refused.headers["retry-after"]) > 0
            problem(client.get("/v1/viewers/eli"), 503)
            ready = client.get("/health/ready")
            assert ready.status_code == 200 and not ready.json()["parts"]["store"]["well"]
            assert client.get("/health/live").status_code == 200
            parts.server.start()
            within(10, lambda: client.get("/health/ready").json()["parts"]["store"]["well"])
            # the first stands there twice if the server went before it had said that its file held
            # it: whoever reads the log knows it by its ids
            within(10, lambda: len(pages_in(parts)) >= 2)
            first, last = pages_in(parts).values()
            assert (first.degraded, last.degraded) == ("", "taste-away")
            assert kept["id"] == first.decisions[0].id
            assert decide(client, "eli", "t").json()["degraded"] == ""
    finally:
        parts.close()
        parts.server.stop()


def test_keys_are_asked_for(parts: Opened, tmp_path: Path) -> None:
    keyed = site(Path(parts.settings.data_dir), api_keys=f"{KEY},another key that is long")
    with opened(keyed) as client:
        within(10, lambda: client.get("/health/ready").status_code == 200)
        for path in ("/", "/health/live", "/docs"):
            assert client.get(path).status_code == 200
        assert client.get("/health/ready").json() == {"ready": True, "parts": {}}
        for given in ({}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {KEY}"}):
            refused = client.get("/v1/titles", headers=given)
            assert problem(refused, 401)
            assert refused.headers["www-authenticate"] == "Bearer"
        right = {"authorization": f"Bearer {KEY}"}
        assert client.get("/v1/titles", headers=right).status_code == 200
    for host in ("0.0.0.0", "192.0.2.1", "keyart.example.org"):
        with pytest.raises(SettingsError, match="KEYART_API_KEYS"):
            site(tmp_path, api_host=host).app()
    with pytest.raises(SettingsError, match="16 characters"):
        site(tmp_path, api_keys="short").app()


def test_a_share_of_viewers_is_held_back_for_good(client: Client, parts: Opened) -> None:
    assert decide(client, "v0", "t0").status_code == 200
    half = site(Path(parts.settings.data_dir), holdback=0.5)
    with opened(half) as other:
        within(5, lambda: other.get("/health/ready").status_code == 200)
        answers = [decide(other, f"v{at}", "t0").json() for at in range(60)]
    held = [each for each in answers if each["policy"] == "holdback"]
    assert 5 < len(held) < 55
    for each in held:
        (one,) = each["decisions"]
        assert (one["artwork"], one["propensity"], one["explored"]) == ("rockets", 1.0, False)
        assert "held back" in one["why"]


def test_an_experiment_splits_viewers(client: Client, parts: Opened) -> None:
    assert decide(client, "v0", "t0").status_code == 200
    split = site(Path(parts.settings.data_dir), experiment="uniform=0.3")
    with opened(split) as other:
        within(5, lambda: other.get("/health/ready").status_code == 200)
        served = [decide(other, f"v{at}", "t0").json()["policy"] for at in range(300)]
        again = [decide(other, f"v{at}", "t0").json()["policy"] for at in range(50)]
    assert served[:50] == again
    # five standard deviations of a share of 0.3 among 300 viewers
    assert served.count("uniform") / 300 == pytest.approx(0.3, abs=5 * (0.21 / 300) ** 0.5)


def test_what_it_measures_names_no_viewer(client: Client, parts: Opened) -> None:
    decide(client, "secretive", "t0")
    text = client.get("/metrics").text
    assert 'keyart_decisions_total{policy="' in text and "keyart_snapshot_age_seconds" in text
    assert "secretive" not in text
    assert pseudonym("secretive", parts.viewer_key) not in text


def test_the_documents_ask_nobody_else(client: Client) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    for asks in ("<script", "<link", "<img", "src=", "@import", "url("):
        assert asks not in page.text
    assert "POST" in page.text and "/v1/viewers/{viewer}" in page.text


def test_the_document_tells_bodies_and_answers(client: Client) -> None:
    document = client.get("/docs/openapi.json").json()
    names = set(document["components"]["schemas"])
    refs = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert refs <= names
    untyped = {"/v1/insight/figures.csv", "/v1/insight/titles.csv", "/health/live"}
    for path, item in document["paths"].items():
        for operation in item.values():
            (status,) = [each for each in operation["responses"] if each.startswith("2")]
            (answer,) = operation["responses"][status]["content"].values()
            assert path in untyped or answer["schema"].keys() == {"$ref"}, path
    asks = {
        (method, path): operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if "requestBody" in operation
    }
    assert asks == {
        ("post", "/v1/decisions"): "#/components/schemas/DecisionsRequest",
        ("post", "/v1/events"): "#/components/schemas/EventsRequest",
        ("post", "/v1/serendipity"): "#/components/schemas/SerendipityRequest",
        ("post", "/v1/models/promote"): "#/components/schemas/PromoteRequest",
        ("post", "/v1/models/rollback"): "#/components/schemas/RollbackRequest",
        ("put", "/v1/titles/{title}"): "#/components/schemas/Title",
        ("patch", "/v1/viewers/{viewer}"): "#/components/schemas/CorrectionRequest",
    }


def test_records_in_the_document_are_those_that_are_read_and_written(client: Client) -> None:
    described = client.get("/docs/openapi.json").json()["components"]["schemas"]
    _, known = msgspec.json.schema_components(
        [StoredTitle, Title, Answer, Problem], ref_template="#/components/schemas/{name}"
    )
    assert {name: described[name] for name in known} == json.loads(json.dumps(known))
    assert described["Title"]["properties"]["artworks"]["maxItems"] == 40
    assert described["DecisionsRequest"]["properties"]["titles"]["maxItems"] == 200


WANTING = (("/v1/serendipity", 409), ("/v1/models/promote", 404), ("/v1/models/rollback", 400))
"""This site has no table of proposals and no versions of models; test_serendipity.py and
test_models_page.py ask sites that have."""


def test_the_examples_of_the_document_work(client: Client) -> None:
    client.put("/v1/titles/small-hours", json=title("a", "b"))
    paths = client.get("/docs/openapi.json").json()["paths"]
    sent = 0
    for path in sorted(paths, reverse=True):  # titles first
        for method, operation in paths[path].items():
            if "requestBody" in operation:
                body = operation["requestBody"]["content"]["application/json"]["example"]
                at = path.format(title="deep-field", viewer="viewer-7")
                answer = client.request(method.upper(), at, json=body)
                assert str(answer.status_code) in operation["responses"]
                assert answer.is_success or (path, answer.status_code) in WANTING
                sent += 1
    assert sent == 7


KEYS = st.sampled_from(["viewer", "titles", "events", "artworks", "id", "type", "concepts"])


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keys = KEYS | st.text(max_size=4)
    return inner | st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4)


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
ANY_JSON = nested(nested(LEAVES))
ROUTES = (
    ("POST", "/v1/decisions"),
    ("POST", "/v1/events"),
    ("POST", "/v1/serendipity"),
    ("PUT", "/v1/titles/garbage"),
    ("PATCH", "/v1/viewers/garbage"),
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    route=st.sampled_from(ROUTES),
    body=st.binary(max_size=60) | ANY_JSON.map(msgspec.json.encode),
    kind=st.sampled_from(
        ["application/json", "application/json; charset=latin1", "text/plain", ""]
    ),
)
def test_no_body_makes_it_fail(
    client: Client, route: tuple[str, str], body: bytes, kind: str
) -> None:
    response = client.request(*route, content=body, headers={"content-type": kind})
    assert 200 <= response.status_code < 500
    if response.status_code >= 400:
        problem(response, response.status_code)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b'{"viewer": "v", "titles": ["t0"], "surface": NaN}',
        b'{"viewer": "v", "titles": [1e999]}',
        b'{"viewer": "\\ud800", "titles": ["t0"]}',
        b'{"events": [{"type": "play", "viewer": "\\udfff"}]}',
        b'{"events": [' + b"[" * 5000 + b"]" * 5000 + b"]}",
        b'{"concepts": {"x": 1' + b"0" * 5000 + b"}}",
        b"\xef\xbb\xbf{}",
        b"\x00",
    ],
)
@pytest.mark.parametrize("route", ROUTES)
def test_hostile_bodies_are_refused(client: Client, route: tuple[str, str], body: bytes) -> None:
    found = problem(client.request(*route, content=body, headers=JSON), 400)
    assert found["faults"][0]["where"].startswith("$")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/decisions", 405),
        ("BREW", "/v1/events", 405),
        ("GET", "/v2/decisions", 404),
        ("GET", "/v1/titles?limit=many", 400),
        ("GET", "/v1/titles?limit=0", 400),
        ("GET", "/v1/titles/%ff%fe", 404),
        ("PUT", "/v1/titles/%7B%7D", 400),
        ("GET", f"/v1/viewers/{'v' * 300}", 400),
        ("GET", "/v1/insight/decisions?limit=-1", 400),
    ],
)
def test_wrong_addresses_are_refused(client: Client, method: str, path: str, status: int) -> None:
    content = b'{"artworks": [{"id": "a"}]}' if method == "PUT" else None
    problem(client.request(method, path, content=content, headers=JSON), status)


def test_the_document_types_each_event_as_the_api_takes_it(client: Client) -> None:
    import jsonschema

    document = client.get("/docs/openapi.json").json()
    components = document["components"]["schemas"]
    items = components["EventsRequest"]["properties"]["events"]["items"]
    assert items["discriminator"]["propertyName"] == "type"
    kinds = items["discriminator"]["mapping"]
    assert set(kinds) == {"impression", "click", "play", "finish", "like", "hide"}
    definitions = json.loads(json.dumps(components).replace("#/components/schemas/", "#/$defs/"))
    schema = definitions["EventsRequest"] | {"$defs": definitions}
    checker = jsonschema.Draft202012Validator(schema)
    least = {"id": "e", "viewer": "any text", "title": "t0"}
    for kind in kinds:
        own = least | {"type": kind} | ({"minutes": 3} if kind == "play" else {})
        variants = [
            own,
            own | {"decision": "2d56ed5ecec9a1f6", "artwork": "a", "surface": "home"},
            own | {"decision": None, "occurred_at_ms": now_ms()},
            own | {"timestamp": 1},
            own | {"viewer": ""},
            own | {"decision": "v:x"},
            own | {"occurred_at_ms": "now"},
            {name: value for name, value in own.items() if name != "title"},
        ]
        for at, variant in enumerate(variants):
            body = {"events": [variant]}
            taken = client.post("/v1/events", json=body).status_code == 202
            assert taken == checker.is_valid(body) == (at < 3), variant


def test_every_operation_has_a_title_a_key_and_our_problems(client: Client) -> None:
    document = client.get("/docs/openapi.json").json()
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    operations = [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]
    assert not [path for path, _, _ in operations if path.startswith("/docs")]
    names = [operation["operationId"] for _, _, operation in operations]
    assert len(names) == len(set(names)) >= 16
    for path, method, operation in operations:
        assert " " in operation["summary"] and operation["tags"], path
        scopes = [scope for each in operation["security"] for scope in each["key"]]
        assert bool(scopes) != path.startswith("/health"), path
        for status, answer in operation["responses"].items():
            assert "X-Request-Id" in answer["headers"]
            if int(status) >= 400:
                (kind,) = answer["content"]
                assert kind == "application/problem+json", (path, method, status)
        assert ("401" in operation["responses"]) == bool(scopes)
    page = client.get("/docs").text
    assert "Choose artworks for a viewer" in page and "<code>decide</code>" in page
