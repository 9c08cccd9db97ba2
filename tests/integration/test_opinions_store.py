"""Opinions in a real store: nobody who follows the changes misses one."""

import threading
import uuid

import pytest

from keyart.schemas.priors import Opinion, PriorCard
from keyart.streams.valkey.connect import connect
from keyart.streams.valkey.keys import Keys
from keyart.streams.valkey.opinions import ValkeyOpinions
from tests.integration.prior_site import said


@pytest.fixture
def store(valkey_url: str) -> ValkeyOpinions:
    return ValkeyOpinions(connect(valkey_url), Keys(f"t{uuid.uuid4().hex}."))


def opinion(title: str, relative: float = 0.1, *, prior: str = "p", segment: str = "") -> Opinion:
    return said(prior, relative, title=title, segment=segment)


def since(store: ValkeyOpinions, version: int) -> tuple[int, dict[tuple[str, str], float]]:
    newest, chunks = store.changed("p", version)
    return newest, {
        (each.title, each.segment): each.relative[0] for chunk in chunks for each in chunk
    }


def test_only_what_is_new_is_read(store: ValkeyOpinions) -> None:
    assert since(store, 0) == (0, {})
    store.put([opinion("t1"), opinion("t1", 0.2, segment="s0"), opinion("x", prior="other")])
    first, held = since(store, 0)
    assert held == {("t1", ""): 0.1, ("t1", "s0"): 0.2}
    assert since(store, first) == (first, {})
    store.put([opinion("t2"), opinion("t1", 0.5)])
    second, held = since(store, first)
    assert held == {("t2", ""): 0.1, ("t1", ""): 0.5}
    assert second > first
    assert len(list(store.titles("p"))) == 3
    store.drop("p")
    assert since(store, second) == (0, {})
    store.put([opinion("t3")])
    # the store was emptied: what is there now is new, though its version is an old one
    assert since(store, second)[1] == {("t3", ""): 0.1}


def test_many_are_read_in_chunks(store: ValkeyOpinions) -> None:
    store.put([opinion(f"t{at}") for at in range(2500)])
    _, chunks = store.changed("p", 0)
    sizes = [len(chunk) for chunk in chunks]
    assert sum(sizes) == 2500
    assert max(sizes) <= 1000


def test_writers_at_once_hide_nothing_from_a_reader(store: ValkeyOpinions) -> None:
    def write(writer: int) -> None:
        for at in range(150):
            store.put([opinion(f"w{writer}-{at}")])

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(3)]
    for writer in writers:
        writer.start()
    seen: set[str] = set()
    version = 0
    while any(writer.is_alive() for writer in writers):
        version, held = since(store, version)
        seen |= {title for title, _ in held}
    for writer in writers:
        writer.join()
    _, held = since(store, version)
    seen |= {title for title, _ in held}
    assert len(seen) == 450


def test_cards_and_the_name_that_serves(store: ValkeyOpinions) -> None:
    assert store.current == "neutral"
    assert store.card("p") == PriorCard(prior="p")
    card = PriorCard(prior="p", space="s", viewer_graph=b"\x00\x01", digest="d", scale=0.5)
    store.put_card(card)
    store.make_current("p")
    assert (store.current, store.card("p")) == ("p", card)
