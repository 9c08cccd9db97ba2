"""One suite for what a site keeps beside its lanes: in memory and on a real Valkey, alike."""

import uuid
from typing import Any

import pytest

from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.errors import InvalidRecord, NotFound
from keyart.schemas.priors import NEUTRAL, Opinion, PriorCard
from keyart.streams.eras import MOST_ERAS
from keyart.streams.memory.site import (
    MemoryCatalogue,
    MemoryMadeWith,
    MemoryOpinions,
    MemoryRegister,
)
from keyart.streams.ports import TITLES, VIEWERS, Lane
from keyart.streams.site import AGAIN, Catalogue, MadeWith, Note, Opinions, Register, Registered
from keyart.streams.valkey.catalogue import ValkeyCatalogue
from keyart.streams.valkey.connect import connect
from keyart.streams.valkey.keys import Keys
from keyart.streams.valkey.made import ValkeyMadeWith
from keyart.streams.valkey.opinions import ValkeyOpinions
from keyart.streams.valkey.register import ValkeyRegister

LANE = Lane(VIEWERS, 0)


class Site:
    """What one kind of store keeps."""

    def __init__(self, kind: str, url: str) -> None:
        self.catalogue: Catalogue
        self.opinions: Opinions
        self.register: Register
        self.made: MadeWith
        if kind == "memory":
            self.catalogue, self.opinions = MemoryCatalogue(), MemoryOpinions()
            self.register, self.made = MemoryRegister(), MemoryMadeWith()
            return
        client: Any = connect(url)
        keys = Keys(f"{uuid.uuid4().hex}.")
        self.catalogue, self.opinions = ValkeyCatalogue(client, keys), ValkeyOpinions(client, keys)
        self.register, self.made = ValkeyRegister(client, keys), ValkeyMadeWith(client, keys)


@pytest.fixture(params=["memory", "valkey"])
def site(request: pytest.FixtureRequest, valkey_url: str) -> Site:
    return Site(request.param, valkey_url)


def a_title(name: str, *artworks: str, words: str = "a dog") -> Title:
    shown = tuple(Artwork(id=each, description=words) for each in artworks or ("a",))
    return Title(id=name, name=name, artworks=shown)


def ids(found: tuple[int, list[Any]]) -> set[str]:
    return {title.id for title in found[1]}


def test_a_reader_of_the_catalogue_sees_what_changed_since(site: Site) -> None:
    catalogue = site.catalogue
    assert catalogue.changed(0) == (0, [])
    catalogue.put([a_title("x"), a_title("y")], now_ms=1)
    first, titles = catalogue.changed(0)
    assert {title.id for title in titles} == {"x", "y"}
    assert first == catalogue.version()
    assert catalogue.changed(first) == (first, [])
    catalogue.put([a_title("y", words="a cat")], now_ms=2)
    second = catalogue.changed(first)
    assert ids(second) == {"y"}
    assert second[0] > first
    assert [each.description for each in second[1][0].artworks[0].history] == ["a dog", "a cat"]


def test_a_title_put_as_it_is_changes_nothing(site: Site) -> None:
    site.catalogue.put([a_title("x")], now_ms=1)
    version = site.catalogue.version()
    site.catalogue.put([a_title("x")], now_ms=9)
    assert site.catalogue.version() == version


def test_a_version_that_went_back_gives_all_titles(site: Site) -> None:
    site.catalogue.put([a_title("x")], now_ms=1)
    assert ids(site.catalogue.changed(10**6)) == {"x"}


def test_a_withdrawn_title_has_nothing_to_choose_and_keeps_its_past(site: Site) -> None:
    site.catalogue.put([a_title("x", "a", "b")], now_ms=1)
    gone = site.catalogue.withdraw("x", now_ms=2)
    assert not gone.choosable
    assert site.catalogue.get("x") == gone
    assert {each.artwork.id for each in gone.artworks} == {"a", "b"}
    back = site.catalogue.put([a_title("x", "a")], now_ms=3)[0]
    assert [each.id for each in back.choosable] == ["a"]


def test_a_title_that_is_not_there(site: Site) -> None:
    for ask in (site.catalogue.get, lambda name: site.catalogue.withdraw(name, now_ms=1)):
        with pytest.raises(NotFound, match="no title 'nobody'"):
            ask("nobody")


def test_a_title_that_does_not_fit_is_refused_whole(site: Site) -> None:
    with pytest.raises(InvalidRecord):
        site.catalogue.put([a_title("x", "a", "a")], now_ms=1)
    assert site.catalogue.version() == 0


def test_titles_of_the_log_never_replace_newer_ones(site: Site) -> None:
    old = site.catalogue.put([a_title("x")], now_ms=1)[0]
    new = site.catalogue.put([a_title("x", words="a cat")], now_ms=5)[0]
    site.catalogue.apply([old])
    assert site.catalogue.get("x") == new
    assert (site.catalogue.set_aside(), site.catalogue.count_aside()) == ({}, 0)


def opinion(title: str, said: float = 0.1, *, prior: str = "p", segment: str = "") -> Opinion:
    return Opinion(
        title=title,
        artworks=("a", "b"),
        relative=(said, -said),
        strength=10.0,
        prior=prior,
        segment=segment,
    )


def said_since(store: Opinions, version: int) -> tuple[int, dict[tuple[str, str], float]]:
    newest, chunks = store.changed("p", version)
    found = {(each.title, each.segment): each.relative[0] for some in chunks for each in some}
    return newest, found


def test_a_reader_of_opinions_sees_what_is_new(site: Site) -> None:
    store = site.opinions
    assert said_since(store, 0) == (0, {})
    store.put([opinion("t"), opinion("t", 0.2, segment="s0"), opinion("t", prior="other")])
    first, held = said_since(store, 0)
    assert held == {("t", ""): 0.1, ("t", "s0"): 0.2}
    store.put([opinion("t", 0.5)])
    second, held = said_since(store, first)
    assert (held, second > first) == ({("t", ""): 0.5}, True)
    assert said_since(store, second) == (second, {})
    assert len(list(store.titles("p"))) == 2
    store.drop("p")
    store.put([opinion("u")])
    assert said_since(store, second)[1] == {("u", ""): 0.1}


def test_the_prior_that_serves_and_its_card(site: Site) -> None:
    store = site.opinions
    assert (store.current, store.known(NEUTRAL), store.known("p")) == (NEUTRAL, True, False)
    assert store.card("p") == PriorCard(prior="p")
    card = PriorCard(prior="p", space="s", viewer_graph=b"\x00\x01", digest="d", scale=0.5)
    store.put_card(card)
    store.make_current("p")
    assert (store.current, store.card("p"), store.known("p")) == ("p", card, True)
    store.drop("p")
    assert (store.card("p"), store.known("p")) == (PriorCard(prior="p"), False)


@pytest.mark.parametrize("note", list(Note))
def test_a_note_is_there_until_it_is_dropped(site: Site, note: Note) -> None:
    register = site.register
    assert register.read(note) is None
    assert register.write_once(note, b"first") == b"first"
    assert register.write_once(note, b"second") == b"first"
    register.write(note, b"\x00\xff")
    assert register.read(note) == b"\x00\xff"
    register.drop(note)
    register.drop(note)
    assert register.read(note) is None


def test_erasures_wait_until_they_are_finished(site: Site) -> None:
    register = site.register
    assert register.erasures() == {}
    register.add_erasure("ada", "5-0", until_ms=10)
    register.add_erasure("bo", "7", until_ms=20)
    register.add_erasure("bo", AGAIN, until_ms=20)
    assert register.erasures() == {"ada": Registered("5-0", 10), "bo": Registered(AGAIN, 20)}
    register.finish_erasures([])
    assert register.read(Note.REWRITE) is None
    register.finish_erasures(["ada", "nobody"])
    assert register.erasures() == {"bo": Registered(AGAIN, 20)}
    assert register.read(Note.REWRITE) is not None


def test_erasures_are_counted(site: Site) -> None:
    assert site.register.erasure_count() == 0
    site.register.count_erasure()
    site.register.count_erasure()
    assert site.register.erasure_count() == 2


def test_what_several_count_adds_up_under_each_name(site: Site) -> None:
    register = site.register
    assert register.counts("times@1") == {}
    register.add_counts("times@1", {})
    register.add_counts("times@1", {"3|ridge": 2, "4|an other|name": 1})
    register.add_counts("times@1", {"3|ridge": 40})
    register.add_counts("times@2", {"3|ridge": 5})
    assert register.counts("times@1") == {"3|ridge": 42, "4|an other|name": 1}
    assert register.counts("times@2") == {"3|ridge": 5}


def test_a_lane_remembers_what_it_was_made_with(site: Site) -> None:
    made = site.made
    assert made.read(LANE).eras == ()
    assert not made.begin(LANE, {"dwell_s": 1}, {}, at_ms=1)
    assert not made.begin(LANE, {"dwell_s": 1}, {"events": "4-0"}, at_ms=2)
    assert made.begin(LANE, {"dwell_s": 2}, {"events": "5-0"}, at_ms=3)
    assert not made.begin(LANE, {"dwell_s": 2}, {"events": "6-0"}, at_ms=4)
    eras = made.read(LANE).eras
    assert [(era.settings, era.offsets, era.known) for era in eras] == [
        ({"dwell_s": 1}, {}, True),
        ({"dwell_s": 2}, {"events": "5-0"}, True),
    ]
    assert made.read(Lane(TITLES, 0)).eras == ()
    made.forget(LANE)
    assert made.read(LANE).eras == ()


def test_what_was_read_before_eras_were_kept_is_said_to_be_unknown(site: Site) -> None:
    assert not site.made.begin(LANE, {"dwell_s": 1}, {"events": "4-0"}, at_ms=2)
    (era,) = site.made.read(LANE).eras
    assert (era.known, era.offsets) == (False, {})


def test_the_oldest_eras_are_forgotten_and_counted(site: Site) -> None:
    for at in range(MOST_ERAS + 3):
        site.made.begin(LANE, {"dwell_s": at}, {"events": f"{at}-0"} if at else {}, at_ms=at)
    held = site.made.read(LANE)
    assert (len(held.eras), held.forgotten) == (MOST_ERAS, 3)
    assert held.eras[-1].settings == {"dwell_s": MOST_ERAS + 2}
