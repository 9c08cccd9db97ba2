"""The strict reader: nothing that somebody wrote is left out, and what was meant is suggested."""

import string
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from keyart.schemas import codec, strict
from keyart.schemas.catalogue import Title
from keyart.schemas.events import Click, Correction, Play
from keyart.schemas.ids import GIVEN_PATTERN, GivenName, Name

FIELDS: tuple[tuple[type, set[str]], ...] = (
    (Title, {"id", "name", "group", "artworks", "version"}),
    (Click, {"type", "id", "viewer", "occurred_at_ms", "version"}),
)


def title(**more: Any) -> dict[str, Any]:
    return {"id": "t", "artworks": [{"id": "a"}]} | more


def play(**more: Any) -> dict[str, Any]:
    own = {"type": "play", "id": "e", "viewer": "0" * 32, "occurred_at_ms": 1, "title": "t"}
    return own | {"minutes": 3} | more


def faults(given: Any, kind: type) -> dict[str, str]:
    with pytest.raises(strict.Refused) as refused:
        strict.read(given, kind)
    return dict(refused.value.faults)


def test_what_the_schema_knows_is_read() -> None:
    whole = title(name="N", group="g", version=1, artworks=[{"id": "a", "attributes": {"x": "y"}}])
    assert strict.read(whole, Title) == msgspec.convert(whole, Title)
    assert strict.read(play(decision="d", artwork=None), Play).decision == "d"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("timestamp", "occurred_at_ms"),
        ("occurred_at", "occurred_at_ms"),
        ("decision_id", "decision"),
        ("decisionId", "decision"),
        ("artwork_id", "artwork"),
        ("titel", "title"),
        ("user_id", "viewer"),
        ("Minutes", "minutes"),
    ],
)
def test_the_field_of_an_event_that_was_meant_is_named(given: str, meant: str) -> None:
    found = faults(play(**{given: "x"}), Play)
    assert list(found) == [f"$.{given}"]
    assert found[f"$.{given}"] == f"there is no field {given!r}; did you mean {meant!r}?"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("img", "image"),
        ("image_url", "image"),
        ("alt_description", "description"),
        ("url", "image"),
        ("desc", "description"),
        ("attrs", "attributes"),
    ],
)
def test_the_field_of_an_artwork_that_was_meant_is_named(given: str, meant: str) -> None:
    found = faults(title(artworks=[{"id": "a"}, {"id": "b", given: "x"}]), Title)
    assert f"did you mean {meant!r}?" in found[f"$.artworks[1].{given}"]


def test_a_field_like_none_is_refused_with_what_there_is() -> None:
    (said,) = faults(title(zzz=1), Title).values()
    assert said == "there is no field 'zzz'; there are artworks, default, group, id, name, version"


def test_every_unknown_field_is_named_up_to_a_bound() -> None:
    assert set(faults(title(zz=1, title="N"), Title)) == {"$.zz", "$.title"}
    many = title(artworks=[{"id": "a"} | {f"x{at}": 1 for at in range(1000)}] * 40)
    assert len(faults(many, Title)) <= strict.MAX_FAULTS
    with pytest.raises(strict.Refused) as refused:
        strict.read(title(**{"y" * 100_000: 1}), Title)
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize("version", [2, 10**9])
def test_a_version_newer_than_this_reader_is_refused(version: int) -> None:
    for given_, kind in ((play(version=version), Play), (title(version=version), Title)):
        assert "this keyart reads up to 1" in faults(given_, kind)["$.version"]


def test_what_breaks_the_schema_is_said_with_its_place() -> None:
    assert set(faults(title(artworks=[]), Title)) == {"$.artworks"}
    assert set(faults(play(minutes=-1), Play)) == {"$.minutes"}
    assert set(faults([], Title)) == {"$"}


@pytest.mark.parametrize(
    ("given", "kind", "where"),
    [
        (title(id="t\n"), Title, "$.id"),
        (title(artworks=[{"id": "a\n"}]), Title, "$.artworks[0].id"),
        (title(artworks=[{"id": "a", "attributes": {"k\n": "v"}}]), Title, None),
        (play(surface="home\n"), Play, "$.surface"),
        (play(artwork="a\n"), Play, "$.artwork"),
        (play(viewer="0" * 32 + "\n"), Play, "$.viewer"),
    ],
)
def test_a_newline_at_the_end_of_a_name_is_refused(given: Any, kind: type, where: Any) -> None:
    (found,) = faults(given, kind)
    assert where in (None, found)


def test_records_that_hold_such_a_name_already_stay_readable() -> None:
    stored = msgspec.json.encode(
        {"id": "t\n", "updated_at_ms": 1, "artworks": [{"artwork": {"id": "a\n"}, "history": []}]}
    )
    assert codec.stored_titles.decode(stored).id == "t\n"
    assert codec.events.decode(msgspec.json.encode(play(surface="home\n", more=1))).id == "e"


class Named(Struct):
    """What holds both forms of a name."""

    held: Name
    given: GivenName


TEXT = st.text(max_size=130) | st.text("ab\n\r\x00\x7f{}é/%+. ", max_size=8)


@given(name=TEXT)
def test_both_forms_of_a_name_differ_by_one_newline_alone(name: str) -> None:
    def fits(field: str) -> bool:
        try:
            msgspec.convert({"held": "a", "given": "a", field: name}, Named)
        except msgspec.ValidationError:
            return False
        return True

    plain_text = 1 <= len(name) <= 128 and not any(ord(c) < 32 or c in "\x7f{}" for c in name)
    assert fits("given") == plain_text
    if not name.endswith("\n"):
        assert fits("held") == plain_text
    assert "$" in GIVEN_PATTERN


@given(
    kind=st.sampled_from(FIELDS),
    names=st.sets(st.text(string.ascii_letters + "_-é/\n", min_size=1, max_size=12), max_size=4),
)
def test_no_unknown_field_is_ever_let_through(kind: tuple[type, set[str]], names: set[str]) -> None:
    own = title() if kind[0] is Title else play()
    if kind[0] is Click:
        own.pop("minutes")
    known = (
        set(own)
        | kind[1]
        | {"title", "artwork", "decision", "surface"}
        - ({"title", "artwork", "decision", "surface"} if kind[0] is Title else set())
    )
    strange = {name: 1 for name in names if name not in known}
    found = strict.wrong(own | strange, kind[0])
    assert len(found) == len(strange)


def test_nested_maps_are_read_too() -> None:
    given_ = {"type": "correction", "id": "e", "viewer": "0" * 32, "occurred_at_ms": 1}
    assert strict.read(given_ | {"concepts": {"dogs": 0.5}}, Correction).concepts == {"dogs": 0.5}
    (where,) = faults(given_ | {"concepts": {"dogs\n": 0.5}}, Correction)
    assert where == "$.concepts.dogs"
