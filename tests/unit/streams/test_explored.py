"""What viewers explore: free of order and of repeats, bounded, erased; live and replayed alike."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.events import (
    Adoption,
    Click,
    Correction,
    Erasure,
    Event,
    Finish,
    Hide,
    Like,
    Play,
    Proposed,
    ProposedTitle,
)
from keyart.schemas.explored import (
    ALLOWED,
    DECLINED,
    HID,
    MOST,
    TOOK,
    Marks,
    joined,
    mark_of,
    pack_explored,
    unpack_explored,
)
from keyart.streams.families import EXPLORED
from keyart.streams.steps.explored import explored_step, wanted
from tests.unit.streams.lane_world import T0, viewer

WHO = viewer(1)


def event(kind: str, name: str, at_s: int) -> Event:
    common = {"id": f"{kind}{name}{at_s}", "viewer": WHO, "occurred_at_ms": T0 + at_s * 1000}
    match kind:
        case "play":
            return Play(title=name, minutes=9.0, **common)  # type: ignore[arg-type]
        case "short":
            return Play(title=name, minutes=1.9, **common)  # type: ignore[arg-type]
        case "decline":
            return Correction(concepts={}, declined=(name,), **common)  # type: ignore[arg-type]
        case "allow":
            return Correction(concepts={}, allowed=(name,), **common)  # type: ignore[arg-type]
        case _:
            kinds: dict[str, type[Click | Finish | Like | Hide]]
            kinds = {"click": Click, "finish": Finish, "like": Like, "hide": Hide}
            return kinds[kind](title=name, **common)  # type: ignore[arg-type]


def after(events: Sequence[Event], held: bytes | None = None) -> bytes | None:
    before = dict.fromkeys(wanted(events), held)
    effects = explored_step(before, [(T0, each) for each in events])
    return effects.puts.get((EXPLORED, WHO), held)


def oracle(events: Sequence[Event]) -> Marks:
    """The latest time of each mark, by a plain walk over all events."""
    found: Marks = {}
    for each in events:
        at_s = each.occurred_at_ms // 1000
        if isinstance(each, Correction):
            names = [(name, DECLINED) for name in each.declined]
            names += [(name, ALLOWED) for name in each.allowed]
        elif isinstance(each, Click) or (isinstance(each, Play) and each.minutes < 2):
            names = []
        else:
            names = [(each.title, HID if isinstance(each, Hide) else TOOK)]  # type: ignore[union-attr]
        for name, kind in names:
            mark = mark_of(name, kind)
            found[mark] = max(found.get(mark, 0), at_s)
    return found


KINDS = ("play", "short", "click", "finish", "like", "hide", "decline", "allow")
histories = st.lists(
    st.builds(event, st.sampled_from(KINDS), st.sampled_from("abcdef"), st.integers(0, 9)),
    max_size=30,
)


@given(histories, st.randoms(use_true_random=False), st.integers(0, 30))
def test_neither_order_nor_repeats_nor_batches_matter(
    events: list[Event], random: object, cut: int
) -> None:
    shuffled = [*events, *events[:5]]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    at_once = after(events)
    assert unpack_explored(at_once) == oracle(events)
    assert at_once == after(shuffled[cut:], after(shuffled[:cut]))


def pairs_of(drawn: bytes) -> list[tuple[int, int]]:
    """Return a title, 0 to 400, and a second, 0 to 50, of every three bytes."""
    threes = zip(drawn[::3], drawn[1::3], drawn[2::3], strict=False)
    return [((high << 8 | low) % 401, at_s % 51) for high, low, at_s in threes]


# bytes are drawn at once, a thousand numbers one by one
@given(st.binary(min_size=3 * 200, max_size=3 * 500).map(pairs_of))
def test_a_full_record_keeps_the_latest_whatever_the_order(seen: list[tuple[int, int]]) -> None:
    events = [event("play", f"t{name}", at_s) for name, at_s in seen]
    whole = oracle(events)
    latest = sorted(((at_s, mark) for mark, at_s in whole.items()), reverse=True)[: MOST[TOOK]]
    backwards = after(events[::-1])
    assert after(events) == backwards is not None
    assert unpack_explored(backwards) == {mark: at_s for at_s, mark in latest}


def test_a_record_is_bounded() -> None:
    marks: Marks = {}
    for kind in range(4):
        marks = joined(marks, {mark_of(f"{kind}-{at}", kind): at for at in range(1000)})
    assert len(marks) == sum(MOST)
    assert len(pack_explored(marks)) == 1 + 12 * sum(MOST) == 3841
    Adoption(id="a", viewer=WHO, occurred_at_ms=0, taste=b"", explored=pack_explored(marks))


def test_an_erasure_leaves_nothing_and_a_reset_begins_anew() -> None:
    erase = Erasure(id="e", viewer=WHO, occurred_at_ms=T0)
    reset = Correction(id="r", viewer=WHO, occurred_at_ms=T0, concepts={}, reset=True)
    kept = after([event("play", "a", 1)])
    assert kept and after([erase], kept) is None
    assert after([reset], kept) is None
    assert after([reset, event("play", "b", 2)], kept) == after([event("play", "b", 2)])


def test_what_was_declined_may_be_allowed_again() -> None:
    marks = unpack_explored(after([event("decline", "jazz", 1)]))
    assert marks == {mark_of("jazz", DECLINED): T0 // 1000 + 1}
    marks = unpack_explored(after([event("decline", "jazz", 1), event("allow", "jazz", 2)]))
    assert marks[mark_of("jazz", ALLOWED)] > marks[mark_of("jazz", DECLINED)]


def test_what_was_explored_moves_to_a_new_pseudonym() -> None:
    kept = after([event("play", "a", 1)]) or b""
    adopted = Adoption(id="a", viewer=WHO, occurred_at_ms=T0, taste=b"x", explored=kept)
    assert after([adopted]) == kept


@pytest.mark.parametrize("blob", [b"", b"\1123", b"\x09" + bytes(12)])
def test_what_cannot_be_read_is_refused(blob: bytes) -> None:
    with pytest.raises(InvalidRecord):
        unpack_explored(blob)


def test_older_records_of_the_log_are_read() -> None:
    old = b'{"type":"correction","id":"c","viewer":"%s","occurred_at_ms":1,"concepts":{"x":1}}'
    read = codec.events.decode(old % WHO.encode())
    assert isinstance(read, Correction) and read.declined == ()
    page = Proposed(
        id="p",
        viewer=WHO,
        occurred_at_ms=1,
        surface="home",
        table="t",
        titles=(ProposedTitle(title="a", cluster="jazz", propensity=0.5),),
        dose=1.0,
        random=0.1,
    )
    assert codec.events.decode(codec.encode(page)) == page
