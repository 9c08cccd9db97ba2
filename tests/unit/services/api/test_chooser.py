"""The way of a request for decisions without a server: what is answered, logged, kept and told."""

import asyncio
from collections.abc import Sequence

import pytest

from keyart.models.decide.keeping import Keeping
from keyart.schemas import codec
from keyart.schemas.decisions import DecisionPage
from keyart.schemas.errors import NotFound, StoreAway
from keyart.schemas.ids import ViewerKey, pseudonym
from keyart.schemas.topics import DECISIONS
from keyart.services.api.answers import Answer
from keyart.services.api.chooser import TASTE_AWAY, Chooser
from keyart.services.api.recorder import Recorder
from keyart.services.api.standing import Recent
from keyart.services.wiring.dwell import longest_dwell_ms, swaps_of
from keyart.services.wiring.experiment import experiment_of
from keyart.services.wiring.lanes import taste_rates
from keyart.services.wiring.settings import Settings
from keyart.streams.ports import Output, ViewerState
from tests.unit.services.api.known import Known

ANN, BOB = (ViewerKey(pseudonym(name, b"k" * 16)) for name in ("ann", "bob"))
DWELL_MS = 6 * 3_600_000


class Tastes:
    """Stored viewers that can be away."""

    def __init__(self) -> None:
        self.state = ViewerState(None, None)
        self.away = False

    async def read_all(self, viewer: str) -> ViewerState:
        if self.away:
            raise StoreAway("gone")
        return self.state

    async def read(self, viewer: str) -> bytes | None:
        return (await self.read_all(viewer)).taste


class Log:
    """A log in memory."""

    def __init__(self) -> None:
        self.outputs: list[Output] = []

    async def append(self, outputs: Sequence[Output]) -> list[str]:
        self.outputs += outputs
        return ["0"] * len(outputs)


class Api:
    """A chooser over a site in memory; its log is read once the recorder has stopped."""

    def __init__(self, **settings: object) -> None:
        given = Settings(**{"holdback": 0.0, **settings})  # type: ignore[arg-type]
        self.known, self.tastes, self.log = Known(), Tastes(), Log()
        self.known.snapshots.refresh()
        self.at_ms = 1_000_000_000_000
        self.experiment = experiment_of(given)
        self._settings = given
        self._recent = Recent(dwell_ms=longest_dwell_ms(given))
        self.surface = "home"
        self._chooser: Chooser | None = None

    def ask(self, *asked: tuple[ViewerKey, Sequence[str]], why: bool = True) -> list[Answer]:
        """Answer requests one after the other in a process of the same memory."""
        return asyncio.run(self._ask(asked, why=why))

    async def _ask(
        self, asked: Sequence[tuple[ViewerKey, Sequence[str]]], *, why: bool
    ) -> list[Answer]:
        recorder = Recorder(self.log, most=1000, metrics=self.known.metrics)
        recorder.start()
        self._chooser = self._chooser or Chooser(
            experiment=self.experiment,
            explore_share=self._settings.explore_share,
            rates=taste_rates(self._settings),
            titles=self.known.titles,
            snapshots=self.known.snapshots,
            tastes=self.tastes,
            recorder=recorder,
            recent=self._recent,
            metrics=self.known.metrics,
            clock=lambda: self.at_ms,
            swaps=swaps_of(self._settings),
        )
        self._chooser.recorder = recorder  # each loop has its own
        answers = []
        try:
            for viewer, titles in asked:
                answers.append(
                    await self._chooser.choose(viewer, self.surface, tuple(titles), why=why)
                )
        finally:
            await recorder.stop()
        return answers

    @property
    def pages(self) -> list[DecisionPage]:
        assert {each.topic for each in self.log.outputs} <= {DECISIONS}
        return [codec.decisions.decode(each.value).whole() for each in self.log.outputs]


def count(api: Api, name: str, **labels: str) -> float:
    found = api.known.metrics.registry.get_sample_value(name, labels)
    return found or 0.0


def test_what_is_answered_is_what_is_logged() -> None:
    api = Api()
    (answer,) = api.ask((ANN, ["t2", "t1"]))
    (page,) = api.pages
    assert (page.viewer, page.surface, page.decided_at_ms) == (ANN, "home", api.at_ms)
    assert (answer.viewer, answer.degraded, page.degraded) == (ANN, "", "")
    assert [each.title for each in answer.decisions] == ["t2", "t1"]
    for told, logged in zip(answer.decisions, page.decisions, strict=True):
        assert (told.id, told.title, told.artwork) == (logged.id, logged.title, logged.artwork)
        assert told.propensity == pytest.approx(logged.propensity, abs=1e-6)
        assert sum(logged.propensities) == pytest.approx(1.0)
        assert not told.kept and told.why
    assert answer.versions == page.versions
    assert page.versions.space == api.known.titles.space.identity
    assert {each.key for each in api.log.outputs} == {ANN}
    assert count(api, "keyart_decisions_total", policy="optimistic") == 2


def test_sentences_are_left_out_where_nobody_asks_for_them() -> None:
    (answer,) = Api().ask((ANN, ["t1"]), why=False)
    assert answer.decisions[0].why == ""


def test_a_surface_may_keep_its_pictures_for_a_time_of_its_own() -> None:
    api = Api(dwell_by_surface="search=600, billboard=86400")
    kept_for = {"search": 600_000, "billboard": 86_400_000, "home": DWELL_MS}
    start, first = api.at_ms, {}
    for surface in kept_for:
        api.surface = surface
        (answer,) = api.ask((ANN, ["t1"]))
        first[surface] = answer.decisions[0].id
    # shortest first: a new decision of one surface takes nothing from what stands on another
    for surface in sorted(kept_for, key=lambda each: kept_for[each]):
        api.surface, api.at_ms = surface, start + kept_for[surface] - 1
        (answer,) = api.ask((ANN, ["t1"]))
        assert (answer.decisions[0].kept, answer.decisions[0].id) == (True, first[surface])
        api.at_ms += 1
        (answer,) = api.ask((ANN, ["t1"]))
        assert not answer.decisions[0].kept and answer.decisions[0].id != first[surface]


def test_a_decision_stands_for_the_dwell_period_and_is_logged_once() -> None:
    api = Api()
    first, second = api.ask((ANN, ["t1"]), (ANN, ["t1", "t2"]))
    assert second.decisions[0].id == first.decisions[0].id
    assert second.decisions[0].artwork == first.decisions[0].artwork
    assert second.decisions[0].kept and not second.decisions[1].kept
    assert [len(page.decisions) for page in api.pages] == [1, 1]
    api.at_ms += DWELL_MS + 1
    (third,) = api.ask((ANN, ["t1"]))
    assert third.decisions[0].id != first.decisions[0].id
    assert len(api.pages) == 3
    assert count(api, "keyart_decisions_kept_total") == 1


def test_viewers_do_not_share_what_stands() -> None:
    ann, bob = Api().ask((ANN, ["t1"]), (BOB, ["t1"]))
    assert ann.decisions[0].id != bob.decisions[0].id and not bob.decisions[0].kept


def test_a_store_that_is_away_degrades_and_says_so() -> None:
    api = Api()
    api.tastes.away = True
    (answer,) = api.ask((ANN, ["t1", "t2"]))
    (page,) = api.pages
    assert answer.degraded == page.degraded == TASTE_AWAY
    assert len(answer.decisions) == 2
    assert count(api, "keyart_decisions_degraded_total", reason=TASTE_AWAY) == 2


def test_when_anybody_was_erased_elsewhere_nothing_that_was_held_stands() -> None:
    api = Api()
    (first,) = api.ask((ANN, ["t1"]))
    api.known.register.count_erasure()
    (kept,) = api.ask((ANN, ["t1"]))
    assert kept.decisions[0].id == first.decisions[0].id, "not known here yet"
    api.known.snapshots.refresh()
    (again,) = api.ask((ANN, ["t1"]))
    assert again.decisions[0].id != first.decisions[0].id


def test_a_record_of_what_stands_that_cannot_be_read_is_as_none() -> None:
    api = Api()
    api.tastes.state = ViewerState(b"\xff no taste", b"\xff no assignments")
    (answer,) = api.ask((ANN, ["t1"]))
    assert answer.degraded == "" and not answer.decisions[0].kept


def test_a_title_that_cannot_be_chosen_for_is_not_found() -> None:
    api = Api()
    with pytest.raises(NotFound):
        api.ask((ANN, ["t1", "nobody"]))
    assert api.log.outputs == [], "nothing is decided of the others"


def test_each_viewer_is_served_by_the_arm_that_the_experiment_gives() -> None:
    api = Api(experiment="uniform=0.5")
    viewers = [ViewerKey(pseudonym(f"v{at}", b"k" * 16)) for at in range(30)]
    answers = api.ask(*[(viewer, ["t2"]) for viewer in viewers])
    for viewer, answer, page in zip(viewers, answers, api.pages, strict=True):
        arm = api.experiment.arm(viewer)
        assert answer.policy == page.policy == arm.name
        assert answer.versions.policy == arm.decider.policy_version
        assert page.split == api.experiment.split
        if arm.name == "uniform":
            assert page.decisions[0].propensities == pytest.approx((1 / 3,) * 3, abs=1e-6)
    assert {answer.policy for answer in answers} == {"optimistic", "uniform"}


def test_what_was_learned_decides() -> None:
    api = Api(explore_share=0.05)
    api.known.learn("t1", takes=(5.0, 300.0), shown=1000.0)
    api.known.snapshots.refresh()
    viewers = [ViewerKey(pseudonym(f"v{at}", b"k" * 16)) for at in range(20)]
    api.ask(*[(viewer, ["t1"]) for viewer in viewers])
    for page in api.pages:
        (decision,) = page.decisions
        odds = dict(zip(decision.candidates, decision.propensities, strict=True))
        assert odds["b"] > 0.9 and odds["a"] >= 0.025 - 1e-6


def shown_by(answer: Answer) -> dict[str, str]:
    return {each.title: each.artwork for each in answer.decisions}


def test_no_more_pictures_change_in_a_day_than_a_viewer_has_swaps() -> None:
    """Every dwell period decides anew; without a budget far more than two pictures change a day."""
    titles = ["t1", "t2"]
    for budget, most in ((2, 2), (0, 0), (-1, 16)):
        api = Api(dwell_s=3600, swaps_a_day=budget, policy="uniform")
        api.at_ms -= api.at_ms % 86_400_000
        (first,) = api.ask((ANN, titles))
        now, changed = shown_by(first), 0
        for _ in range(8):
            api.at_ms += 3_600_001
            logged = len(api.pages)
            (answer,) = api.ask((ANN, titles))
            after = shown_by(answer)
            changed += sum(after[each] != now[each] for each in titles)
            anew = [each for each in answer.decisions if not each.kept]
            assert sum(len(page.decisions) for page in api.pages[logged:]) == len(anew)
            assert all(
                after[each.title] == now[each.title] for each in answer.decisions if each.kept
            )
            now = after
        assert changed <= most
        assert (changed > 2) == (budget < 0)
        assert (count(api, "keyart_decisions_held_total") > 0) == (budget >= 0)
        api.at_ms += 86_400_000  # another day, other swaps
        before = len(api.pages)
        api.ask((ANN, titles))
        assert (len(api.pages) > before) == (budget != 0)


def test_what_is_held_is_the_same_decision_and_goes_with_the_viewer() -> None:
    api = Api(dwell_s=3600, swaps_a_day=0)
    (first,) = api.ask((ANN, ["t1"]))
    api.at_ms += 40 * 3_600_000
    (again,) = api.ask((ANN, ["t1"]))
    assert again.decisions[0].kept and again.decisions[0].id == first.decisions[0].id
    assert again.decisions[0].propensity == pytest.approx(first.decisions[0].propensity, abs=1e-6)
    assert api._chooser is not None
    api._chooser.forget(ANN)
    (anew,) = api.ask((ANN, ["t1"]))
    assert not anew.decisions[0].kept


@pytest.mark.parametrize(("swaps", "reason"), [(-1, "dwell"), (0, "swaps")])
def test_what_keeping_costs_is_looked_at_and_changes_nothing(swaps: int, reason: str) -> None:
    """Pictures were chosen before anything was known; now one of two is taken four times as often.

    What stays is then worth its own take, and a choice anew that of its distribution.
    """
    answers = {}
    for share in (0.0, 1.0):
        api = Api(policy="uniform", swaps_a_day=swaps, dwell_s=3600)
        api.known.metrics.keeping = keeping = Keeping(share=share)
        viewers = [ViewerKey(pseudonym(f"v{at}", b"k" * 16)) for at in range(120)]
        asked = [(viewer, ["t1"]) for viewer in viewers]
        first = [shown_by(each)["t1"] for each in api.ask(*asked)]
        api.known.learn("t1", takes=[1000.0, 4000.0], shown=20_000.0)
        api.known.snapshots.refresh()
        api.at_ms += 7_200_000 if reason == "swaps" else 60_000
        logged = len(api.log.outputs)
        again = api.ask(*asked)
        assert [shown_by(each)["t1"] for each in again] == first
        assert all(each.decisions[0].kept for each in again)
        assert len(api.log.outputs) == logged
        answers[share] = first
        if not share:
            assert keeping.costs() == {}
    cost = keeping.costs()[reason]
    assert keeping.costs().keys() == {reason} and cost.pictures == 120
    kept = sum(0.2 if each == "b" else 0.05 for each in answers[1.0])
    assert cost.anew == pytest.approx(120 * 0.125, rel=0.02)
    assert cost.share == pytest.approx(1.0 - kept / (120 * 0.125), abs=0.02)
    assert cost.low < cost.share < cost.high


def test_what_cannot_be_known_is_not_looked_at() -> None:
    api = Api()
    api.known.metrics.keeping = Keeping(share=1.0)
    api.ask((ANN, ["t1", "t2"]))
    assert api.known.metrics.keeping.costs() == {}
    api.tastes.away = True
    (again,) = api.ask((ANN, ["t1", "t2"]))
    assert again.decisions[0].kept and api.known.metrics.keeping.costs() == {}
    api.tastes.away = False
    api.ask((ANN, ["t1"]))
    assert api.known.metrics.keeping.costs()["dwell"].pictures == 1
