"""A steady honest load beside the attacks, which counts what was accepted."""

import random
from collections import deque
from threading import Event, Thread
from typing import Any

from tests.faults.truth import acts
from tests.hostile.site import TITLES, Site
from tests.hostile.tally import Tally

EACH_S = 0.4
PAGE = 4


class Honest:
    """Viewers who ask for a page and send what they did, a few requests a second.

    Attributes
    ----------
    accepted
        Ids of the events that were answered with 202.
    decisions
        Ids of the decisions that were answered.
    recent
        The latest decisions, which whoever attacks may name.
    """

    def __init__(self, site: Site) -> None:
        self.accepted: set[str] = set()
        self.decisions: set[str] = set()
        self.recent: deque[dict[str, Any]] = deque(maxlen=200)
        self.tally = Tally()
        self.pages = 0
        self._site = site
        self._rng = random.Random(20260101)
        self._over = Event()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, after the visit under way."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(EACH_S):
            self._visit(f"an honest viewer {self._rng.random()}")

    def _visit(self, viewer: str) -> None:
        titles = self._rng.sample(TITLES, PAGE)
        asked = {"viewer": viewer, "titles": titles}
        page = self._ask("/v1/decisions", asked, 200)
        if page is None:
            return
        self.pages += 1
        if len(page["decisions"]) < PAGE:
            self.tally.fault(f"{page['unknown']} left an honest page")
        self.recent.extend(page["decisions"])
        self.decisions |= {each["id"] for each in page["decisions"]}
        events = [
            {**event, "viewer": viewer}
            for each in page["decisions"]
            for event in acts(each, self._rng)
        ]
        if self._ask("/v1/events", {"events": events}, 202) is not None:
            self.accepted |= {event["id"] for event in events}

    def _ask(self, path: str, body: Any, wanted: int) -> Any:
        answer = self._site.ask("POST", path, body, into=self.tally)
        if answer is None or answer.status_code == 503:
            return None
        if answer.status_code != wanted:
            self.tally.fault(f"an honest POST {path} was answered {answer.status_code}")
            return None
        return answer.json()
