"""Upserting titles: artworks join, change and leave without loss."""

import pytest
from msgspec import structs

from keyart.models.decide.rules import NOBODY, Ruling
from keyart.models.embed import Concepts, load_space
from keyart.schemas import codec
from keyart.schemas.catalogue import MAX_STORED_BYTES, Artwork, StoredTitle, Title
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.rules import Rules
from keyart.streams.catalogue.history import titles_of, version_of
from keyart.streams.catalogue.upsert import MAX_DESCRIPTIONS, fit, shortened, upsert, withdraw
from keyart.streams.catalogue.view import NOW, REST_S, CatalogueView
from keyart.streams.ports import LogRecord


def title(**artworks: str) -> Title:
    return Title(
        id="t",
        name="a title",
        artworks=tuple(Artwork(id=k, description=d) for k, d in artworks.items()),
    )


def test_a_new_artwork_joins_and_a_removed_one_keeps_its_history() -> None:
    first = upsert(None, title(a="rockets", b="pasta"), now_ms=10)
    second = upsert(first, title(b="pasta", c="football"), now_ms=20)
    assert [artwork.id for artwork in second.choosable] == ["b", "c"]
    gone = next(kept for kept in second.artworks if kept.artwork.id == "a")
    assert gone.removed_at_ms == 20
    back = upsert(second, title(a="rockets", b="pasta"), now_ms=30)
    assert [artwork.id for artwork in back.choosable] == ["a", "b"]
    assert next(k for k in back.artworks if k.artwork.id == "a").history == gone.history


def test_putting_the_same_title_again_changes_only_the_time() -> None:
    first = upsert(None, title(a="x"), now_ms=10)
    again = upsert(first, title(a="x"), now_ms=20)
    assert again.artworks == first.artworks
    assert again.updated_at_ms == 20


def test_two_artworks_with_one_id_are_refused_with_their_place() -> None:
    twice = Title(id="t", artworks=(Artwork(id="a"), Artwork(id="b"), Artwork(id="a")))
    with pytest.raises(InvalidRecord) as caught:
        upsert(None, twice, now_ms=1)
    assert caught.value.path == "$.artworks[2].id"


def test_a_history_of_descriptions_is_bounded() -> None:
    held = upsert(None, title(a="0"), now_ms=0)
    for at in range(1, 30):
        held = upsert(held, title(a=str(at)), now_ms=at)
    assert len(held.artworks[0].history) == MAX_DESCRIPTIONS
    assert held.artworks[0].history[-1].description == "29"


def test_a_withdrawn_title_has_nothing_to_choose() -> None:
    held = upsert(None, title(a="x", b="y"), now_ms=1)
    assert withdraw(held, now_ms=2).choosable == ()


def test_the_view_reads_an_artwork_as_it_was_when_the_event_was_logged(
    catalogue_view: CatalogueView,
) -> None:
    held = upsert(None, title(a="rockets and planets"), now_ms=100)
    held = upsert(held, title(a="cooking pasta"), now_ms=200)
    catalogue_view.put([held])
    before, after = (catalogue_view.row("t", "a", at) for at in (150, 200))
    assert catalogue_view.row("t", "a", 99) is None
    assert catalogue_view.row("t", "none", 150) is None
    assert catalogue_view.row("none", None, 150) is None
    assert before is not None
    assert after is not None
    names = catalogue_view.names.names
    assert names[catalogue_view.concepts[before][0]] != names[catalogue_view.concepts[after][0]]
    space = catalogue_view.space
    expected = space.encode(["rockets and planets", "cooking pasta"])
    assert (catalogue_view.vectors[[before, after]] == expected).all()


def long_title(words: str, *, count: int = 40, size: int = 4000) -> Title:
    artworks = tuple(
        Artwork(id=f"a{at}", description=(f"{words} {at} " + "x" * size)[:size])
        for at in range(count)
    )
    return Title(id="t", name=words, artworks=artworks)


def test_a_stored_title_never_exceeds_its_bound_and_keeps_what_is_in_force() -> None:
    held = None
    for at in range(12):
        held = upsert(held, long_title(f"edit {at}"), now_ms=at)
        assert len(codec.encode(held)) <= MAX_STORED_BYTES
        assert [kept.history[-1].description for kept in held.artworks] == [
            artwork.description for artwork in held.choosable
        ]
    assert held is not None
    assert held.trimmed
    assert 1 < len(held.artworks[0].history) < MAX_DESCRIPTIONS


def test_what_does_not_fit_by_itself_is_refused_with_the_bounds() -> None:
    held = upsert(None, long_title("short", size=100), now_ms=1)
    with pytest.raises(InvalidRecord, match="1,000,000 bytes") as caught:
        upsert(held, long_title("\U0001f3ac" * 4000), now_ms=2)
    assert "40 artworks" in caught.value.message
    assert "4,000 characters" in caught.value.message


def test_removed_artworks_go_when_descriptions_alone_do_not_make_room() -> None:
    held = upsert(None, long_title("one", size=3000), now_ms=1)
    for at in range(2, 6):
        other = long_title(f"set {at}", size=3000)
        renamed = tuple(structs.replace(a, id=f"s{at}-{a.id}") for a in other.artworks)
        held = upsert(held, structs.replace(other, artworks=renamed), now_ms=at)
        assert len(codec.encode(held)) <= MAX_STORED_BYTES
        assert [a.id for a in held.choosable] == [a.id for a in renamed]
    assert held.trimmed


def test_what_fits_is_kept_to_the_byte() -> None:
    held = upsert(None, long_title("a", count=3, size=50), now_ms=1)
    held = upsert(held, long_title("b", count=3, size=50), now_ms=2)
    size = len(codec.encode(held))
    assert fit(held, size) is held
    with pytest.raises(InvalidRecord):
        fit(held, 100)


def test_the_versions_in_the_log_give_the_whole_past(catalogue_view: CatalogueView) -> None:
    held, records = None, []
    for at in range(20):
        held = upsert(held, title(a=f"description {at}", b="same"), now_ms=100 * at)
        value = codec.encode(version_of(held))
        records.append(LogRecord("catalogue", 0, str(at), "t", value, 100 * at))
    records.insert(3, LogRecord("catalogue", 0, "3", "t", b"not a title", 1))
    assert held is not None
    whole = titles_of(records)["t"]
    a, b = whole.artworks
    assert [d.description for d in a.history] == [f"description {at}" for at in range(20)]
    assert [d.description for d in b.history] == ["same"]
    assert shortened(whole) == held
    catalogue_view.put([whole])
    for at in range(20):
        row = catalogue_view.row("t", "a", 100 * at + 50)
        assert row is not None
        assert catalogue_view.text(row) == f"description {at}"


def test_a_name_of_a_title_holds_from_when_it_was_put(catalogue_view: CatalogueView) -> None:
    old = StoredTitle(id="t", name="first", artworks=(), updated_at_ms=5)
    catalogue_view.put([old])
    assert catalogue_view.row("t", None, 1) is not None
    renamed = Title(id="t", name="second", artworks=(Artwork(id="a"),))
    held = upsert(old, renamed, now_ms=200)
    catalogue_view.put([held])
    rows = [catalogue_view.row("t", None, at) for at in (1, 199, 200, NOW)]
    assert [catalogue_view.text(row) for row in rows if row is not None] == [
        "first",
        "first",
        "second",
        "second",
    ]


def test_a_title_kept_without_its_past_recalls_it_from_the_log_once(
    static_concepts: Concepts,
) -> None:
    asked: list[str] = []
    whole = upsert(None, title(a="rockets"), now_ms=100)
    whole = upsert(whole, title(a="pasta"), now_ms=200)

    def recall(name: str) -> StoredTitle:
        asked.append(name)
        return whole

    view = CatalogueView(load_space("static"), static_concepts, recall=recall)
    (kept,) = whole.artworks
    short = structs.replace(
        whole, trimmed=True, artworks=(structs.replace(kept, history=kept.history[1:]),)
    )
    view.put([short])
    row = view.row("t", "a", 250)
    assert row is not None
    assert view.text(row) == "pasta"
    assert asked == []
    row = view.row("t", "a", 150)
    assert row is not None
    assert view.text(row) == "rockets"
    assert view.row("t", "a", 50) is None
    assert view.row("t", "other", 150) is None
    assert asked == ["t"]


def test_descriptions_that_changed_are_freed(static_concepts: Concepts) -> None:
    now = [0.0]
    view = CatalogueView(load_space("static"), static_concepts, clock=lambda: now[0])
    held = None
    for at in range(60):
        now[0] += REST_S
        held = upsert(held, title(a=f"words {at}", b=f"more words {at}"), now_ms=at)
        view.put([held])
        before = view.row("t", "a", NOW)
        assert before is not None
        assert view.text(before) == f"words {at}"
        expected = view.space.encode([f"words {at}"])
        assert (view.vectors[[before]] == expected).all()
    # what may be looked up, and what rests since the last two puts
    in_use = 1 + 2 * MAX_DESCRIPTIONS
    assert len(view.vectors) <= in_use + 8
    view.forget()
    assert view.row("t", "a", NOW) is None


def test_a_row_that_was_freed_rests_before_it_stands_for_another_text(
    static_concepts: Concepts,
) -> None:
    view = CatalogueView(load_space("static"), static_concepts, clock=lambda: 0.0)
    view.put([StoredTitle(id="t", name="a name that goes", artworks=(), updated_at_ms=1)])
    row = view.row("t", None, NOW)
    assert row is not None
    view.put([StoredTitle(id="t", name="another name", artworks=(), updated_at_ms=2)])
    assert view.text(row) == "a name that goes"
    assert (view.vectors[[row]] == view.space.encode(["a name that goes"])).all()


def test_a_text_that_two_titles_share_stays_while_one_has_it(
    catalogue_view: CatalogueView,
) -> None:
    both = [
        StoredTitle(id=name, name="shared", artworks=(), updated_at_ms=1) for name in ("t", "u")
    ]
    catalogue_view.put(both)
    catalogue_view.put([structs.replace(both[0], name="own"), both[1]])
    row = catalogue_view.row("u", None, NOW)
    assert row is not None
    assert catalogue_view.text(row) == "shared"


def test_the_default_artwork_stands_first_and_is_one_of_the_titles() -> None:
    given = Title(id="t", artworks=tuple(Artwork(id=name) for name in "abc"), default="b")
    stored = upsert(None, given, now_ms=1)
    assert [each.id for each in stored.choosable] == ["b", "a", "c"]
    again = upsert(stored, structs.replace(given, default=""), now_ms=2)
    assert [each.id for each in again.choosable] == ["a", "b", "c"]
    with pytest.raises(InvalidRecord, match="no artwork 'x'"):
        upsert(None, structs.replace(given, default="x"), now_ms=1)


def test_the_view_knows_which_titles_have_rules_until_they_go(
    catalogue_view: CatalogueView,
) -> None:
    bare = upsert(None, title(a="one", b="two"), now_ms=1)
    kept = bare.artworks[1]
    bound = structs.replace(
        bare,
        artworks=(
            bare.artworks[0],
            structs.replace(kept, artwork=structs.replace(kept.artwork, rules=Rules(most=0.5))),
        ),
    )
    other = structs.replace(bare, id="other")

    def rules_of(*asked: str) -> Ruling | None:
        view = catalogue_view
        return Ruling.of(
            view.titles,
            asked,
            [("a", "b") for _ in asked],
            surface="home",
            context={},
            allow=NOBODY,
            deny=NOBODY,
            now_ms=2,
            ruled=view.ruled,
        )

    catalogue_view.put([bound, other])
    assert catalogue_view.ruled == {bare.id}
    assert rules_of("other") is None
    found = rules_of("other", bare.id)
    assert found is not None and found.left[0] is None
    assert found.left[1] is not None and found.left[1].limits
    catalogue_view.put([bare])
    assert not catalogue_view.ruled and rules_of("other", bare.id) is None
    catalogue_view.put([bound])
    catalogue_view.forget()
    assert not catalogue_view.ruled
