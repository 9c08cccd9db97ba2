"""Taste: a batch, one by one, and any cut of the same events end in the same bits."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keyart.models.embed import Concepts, load_space
from keyart.models.taste.update import TasteRates
from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.events import Click, Correction, Event, Finish, Hide, Impression, Like, Play
from keyart.schemas.taste import TASTE_DTYPE, unpack_tastes
from keyart.streams.catalogue.upsert import upsert
from keyart.streams.catalogue.view import CatalogueView
from keyart.streams.steps.taste import taste_step, wanted

WORDS = ("space rockets", "pasta recipes", "football finals", "true crime", "wild animals")
VIEWERS = tuple(f"{at:032x}" for at in range(4))
RATES = TasteRates()


@pytest.fixture(scope="module")
def view() -> CatalogueView:
    space = load_space("static")
    made = CatalogueView(space, Concepts(space))
    made.put(
        upsert(
            None,
            Title(
                id=f"t{at}",
                name=words,
                artworks=(Artwork(id="a", description=words), Artwork(id="b", description="x")),
            ),
            now_ms=0,
        )
        for at, words in enumerate(WORDS)
    )
    return made


def make_event(kind: int, at: int, viewer: int, title: int, when: int) -> Event:
    about = {
        "id": f"e{at}",
        "viewer": VIEWERS[viewer],
        "title": f"t{title}",
        "artwork": "a",
        "occurred_at_ms": 1_700_000_000_000 + when * 60_000,
    }
    if kind == 6:
        del about["title"], about["artwork"]
        return Correction(concepts={"cooking": 0.5}, **about)  # type: ignore[arg-type]
    if kind == 1:
        return Play(minutes=12.0, **about)  # type: ignore[arg-type]
    return (Impression, Play, Click, Finish, Like, Hide)[kind](**about)  # type: ignore[arg-type]


event_lists = st.lists(
    st.tuples(
        st.integers(0, 6),
        st.integers(0, 30),
        st.integers(0, 3),
        st.integers(0, 5),
        st.integers(0, 100_000),
    ),
    max_size=30,
).map(lambda rows: [(7, make_event(*row)) for row in rows])


def run(
    view: CatalogueView, events: Sequence[tuple[int, Event]], cuts: list[int]
) -> dict[str, bytes]:
    state: dict[tuple[str, str], bytes | None] = {}
    edges = [0, *sorted(cut % (len(events) + 1) for cut in cuts), len(events)]
    for first, last in zip(edges, edges[1:], strict=False):
        batch = events[first:last]
        held = {key: state.get(key) for key in wanted([event for _, event in batch])}
        state.update(taste_step(held, batch, view, RATES).puts)
    return {key[1]: value for key, value in state.items() if value is not None}


@settings(max_examples=60, deadline=None)
@given(events=event_lists, cuts=st.lists(st.integers(0, 1000), max_size=8))
def test_cuts_do_not_matter(
    view: CatalogueView, events: list[tuple[int, Event]], cuts: list[int]
) -> None:
    whole = run(view, events, [])
    assert run(view, events, cuts) == whole
    assert run(view, events, list(range(len(events)))) == whole


HIDDEN_THEN_CLICKED_LONG_BEFORE = [
    (7, make_event(5, 0, 0, 0, 5070)),
    (7, make_event(2, 1, 0, 0, 0)),
]


@settings(max_examples=60, deadline=None)
@given(events=event_lists)
@example(events=HIDDEN_THEN_CLICKED_LONG_BEFORE)
def test_tastes_stay_in_bounds(view: CatalogueView, events: list[tuple[int, Event]]) -> None:
    blobs = list(run(view, events, []).values())
    tastes = unpack_tastes(list(blobs), view.space.identity)
    assert all(len(blob) == TASTE_DTYPE.itemsize < 1024 for blob in blobs)
    for name in ("interests", "short", "negative"):
        lengths = np.linalg.norm(tastes[name].astype(float), axis=-1)
        assert np.all((lengths < 1e-3) | (np.abs(lengths - 1) < 2e-3))
    assert np.all(np.abs(tastes["concept_weights"].astype(float)) <= 1)
    for name in ("interest_weights", "short_weight", "negative_weight"):
        assert np.all((tastes[name] >= 0) & (tastes[name] <= 50))


@settings(max_examples=30, deadline=None)
@given(events=event_lists)
def test_the_same_events_again_change_little(
    view: CatalogueView, events: list[tuple[int, Event]]
) -> None:
    """A repeated event id is recognised among the last sixteen of its viewer."""
    few = [(at, e) for at, e in events if not isinstance(e, Correction)][:8]
    unique = list({event.id: (at, event) for at, event in few}.values())
    assert run(view, unique + unique, []) == run(view, unique, [])
