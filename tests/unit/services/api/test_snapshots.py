"""What an api knows, without a server: titles, posteriors and the prior, read as they change."""

import pytest

from keyart.models.decide.index import BELIEF_COLUMNS
from keyart.models.sums.days import DAY_MS
from keyart.schemas.errors import StoreAway
from keyart.schemas.priors import NEUTRAL, Opinion, PriorCard, SegmentCentre
from keyart.schemas.taste import TASTE_DIMENSIONS
from keyart.streams.ports import Lane
from tests.unit.services.api.known import Known, title

LEVEL, OWN, PRIOR, TRUST = (
    BELIEF_COLUMNS.index(name) for name in ("level", "own", "prior", "trust")
)


def opinion(prior: str, *relative: float, of: str = "t1", segment: str = "") -> Opinion:
    return Opinion(
        title=of,
        artworks=tuple("abc"[: len(relative)]),
        relative=relative,
        strength=100.0,
        prior=prior,
        segment=segment,
    )


def believed(known: Known, name: str, column: int) -> list[float]:
    rows = known.snapshots.index.arrays.rows(name)
    found: list[float] = known.snapshots.index.arrays.beliefs["home"][rows][:, column].tolist()
    return found


class Trusted(Known):
    """With a prior of which nothing was learned."""

    def __init__(self) -> None:
        super().__init__()
        self.opinions.put([opinion("p", 0.9, -0.9), opinion("p", 0.9, 0.0, -0.9, of="t2")])
        self.opinions.make_current("p")
        self.snapshots.refresh()


def test_nothing_is_known_before_it_was_read() -> None:
    known = Known()
    assert not known.snapshots.loaded and known.snapshots.age_s == float("inf")
    assert "t1" not in known.snapshots.index
    known.snapshots.refresh()
    assert known.snapshots.loaded and known.snapshots.age_s < 60
    assert "t1" in known.snapshots.index and "t2" in known.snapshots.index
    assert (known.snapshots.prior, known.snapshots.posterior) == (NEUTRAL, "0")


def test_titles_come_and_go_as_the_catalogue_changes() -> None:
    known = Known()
    known.snapshots.refresh()
    known.put(title("t3", "a"))
    assert "t3" not in known.snapshots.index
    known.snapshots.catch_up()
    assert known.snapshots.index.artworks("t3") == ("a",)
    known.put(title("t3", "a", "z"))
    known.catalogue.withdraw("t1", now_ms=2)
    known.snapshots.refresh()
    assert known.snapshots.index.artworks("t3") == ("a", "z")
    assert "t1" not in known.snapshots.index


def test_what_the_steps_learned_moves_what_is_believed() -> None:
    known = Known()
    known.snapshots.refresh()
    before = known.snapshots.posterior
    known.learn("t1", takes=(90.0, 10.0), shown=500.0)
    known.snapshots.refresh()
    own = believed(known, "t1", OWN)
    assert own[0] > own[1]
    assert known.snapshots.posterior != before
    again = known.snapshots.posterior
    known.snapshots.refresh()
    assert known.snapshots.posterior == again, "nothing came since"


def test_erasures_by_any_process_are_counted() -> None:
    known = Known()
    known.register.count_erasure()
    known.snapshots.refresh()
    assert known.snapshots.erasures == 1


def test_the_current_prior_serves_and_is_changed_as_a_whole() -> None:
    known = Known()
    known.learn("t2", takes=(5.0, 5.0, 5.0), shown=100.0)
    known.snapshots.refresh()
    assert believed(known, "t1", PRIOR)[0] == believed(known, "t1", PRIOR)[1]
    known.opinions.put([opinion("p", 0.5, -0.5)])
    known.opinions.make_current("p")
    known.snapshots.refresh()
    assert known.snapshots.prior == known.snapshots.index.prior == "p"
    first, second = believed(known, "t1", PRIOR)
    assert first > second
    assert len(set(believed(known, "t2", PRIOR))) == 1, "of t2 it says nothing"
    known.opinions.put([opinion("q", -0.5, 0.5)])
    known.opinions.make_current("q")
    known.snapshots.refresh()
    assert known.snapshots.prior == "q"
    first, second = believed(known, "t1", PRIOR)
    assert first < second, "nothing of p is left"
    known.opinions.make_current(NEUTRAL)
    known.snapshots.refresh()
    assert len(set(believed(known, "t1", PRIOR))) == 1


def test_what_the_prior_says_later_is_taken_too() -> None:
    known = Known()
    known.opinions.put([opinion("p", 0.5, -0.5)])
    known.opinions.make_current("p")
    known.snapshots.refresh()
    known.opinions.put([opinion("p", -0.5, 0.5), opinion("p", 0.9, 0.0, 0.0, of="t2")])
    known.snapshots.refresh()
    first, second = believed(known, "t1", PRIOR)
    assert first < second
    assert believed(known, "t2", PRIOR)[0] > believed(known, "t2", PRIOR)[1]
    known.opinions.put([opinion("p", 0.5, -0.5, of="nobody")])
    known.snapshots.refresh()
    assert "nobody" not in known.snapshots.index


def test_a_prior_that_is_set_serves_whatever_is_current() -> None:
    known = Known(prior="p")
    known.opinions.put([opinion("p", 0.5, -0.5), opinion("q", -0.5, 0.5)])
    known.opinions.make_current("q")
    known.snapshots.refresh()
    assert known.snapshots.prior == "p"
    assert believed(known, "t1", PRIOR)[0] > believed(known, "t1", PRIOR)[1]


def test_a_prior_that_learned_since_a_change_is_not_judged_by_what_was_before() -> None:
    trusts = []
    for day in (3, 30):
        known = Known()
        known.learn("t1", takes=(10.0, 90.0), shown=500.0, day=day)
        known.opinions.put([opinion("p", 0.9, -0.9), opinion("p", 0.9, 0.0, -0.9, of="t2")])
        known.opinions.put_card(PriorCard(prior="p", since_ms=20 * DAY_MS))
        known.opinions.make_current("p")
        known.snapshots.refresh()
        trusts.append(believed(known, "t2", TRUST)[0])
    before, since = trusts
    assert since < before - 0.1, "t1 contradicts it, and is heard only if it is of the same world"
    assert before == pytest.approx(believed(Trusted(), "t2", TRUST)[0], abs=0.01), "t1 is mute"


@pytest.mark.parametrize(
    "card",
    [
        None,
        PriorCard(
            prior="p",
            space="another space",
            segments=(SegmentCentre(name="s", centre=(1.0,) + (0.0,) * (TASTE_DIMENSIONS - 1)),),
        ),
    ],
    ids=["unknown", "of another space"],
)
def test_a_prior_that_cannot_serve_is_refused_once_and_the_old_one_goes_on(
    card: PriorCard | None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keyart.services.api.snapshots.AGAIN_S", 0.0)  # tried at every look
    known = Known()
    known.opinions.put([opinion("old", 0.5, -0.5)])
    known.opinions.make_current("old")
    known.snapshots.refresh()
    if card is not None:
        known.opinions.put_card(card)
        known.opinions.put([opinion("p", -0.5, 0.5)])
    known.opinions.make_current("p")
    for _ in range(3):
        known.snapshots.refresh()
    assert known.snapshots.prior == "old"
    assert believed(known, "t1", PRIOR)[0] > believed(known, "t1", PRIOR)[1]
    refused = [each for each in caplog.records if "does not serve" in each.getMessage()]
    assert len(refused) == 1
    known.opinions.make_current("old")
    known.snapshots.refresh()
    assert known.snapshots.prior == "old"


def test_segments_speak_to_their_viewers_beside_everybody() -> None:
    known = Known()
    mine = known.titles.space.identity
    centres = tuple(
        SegmentCentre(
            name=name,
            centre=tuple(float(place == at) for place in range(TASTE_DIMENSIONS)),
        )
        for at, name in enumerate(("s0", "s1"))
    )
    known.opinions.put_card(PriorCard(prior="p", space=mine, segments=centres))
    known.opinions.put(
        [
            opinion("p", 0.25, -0.25),
            opinion("p", -1.0, 1.0, segment="s0"),
            opinion("p", 1.0, -1.0, segment="no such segment"),
        ]
    )
    known.opinions.make_current("p")
    known.snapshots.refresh()
    assert known.snapshots.prior == "p"
    said = known.snapshots.index.arrays
    assert said.personal is not None
    sides = said.personal.artworks[said.rows("t1")]
    assert sides[:, 0].tolist() == pytest.approx([-1.25, 1.25])
    assert sides[:, 1].tolist() == [0.0, 0.0], "of s1 it says nothing of its own"


def test_a_store_that_is_away_leaves_what_was_known(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Known()
    known.learn("t1", takes=(90.0, 10.0), shown=500.0)
    known.snapshots.refresh()
    before = believed(known, "t1", OWN)

    def away(lane: Lane, since: int) -> tuple[int, list[str]]:
        raise StoreAway("gone")

    monkeypatch.setattr(known.store, "changed", away)
    with pytest.raises(StoreAway):
        known.snapshots.refresh()
    assert known.snapshots.loaded and believed(known, "t1", OWN) == before
