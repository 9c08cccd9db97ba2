"""What the clients send and how they read answers, over a transport without a network.

Every test runs against the synchronous and the asynchronous client: they are one suite.
"""

import asyncio
import json
import threading
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest

from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.errors import SettingsError
from keyart.services.client import (
    AsyncClient,
    Away,
    Choice,
    Client,
    ErrorAnswer,
    NotNow,
    Page,
    Proposals,
)

PAGE = {"decisions": [{"id": "d", "title": "t", "artwork": "a", "new": 1}], "later": {}}
Answer = httpx.Response | Exception


class Wire:
    """Answers what it was told to, in turns, the last one for ever; keeps what was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.seen: list[httpx.Request] = []
        self.waits: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(each.content) for each in self.seen if each.content]


class Both:
    """One call for both clients."""

    def __init__(self, kind: str, wire: Wire, url: str, **more: Any) -> None:
        transport = httpx.MockTransport(wire)
        more = {"attempts": 3, "decide_within_s": 60.0, "timeout_s": 30.0, **more}
        self._runner = asyncio.Runner() if kind == "async" else None
        if self._runner:

            async def waits(seconds: float) -> None:
                wire.waits.append(seconds)

            self.client: Any = AsyncClient(url, transport=transport, wait=waits, **more)
        else:
            self.client = Client(url, transport=transport, wait=wire.waits.append, **more)

    def __call__(self, name: str, *given: Any, **more: Any) -> Any:
        method = getattr(self.client, name)
        if self._runner is None:
            return method(*given, **more)

        async def call() -> Any:
            found = method(*given, **more)
            return await found if asyncio.iscoroutine(found) else found

        return self._runner.run(call())

    def close(self) -> None:
        self("close")
        if self._runner:
            self._runner.close()


@pytest.fixture(params=["sync", "async"])
def client(request: pytest.FixtureRequest) -> Any:
    made: list[Both] = []

    def make(wire: Wire, url: str = "http://keyart.test", **more: Any) -> Both:
        made.append(Both(request.param, wire, url, **more))
        return made[-1]

    yield make
    for each in made:
        each.close()


Make = Callable[..., Both]


def ok(body: object = PAGE, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body, headers=headers)


def problem(status: int, *places: str, **headers: str) -> httpx.Response:
    faults = [{"where": place, "what": "wrong"} for place in places]
    return ok({"title": "Wrong", "detail": "said so", "faults": faults}, status, **headers)


def test_what_goes_over_the_wire(client: Make) -> None:
    wire = Wire(ok({"accepted": 2, "behind_ms": 700, "behind_records": 3, **PAGE}))
    call = client(wire, "https://keyart.test:8443/behind/", key="secret")
    call("put_title", Title(id="a/b c", artworks=(Artwork(id="a"),)))
    slate = {"alike": {"mood": 1.0}, "most": 0.5, "cosine": 0.8}
    asked = {"context": {"device": "tv"}, "positions": [3], "slate": slate}
    page: Page = call("decide", "v", ["t"], why=False, **asked)
    assert call("send", [{"type": "click", "id": "e"}]) == 2
    assert call("ready")
    assert call("behind_ms") == 700
    call("withdraw_title", "a/b c")
    call("correct_viewer", "ä/1", {"horses": 1.0})
    call("erase_viewer", "ä/1")
    assert [(each.method, each.url.raw_path.decode()) for each in wire.seen] == [
        ("PUT", "/behind/v1/titles/a%2Fb%20c"),
        ("POST", "/behind/v1/decisions"),
        ("POST", "/behind/v1/events"),
        ("GET", "/behind/health/ready"),
        ("GET", "/behind/v1/insight/overview"),
        ("DELETE", "/behind/v1/titles/a%2Fb%20c"),
        ("PATCH", "/behind/v1/viewers/%C3%A4%2F1"),
        ("DELETE", "/behind/v1/viewers/%C3%A4%2F1"),
    ]
    decided = wire.bodies[1]
    assert decided == {
        "viewer": "v",
        "surface": "home",
        "titles": ["t"],
        "why": False,
        **asked,
    }
    assert {each.headers["authorization"] for each in wire.seen} == {"Bearer secret"}
    kinds = {each.headers.get("content-type") for each in wire.seen if each.content}
    assert kinds == {"application/json"}
    assert {each.url.host for each in wire.seen} == {"keyart.test"}
    assert page["t"].artwork == "a" and len(page) == 1 and not page.away
    with pytest.raises(KeyError):
        page["other"]


def test_what_is_left_out_is_not_sent(client: Make) -> None:
    wire = Wire(ok())
    client(wire)("decide", "v", ["t"])
    assert wire.bodies == [{"viewer": "v", "surface": "home", "titles": ["t"]}]
    assert "authorization" not in wire.seen[0].headers


def test_an_error_is_told_with_the_servers_words_and_not_repeated(client: Make) -> None:
    wire = Wire(problem(400, "$.titles[0]"))
    with pytest.raises(ErrorAnswer, match=r"PUT /v1/titles/t: 400 .*said so") as refused:
        client(wire)("put_title", Title(id="t", artworks=(Artwork(id="a"),)))
    assert refused.value.problem.faults[0].where == "$.titles[0]"
    assert not refused.value.retriable
    assert len(wire.seen) == 1


@pytest.mark.parametrize("status", [409, 429, 502, 503, 504])
def test_not_now_is_tried_again_with_growing_waits(client: Make, status: int) -> None:
    wire = Wire(problem(status), problem(status), ok({"accepted": 1}, 202))
    assert client(wire)("send", [{}]) == 1
    first, second = wire.waits
    assert 0.025 <= first <= 0.05 and 0.05 <= second <= 0.1


def test_waits_as_long_as_the_server_asks(client: Make) -> None:
    wire = Wire(problem(503, **{"Retry-After": "7"}), ok())
    client(wire)("decide", "v", ["t"])
    assert wire.waits == [7.0]


def test_does_not_wait_longer_than_the_page_may_take(client: Make) -> None:
    wire = Wire(problem(503, **{"Retry-After": "70"}), ok())
    page = client(wire, defaults={"t": "d"})("decide", "v", ["t"])
    assert page.away and not wire.waits


def test_gives_up_after_its_attempts(client: Make) -> None:
    wire = Wire(problem(503))
    with pytest.raises(NotNow):
        client(wire)("send", [{}])
    assert len(wire.seen) == 3


@pytest.mark.parametrize(
    "broken",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("closed"),
        OSError("reset"),
    ],
)
def test_a_broken_connection_is_tried_again(client: Make, broken: Exception) -> None:
    wire = Wire(broken, ok({"accepted": 1}, 202))
    assert client(wire)("send", [{}]) == 1
    with pytest.raises(Away, match="POST /v1/events"):
        client(Wire(broken))("send", [{}])


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"decisions": 3}', b"\xff"])
def test_an_answer_that_is_not_keyarts_is_away(client: Make, body: bytes) -> None:
    call = client(Wire(httpx.Response(200, content=body)))
    assert "not keyart's" in call("decide", "v", ["t"]).away


def test_a_page_gets_its_defaults_when_keyart_is_away_and_says_so(client: Make) -> None:
    call = client(Wire(httpx.ConnectError("refused")), defaults={"t": "face", "u": "wide"})
    page: Page = call("decide", "v", ["t", "u", "other"], surface="row")
    assert [(each.title, each.artwork, each.id) for each in page] == [
        ("t", "face", ""),
        ("u", "wide", ""),
    ]
    assert page.unknown == ("other",) and page.surface == "row"
    assert "refused" in page.away


def test_what_is_away_is_left_alone_for_a_while_and_then_asked_again(client: Make) -> None:
    wire = Wire(httpx.ConnectError("refused"))
    call = client(wire, defaults={"t": "face"}, attempts=1)
    now = [100.0]
    call.client._core.clock = lambda: now[0]
    asked = []
    for at in (100.0, 100.5, 100.9, 101.1, 102.9, 103.2):
        now[0] = at
        assert call("decide", "v", ["t"]).away
        asked.append(len(wire.seen))
    assert asked == [1, 1, 1, 2, 2, 3]
    wire.answers = [ok()]
    now[0] = 200.0
    assert not call("decide", "v", ["t"]).away
    wire.answers = [httpx.ConnectError("refused")]
    assert call("decide", "v", ["t"]).away
    now[0] = 201.1
    call("decide", "v", ["t"])
    assert len(wire.seen) == 6


def test_a_page_of_titles_that_nobody_knows_gets_its_defaults(client: Make) -> None:
    wire = Wire(problem(404))
    call = client(wire, defaults={"t": "face"})
    assert call("decide", "v", ["t"])["t"].artwork == "face"
    call("decide", "v", ["t"])
    assert len(wire.seen) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 413, 415, 421])
def test_a_wrong_request_or_key_is_an_error_and_no_default(client: Make, status: int) -> None:
    with pytest.raises(ErrorAnswer):
        client(Wire(problem(status)), defaults={"t": "face"})("decide", "v", ["t"])


def test_a_redirect_is_not_followed_with_the_key(client: Make) -> None:
    wire = Wire(ok({}, 307, Location="http://evil.test/"))
    with pytest.raises(ErrorAnswer):
        client(wire, key="secret")("send", [{}])
    assert len(wire.seen) == 1


@pytest.mark.parametrize("url", ["", "127.0.0.1:8650", "file:///etc/passwd", "ftp://x"])
def test_what_is_no_address_is_refused(client: Make, url: str) -> None:
    with pytest.raises(SettingsError, match="no address"):
        client(Wire(ok()), url)


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "two words"},
        {"key": "line\n"},
        {"attempts": 0},
        {"timeout_s": 0.0},
        {"decide_within_s": -1.0},
        {"batch": 1001},
        {"queue": 10, "batch": 11},
    ],
)
def test_what_is_out_of_bounds_is_refused(client: Make, wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        client(Wire(ok()), **wrong)


CHOICE = Choice(id="d", title="t", artwork="a")


def sent(wire: Wire) -> list[Any]:
    return [event for body in wire.bodies for event in body["events"]]


def test_what_viewers_did_goes_out_in_batches(client: Make) -> None:
    wire = Wire(ok({"accepted": 1}, 202))
    call = client(wire, batch=4, queue=100, every_s=60.0)
    for _ in range(10):
        call("track", "impression", "v", CHOICE)
    call("track", "play", "v", CHOICE, minutes=3.5, surface="row", at_ms=7)
    assert call("flush")
    assert [len(body["events"]) for body in wire.bodies] == [4, 4, 3]
    assert len({event["id"] for event in sent(wire)}) == 11
    last = sent(wire)[-1]
    assert last.pop("id")
    assert last == {
        "type": "play",
        "viewer": "v",
        "title": "t",
        "artwork": "a",
        "decision": "d",
        "surface": "row",
        "minutes": 3.5,
        "occurred_at_ms": 7,
    }
    assert call.client.counts.sent == 11


def test_a_default_artwork_cites_no_decision(client: Make) -> None:
    wire = Wire(ok({"accepted": 1}, 202))
    call = client(wire)
    call("track", "click", "v", Choice(title="t", artwork="a"))
    call("flush")
    assert "decision" not in sent(wire)[0] and sent(wire)[0]["artwork"] == "a"


def test_events_wait_while_keyart_is_away_and_keep_their_ids_and_order(client: Make) -> None:
    wire = Wire(*[httpx.ConnectError("refused")] * 7, ok({"accepted": 1}, 202))
    call = client(wire, attempts=1)
    for at in range(3):
        call("track", "like", "v", CHOICE, at_ms=at)
    assert call("flush")
    tried = [[event["id"] for event in body["events"]] for body in wire.bodies]
    assert len(tried) == 8 and tried[-1][:1] == tried[0][:1]
    assert [event["occurred_at_ms"] for event in wire.bodies[-1]["events"]] == [0, 1, 2]
    assert call.client.counts.sent == 3 and not call.client.counts.dropped


def test_the_queue_is_bounded_and_the_oldest_go_counted(client: Make) -> None:
    wire = Wire(httpx.ConnectError("refused"))
    call = client(wire, queue=5, batch=5, every_s=60.0, attempts=1, exit_s=0.0)
    for at in range(12):
        call("queue", {"id": str(at)})
    assert not call("flush", 0.05)
    call("close")
    counts = call.client.counts
    assert (counts.dropped, counts.sent) == (12, 0)


def test_one_wrong_event_does_not_take_the_others_with_it(client: Make) -> None:
    wire = Wire(problem(400, "$.events[1].minutes", "$.events[3]"), ok({"accepted": 2}, 202))
    call = client(wire, batch=4, every_s=60.0)
    for at in range(4):
        call("queue", {"id": str(at)})
    assert call("flush")
    assert [event["id"] for event in wire.bodies[-1]["events"]] == ["0", "2"]
    assert (call.client.counts.refused, call.client.counts.sent) == (2, 2)


def test_a_key_without_the_scope_loses_the_batch_and_says_so(
    client: Make, caplog: pytest.LogCaptureFixture
) -> None:
    call = client(Wire(problem(403)))
    call("queue", {"id": "1"})
    assert call("flush")
    assert call.client.counts.refused == 1
    assert "refused" in caplog.text


def test_close_sends_what_waits(client: Make) -> None:
    wire = Wire(ok({"accepted": 1}, 202))
    call = client(wire, every_s=60.0)
    call("queue", {"id": "1"})
    call("close")
    assert [event["id"] for event in sent(wire)] == ["1"]


def test_many_threads_share_a_client() -> None:
    wire = Wire(ok({"accepted": 1}, 202))
    with Client("http://keyart.test", transport=httpx.MockTransport(wire), batch=50) as client:

        def work(names: Sequence[int]) -> None:
            for name in names:
                client.queue({"id": str(name)})

        threads = [
            threading.Thread(target=work, args=(range(at, 1000, 4),), daemon=True)
            for at in range(4)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert sorted(int(event["id"]) for event in sent(wire)) == list(range(1000))
    assert max(len(body["events"]) for body in wire.bodies) <= 50


PROPOSED = {
    "id": "p",
    "table": "blend-1",
    "dose": 0.2,
    "titles": [
        {
            "title": "t",
            "cluster": "horses",
            "proposed": True,
            "explored": False,
            "propensity": 0.4,
            "why": "you watch x; people who do often come to horses",
            "picture": {"id": "d", "title": "t", "artwork": "a"},
            "new": 1,
        }
    ],
}


def test_proposals_come_with_a_picture_each(client: Make) -> None:
    wire = Wire(ok(PROPOSED))
    found: Proposals = client(wire)(
        "propose", "v", surface="row", count=3, titles=["t", "u"], context={"device": "tv"}
    )
    assert wire.seen[0].url.path == "/v1/serendipity"
    assert wire.bodies == [
        {
            "viewer": "v",
            "surface": "row",
            "count": 3,
            "titles": ["t", "u"],
            "context": {"device": "tv"},
        }
    ]
    assert (len(found), found.table, found.dose, found.away) == (1, "blend-1", 0.2, "")
    (one,) = found
    assert (one.title, one.cluster, one.picture) == (
        "t",
        "horses",
        Choice(id="d", title="t", artwork="a"),
    )


def test_a_site_without_a_table_proposes_nothing_is_asked_once_and_goes_on_deciding(
    client: Make,
) -> None:
    wire = Wire(problem(409), ok())
    call = client(wire)
    found: Proposals = call("propose", "v")
    assert len(found) == 0 and "409" in found.away
    assert len(wire.seen) == 1 and not wire.waits
    assert not call("decide", "v", ["t"]).away, "nothing is away"


def test_a_keyart_that_is_away_proposes_nothing_and_is_left_alone(client: Make) -> None:
    wire = Wire(httpx.ConnectError("refused"))
    call = client(wire, attempts=1)
    assert "refused" in call("propose", "v").away
    assert "refused" in call("propose", "v").away
    assert len(wire.seen) == 1


def test_a_wrong_request_for_proposals_is_an_error(client: Make) -> None:
    with pytest.raises(ErrorAnswer, match="400"):
        client(Wire(problem(400, "$.count")))("propose", "v", count=99)
