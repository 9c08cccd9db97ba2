"""The taste step: engagements move the tastes of a batch of viewers.

Events of one viewer are applied in the log's order; viewers beside each other are computed
together. An impression moves no taste. An event id among the viewer's last 16 is a repeat and
changes nothing.
"""

from collections.abc import Iterable, Sequence
from zlib import crc32

import numpy as np

from keyart.models.sums.clock import MOST_AHEAD_MS
from keyart.models.taste.strength import strength_of
from keyart.models.taste.update import TasteRates, correct, engage
from keyart.schemas.events import (
    Adoption,
    Correction,
    Engagement,
    Engaging,
    Erasure,
    Event,
    Impression,
)
from keyart.schemas.taste import (
    RECENT_EVENTS,
    TasteArray,
    blank_taste,
    empty_tastes,
    pack_tastes,
    unpack_tastes,
)
from keyart.streams.catalogue.view import CatalogueView
from keyart.streams.families import TASTE
from keyart.streams.steps.effects import Effects, Held, Wanted


def wanted(events: Iterable[Event]) -> Wanted:
    """Return the tastes that these events move."""
    return {(TASTE, event.viewer) for event in events if not isinstance(event, Impression)}


Logged = tuple[int, Event]
"""When the log took an event in, in milliseconds, and the event."""


def taste_step(
    held: Held, events: Sequence[Logged], catalogue: CatalogueView, rates: TasteRates
) -> Effects:
    """Return the tastes after these events, each with the time at which the log took it in.

    A viewer of whom nothing is known has no taste: what moves nothing leaves nothing.

    Counts: `taste_events`, `taste_repeats`, `taste_unknown` (a title or artwork that the catalogue
    does not have moves no taste), `corrections`, `adoptions`, `erasures`.
    """
    effects = Effects()
    turns = _turns(events)
    if not turns:
        return effects
    # whoever has a second turn has a first
    viewers = sorted([event.viewer for _, event in turns[0]])
    place = {viewer: at for at, viewer in enumerate(viewers)}
    space = catalogue.space.identity
    tastes = unpack_tastes([held[TASTE, viewer] for viewer in viewers], space)
    erased: set[str] = set()
    for turn in turns:
        moves = [(at_ms, event) for at_ms, event in turn if isinstance(event, Engaging)]
        if moves:
            _engage(tastes, place, moves, catalogue, rates, effects)
        if erased:
            erased.difference_update([event.viewer for _, event in turn])
        for _, event in turn if len(moves) < len(turn) else ():
            if isinstance(event, Correction) and (event.concepts or event.reset):
                at = place[event.viewer]
                tastes[at : at + 1] = _correct(tastes[at : at + 1], event, catalogue)
                effects.counts["corrections"] += 1
            elif isinstance(event, Adoption):
                _adopt(tastes, place[event.viewer], event, space, effects)
            elif isinstance(event, Erasure):
                tastes[place[event.viewer]] = empty_tastes(1, space)[0]
                effects.counts["erasures"] += 1
                erased.add(event.viewer)
    blank = blank_taste(space)
    for viewer, blob in zip(viewers, pack_tastes(tastes), strict=True):
        kept, before = None if viewer in erased or blob == blank else blob, held[TASTE, viewer]
        if kept != before:
            effects.puts[TASTE, viewer] = kept
    return effects


def _turns(events: Sequence[Logged]) -> list[list[Logged]]:
    """Return the events in turns: the first of every viewer, the second of every viewer, ..."""
    seen: dict[str, int] = {}
    turns: list[list[Logged]] = []
    for at_ms, event in events:
        if isinstance(event, Impression):
            continue
        turn = seen.get(event.viewer, 0)
        seen[event.viewer] = turn + 1
        if turn == len(turns):
            turns.append([])
        turns[turn].append((at_ms, event))
    return turns


def _engage(
    tastes: TasteArray,
    place: dict[str, int],
    events: Sequence[tuple[int, Engagement]],
    catalogue: CatalogueView,
    rates: TasteRates,
    effects: Effects,
) -> None:
    known: list[tuple[int, int, Engagement]] = []
    times: list[int] = []
    for at_ms, event in events:
        row = catalogue.row(event.title, event.artwork, at_ms)
        if row is None:
            effects.counts["taste_unknown"] += 1
        else:
            known.append((place[event.viewer], row, event))
            times.append(at_ms)
    if not known:
        return
    places = np.array([at for at, _, _ in known])
    marks = np.array([crc32(event.id.encode()) or 1 for *_, event in known], np.uint32)
    new = ~(tastes["recent"][places] == marks[:, None]).any(axis=1)
    effects.counts["taste_repeats"] += int((~new).sum())
    if not new.any():
        return
    chosen = np.flatnonzero(new)
    places, marks = places[chosen], marks[chosen]
    rows = np.array([known[at][1] for at in chosen])
    ring = tastes["events"][places] % RECENT_EVENTS
    # a taste that a clock once ahead has left days ahead of the log stands at the log's time again
    logged = np.array(times, np.int64)[chosen]
    stands = tastes["last_event_ms"][places]
    tastes["last_event_ms"][places] = np.where(stands > logged + MOST_AHEAD_MS, logged, stands)
    moved = engage(
        tastes[places],
        vectors=catalogue.taste_vectors[rows],
        strengths=np.array([strength_of(known[at][2]) for at in chosen], np.float32),
        concepts=catalogue.concepts[rows],
        closeness=catalogue.closeness[rows],
        occurred_at_ms=np.array([known[at][2].occurred_at_ms for at in chosen], np.int64),
        rates=rates,
    )
    moved["recent"][np.arange(len(chosen)), ring] = marks
    tastes[places] = moved
    effects.counts["taste_events"] += len(chosen)


def _adopt(tastes: TasteArray, at: int, event: Adoption, space: str, effects: Effects) -> None:
    """Take over the taste that a viewer had under another pseudonym, unless there is one already.

    Raises
    ------
    InvalidRecord
        It is no taste.
    """
    if not tastes["events"][at]:
        tastes[at] = unpack_tastes([event.taste], space)[0]
        effects.counts["adoptions"] += 1


def _correct(taste: TasteArray, event: Correction, catalogue: CatalogueView) -> TasteArray:
    weights = {
        concept: weight
        for name, weight in event.concepts.items()
        if (concept := catalogue.concept(name)) is not None
    }
    vectors = catalogue.concept_vectors
    return correct(taste, weights, vectors, reset=event.reset, at_ms=event.occurred_at_ms)
