"""Another prior takes office while requests are answered: whole, or not at all."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyart.models.bandits.registry import build_policy
from keyart.models.decide.engine import Decider
from keyart.models.taste.features import NO_TASTE
from keyart.schemas.priors import PriorCard
from keyart.services.api.snapshots import Snapshots
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.settings import Settings
from tests.integration.prior_site import sure, titles
from tests.opened import Opened


@pytest.fixture
def parts(data_dir: Path) -> Iterator[Opened]:
    made = Opened(Settings(data_dir=str(data_dir)))
    made.server.start()
    made.catalogue.put(titles(), now_ms=now_ms())
    for name, sign in (("for-a", 1.0), ("for-b", -1.0)):
        made.opinions.put(sure(name, sign))
    yield made
    made.close()
    made.server.stop()


def decided(snapshots: Snapshots, at: int) -> tuple[str, set[str]]:
    """Return the prior of one page, and what was chosen on it."""
    page = Decider(policy=build_policy("prior_only"), explore_share=0.0).decide(
        snapshots.index,
        titles=[f"t{number}" for number in range(40)],
        taste=NO_TASTE,
        surface="home",
        viewer=f"{at:032x}",
        now_ms=now_ms(),
    )
    return page.prior, set(page.chosen_artworks)


def test_under_load_no_page_is_dropped_and_none_is_of_two_priors(parts: Opened) -> None:
    """A page says which prior chose it, and every choice on it is that prior's."""
    parts.opinions.make_current("for-a")
    snapshots = Opened(parts.settings).snapshots()
    snapshots.refresh()
    seen: list[tuple[str, set[str]]] = []
    failed: list[BaseException] = []
    stopping = threading.Event()

    def ask() -> None:
        at = 0
        try:
            while not stopping.is_set():
                at += 1
                seen.append(decided(snapshots, at))
        except BaseException as wrong:
            failed.append(wrong)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for turn in range(12):
        parts.opinions.make_current(("for-b", "for-a")[turn % 2])
        snapshots.refresh()
        held = len(seen)
        while len(seen) < held + 4 and not failed:
            time.sleep(0.001)
    stopping.set()
    for thread in threads:
        thread.join(30)
    assert not failed
    assert {prior for prior, _ in seen} == {"for-a", "for-b"}
    for prior, chosen in seen:
        assert chosen == {prior.removeprefix("for-")}


@pytest.mark.parametrize("fault", ["unknown", "of another space", "not its digest"])
def test_a_prior_that_cannot_serve_is_refused_and_the_old_one_goes_on(
    parts: Opened, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    parts.opinions.make_current("for-a")
    snapshots = Opened(parts.settings).snapshots()
    snapshots.refresh()
    if fault != "unknown":
        space = "elsewhere" if fault == "of another space" else parts.space.identity
        parts.opinions.put_card(
            PriorCard(
                prior="wrong", space=space, viewer_graph=b"v", artwork_graph=b"a", digest="0" * 32
            )
        )
    parts.opinions.make_current("wrong")
    for _ in range(3):
        snapshots.refresh()
        assert snapshots.prior == "for-a"
        assert decided(snapshots, 1) == ("for-a", {"a"})
    assert caplog.text.count("does not serve") == 1, "said once"
    parts.opinions.make_current("for-b")
    snapshots.refresh()
    assert decided(snapshots, 1) == ("for-b", {"b"})


def test_what_was_learned_and_the_catalogue_come_along(parts: Opened) -> None:
    snapshots = Opened(parts.settings).snapshots()
    snapshots.refresh()
    assert snapshots.prior == snapshots.index.prior == "neutral"
    held = len(snapshots.index)
    parts.catalogue.withdraw("t7", now_ms=now_ms())
    parts.opinions.make_current("for-b")
    snapshots.refresh()
    assert len(snapshots.index) == held - 1
    assert snapshots.index.prior == snapshots.prior == "for-b"
