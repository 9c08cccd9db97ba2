"""What viewers did, and what must come of it, told from the log alone: for tests of faults."""

import random
import time
from typing import Any

from keyart.schemas import codec
from keyart.schemas.events import Impression, Play
from keyart.schemas.topics import DECISIONS, EVENTS
from keyart.streams.ports import TITLES, Lane
from tests.faults.serving import PATIENCE_S
from tests.opened import Opened

WINDOW_S = 1.0


def acts(decision: dict[str, Any], rng: random.Random) -> list[dict[str, Any]]:
    """Return what a viewer does with a decision, without the viewer: seen, and sometimes played."""
    name = decision["id"]
    about = {
        "title": decision["title"],
        "artwork": decision["artwork"],
        "decision": name,
        "surface": "home",
        "occurred_at_ms": int(time.time() * 1000),
    }
    found = [{"type": "impression", "id": f"i-{name}-{rng.random()}", **about}]
    if rng.random() < 0.4:
        found.append({"type": "play", "id": f"p-{name}-{rng.random()}", "minutes": 9.0, **about})
    return found


def settle(parts: Opened) -> None:
    """Wait until each decision that was seen is learned, and then until their number stands still.

    What is not so within the patience is for the caller to find: this judges nothing.
    """
    deadline, before, still = time.monotonic() + PATIENCE_S, -1, 0
    while still < 4 and time.monotonic() < deadline:
        now = parts.store.counts(Lane(TITLES, 0)).get("learned", 0)
        still = still + 1 if now == before else 0
        if still >= 4 and now < len(plain_join(parts)):
            still = 0
        before = now
        time.sleep(0.5)


def plain_join(parts: Opened) -> dict[str, float]:
    """Return the value of each decision that its own viewer saw, from the log as a whole."""
    decided: dict[str, tuple[str, str]] = {}
    for record in parts.history(DECISIONS, 0):
        page = codec.decisions.decode(record.value)
        for decision in page.decisions:
            decided.setdefault(decision.id, (page.viewer, decision.artwork))
    events = [codec.events.decode(record.value) for record in parts.history(EVENTS, 0)]
    shown: dict[str, int] = {}
    for event in events:
        if isinstance(event, Impression) and event.decision in decided:
            assert event.decision is not None
            if (event.viewer, event.artwork) == decided[event.decision]:
                shown.setdefault(event.decision, event.occurred_at_ms)
    values = dict.fromkeys(shown, 0.0)
    for event in events:
        if isinstance(event, Play) and event.decision in shown:
            inside = 0 <= event.occurred_at_ms - shown[event.decision] <= WINDOW_S * 1000
            if inside and (event.viewer, event.artwork) == decided[event.decision]:
                values[event.decision] = 1.0
    return values
