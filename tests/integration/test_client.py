"""The clients against an api that runs: what is decided, what arrives, and what exit leaves."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator

import msgspec
import pytest

from keyart.schemas import codec
from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.decisions import DecisionPage
from keyart.schemas.ids import pseudonym
from keyart.schemas.topics import DECISIONS, EVENTS
from keyart.services.api.answers import Answer, Chosen
from keyart.services.client import AsyncClient, Choice, Client, ErrorAnswer, Page
from tests.integration.live import answering, free_port, stored
from tests.integration.test_api import within
from tests.opened import Opened

TITLES = [
    Title(id=name, artworks=(Artwork(id="face"), Artwork(id="wide", image="/i/wide.jpg")))
    for name in ("t/1", "t 2", "tä3")
]
NAMES = [title.id for title in TITLES]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    with stored(tmp_path_factory.mktemp("client")) as made:
        yield made


@pytest.fixture(scope="module")
def url(parts: Opened) -> Iterator[str]:
    with answering(parts, free_port()) as made, Client(made) as client:
        for title in TITLES:
            client.put_title(title)
        yield made


def events_of(parts: Opened, viewer: str) -> list[dict[str, object]]:
    key = pseudonym(viewer, parts.viewer_key)
    values = [record.value for record in parts.log.read(EVENTS, 0, after=None, count=100_000)]
    held: list[dict[str, object]] = [msgspec.json.decode(value) for value in values]
    return [each for each in held if each["viewer"] == key]


def pages_of(parts: Opened, key: str) -> list[DecisionPage]:
    records = parts.log.read(DECISIONS, 0, after=None, count=1000)
    pages = [codec.decisions.decode(record.value) for record in records]
    return [each for each in pages if each.viewer == key]


def test_what_is_answered_is_what_was_logged_and_events_cite_it(parts: Opened, url: str) -> None:
    with Client(url) as client:
        assert client.ready()
        page = client.decide("ada", [*NAMES, "nobody's"], surface="row")
        for choice in page:
            client.track("impression", "ada", choice, surface="row")
        client.track("play", "ada", page["t 2"], surface="row", minutes=12.5)
        assert client.flush()
        assert client.decide("ada", NAMES, surface="row")["t 2"].kept
    assert [choice.title for choice in page] == NAMES and page.unknown == ("nobody's",)
    assert not page.away and page.viewer == pseudonym("ada", parts.viewer_key)
    within(10, lambda: pages_of(parts, page.viewer))
    (logged,) = pages_of(parts, page.viewer)
    assert [each.id for each in logged.decisions] == [choice.id for choice in page]
    events = events_of(parts, "ada")
    assert [event["type"] for event in events] == ["impression"] * 3 + ["play"]
    assert [event["decision"] for event in events[:3]] == [choice.id for choice in page]
    assert events[3]["minutes"] == 12.5 and events[3]["surface"] == "row"


def test_the_asynchronous_client_does_the_same(parts: Opened, url: str) -> None:
    async def visit(client: AsyncClient, viewer: str) -> Page:
        page = await client.decide(viewer, NAMES)
        for choice in page:
            client.track("impression", viewer, choice)
        return page

    async def visits() -> list[Page]:
        async with AsyncClient(url) as client:
            return await asyncio.gather(*(visit(client, f"bob-{at}") for at in range(20)))

    pages = asyncio.run(visits())
    for at, page in enumerate(pages):
        events = events_of(parts, f"bob-{at}")
        assert [event["decision"] for event in events] == [choice.id for choice in page]


def test_one_wrong_event_is_refused_by_its_place_and_the_rest_arrive(
    parts: Opened, url: str
) -> None:
    with Client(url) as client:
        for minutes in (1.0, -3.0, 2.0):
            client.track("play", "eve", Choice(title="t/1", artwork="face"), minutes=minutes)
        assert client.flush()
        assert (client.counts.sent, client.counts.refused) == (2, 1)
    assert [event["minutes"] for event in events_of(parts, "eve")] == [1.0, 2.0]


def test_what_is_wrong_is_told_with_its_place(url: str) -> None:
    with Client(url) as client, pytest.raises(ErrorAnswer) as refused:
        client.decide("ada", ["t 2", "t 2"])
    assert refused.value.status == 400
    assert refused.value.problem.faults[0].where == "$.titles"


def test_a_viewer_is_read_corrected_and_erased(parts: Opened, url: str) -> None:
    with Client(url) as client:
        client.correct_viewer("carl", {}, reset=True)
        client.erase_viewer("carl")
        with pytest.raises(ErrorAnswer, match="404"):
            client.viewer("carl")
    assert [event["type"] for event in events_of(parts, "carl")] == ["correction", "erasure"]


def test_an_api_that_goes_and_comes_back_is_found_again(parts: Opened) -> None:
    port = free_port()
    defaults = dict.fromkeys(NAMES, "face")
    with Client(
        f"http://127.0.0.1:{port}", defaults=defaults, decide_within_s=10.0, attempts=2
    ) as client:
        with answering(parts, port):
            assert not client.decide("dora", NAMES).away
        page = client.decide("dora", NAMES)
        assert page.away and {choice.artwork for choice in page} == {"face"}
        client.track("like", "dora", page["t 2"])
        client._core.outage.until_s = 0.0  # as if its rest were over
        with answering(parts, port):
            assert not client.decide("dora", NAMES).away
            assert client.flush(30.0)
    (event,) = events_of(parts, "dora")
    assert event["artwork"] == "face" and "decision" not in event


def test_a_process_that_ends_sends_what_it_still_holds(parts: Opened, url: str) -> None:
    code = (
        "import sys\n"
        "from keyart.services.client import Choice, Client\n"
        "client = Client(sys.argv[1], every_s=60.0)\n"
        "client.track('like', 'gil', Choice(title='t/1', artwork='face'))\n"
    )
    subprocess.run([sys.executable, "-c", code, url], check=True, timeout=60)
    assert [event["type"] for event in events_of(parts, "gil")] == ["like"]


def test_a_forked_process_sends_its_own_and_only_its_own(parts: Opened, url: str) -> None:
    code = (
        "import os, sys\n"
        "from keyart.services.client import Choice, Client\n"
        "client = Client(sys.argv[1], every_s=60.0)\n"
        "choice = Choice(title='t/1', artwork='face')\n"
        "client.decide('hal', ['t/1'])\n"
        "client.track('like', 'hal', choice)\n"
        "child = os.fork()\n"
        "client.track('hide' if child else 'click', 'hal', choice)\n"
        "client.close()\n"
        "if child:\n"
        "    sys.exit(os.waitpid(child, 0)[1])\n"
    )
    subprocess.run([sys.executable, "-c", code, url], check=True, timeout=60)
    kinds = sorted(str(event["type"]) for event in events_of(parts, "hal"))
    assert kinds == ["click", "hide", "like"]


def test_the_clients_answers_are_the_apis() -> None:
    """A field that is read under another name, or as another type, would be silently empty."""
    for ours, theirs in ((Choice, Chosen), (Page, Answer)):
        told = {field.name: field for field in msgspec.structs.fields(theirs)}
        own = {field.name for field in msgspec.structs.fields(ours)} - {"away"}
        assert own <= told.keys()
    chosen = {field.name: field.type for field in msgspec.structs.fields(Chosen)}
    read = {field.name: field.type for field in msgspec.structs.fields(Choice)}
    assert read == {name: chosen[name] for name in read}
