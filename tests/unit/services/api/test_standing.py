"""Which decisions stand; and that what is logged as a propensity is how often it was chosen."""

from collections import defaultdict

import numpy as np
import pytest

from keyart.models.bandits.registry import build_policy
from keyart.models.bandits.uniforms import place_number, title_number
from keyart.models.decide.engine import Decider
from keyart.models.decide.index import IndexedTitle, Place, ServingIndex
from keyart.models.taste.features import NO_TASTE
from keyart.schemas.assigned import (
    MAX_ASSIGNED,
    MAX_BYTES,
    Assigned,
    pack_assigned,
    unpack_assigned,
)
from keyart.schemas.decisions import Decision, DecisionPage, Terms, Versions
from keyart.schemas.errors import InvalidRecord, UnknownVersion
from keyart.schemas.ids import decision_id
from keyart.schemas.taste import TASTE_DIMENSIONS
from keyart.services.api.standing import Recent, before, places_of
from tests.packing import columns_of_rows

NOW, DWELL = 1_700_000_000_000, 6 * 3_600_000
VIEWER = "0" * 32


def made(title: str, artwork: str = "a", nonce: int = 7, propensity: float = 0.25) -> Decision:
    odds = (propensity, 1 - propensity)
    return Decision(
        id=decision_id(VIEWER, title, nonce),
        title=title,
        artwork=artwork,
        candidates=("a", "b") if artwork in "ab" else (artwork, "z"),
        propensities=odds[::-1] if artwork == "b" else odds,
        explored=nonce % 2 == 0,
        terms=Terms(level=0.1),
    )


def page(*decisions: Decision, at: int = 0, policy: str = "p-1") -> DecisionPage:
    return DecisionPage(
        viewer=VIEWER,
        surface="home",
        decided_at_ms=NOW + at,
        policy="keyart",
        versions=Versions(policy=policy, prior="n", posterior="1", space="s"),
        decisions=decisions,
        columns=columns_of_rows(decisions),
    )


def held(*pages: DecisionPage) -> Assigned:
    found = Assigned()
    for number, each in enumerate(pages):
        found = found.with_page(
            each.decisions,
            [place_number(one.title, each.surface) for one in each.decisions],
            number=number,
            decided_at_ms=each.decided_at_ms,
            policy=each.versions.policy,
        )
    return found


def stand(
    *sources: Assigned | None, titles: tuple[str, ...] = ("t",), policy: str = "p-1", at: int = 1
) -> dict[str, tuple[str, str, float]]:
    places = [Place(0, 2, title_number(title), ("a", "b")) for title in titles]
    found = before(
        sources, titles, places, "home", policy=policy, now_ms=NOW + at, dwell_ms=DWELL
    ).standing
    return {
        title: (each.kept.id, each.artwork, each.kept.propensity) for title, each in found.items()
    }


def test_a_record_is_read_back_and_small() -> None:
    some = held(page(*(made(f"t{at}", nonce=at + 1) for at in range(40))))
    blob = pack_assigned(some)
    assert len(blob) == 5 + 14 + 40 * 30
    again = unpack_assigned(blob)
    assert [again.kept(at) for at in range(40)] == [some.kept(at) for at in range(40)]
    kept = again.kept(3)
    assert (kept.id, kept.explored) == (decision_id(VIEWER, "t3", 4), True)
    assert kept.propensity == 0.25 and kept.decided_at_ms == NOW
    assert MAX_BYTES < 70_000


@pytest.mark.parametrize("blob", [b"", b"\x01", pack_assigned(held(page(made("t"))))[:-1]])
def test_a_damaged_record_is_refused(blob: bytes) -> None:
    with pytest.raises(InvalidRecord):
        unpack_assigned(blob)
    with pytest.raises(UnknownVersion):
        unpack_assigned(b"\x63" + pack_assigned(Assigned())[1:])


@pytest.mark.parametrize("propensity", [1e-7, 0.1234567, 0.9999999, 1.0])
def test_a_propensity_is_kept_to_the_last_digit(propensity: float) -> None:
    assert held(page(made("t", propensity=propensity))).kept(0).propensity == propensity


def test_a_decision_stands_for_the_dwell_period() -> None:
    some = held(page(made("t")))
    expected = {"t": (decision_id(VIEWER, "t", 7), "a", 0.25)}
    assert stand(some) == stand(some, at=DWELL - 1) == stand(None, some) == expected
    assert stand(some, at=DWELL) == {}
    assert stand(some, at=-3_600_000) == {}, "made by a clock that was wrong"


def test_what_cannot_be_chosen_any_more_or_is_another_policys_does_not_stand() -> None:
    assert stand(held(page(made("t", "withdrawn")))) == {}
    assert stand(held(page(made("t"))), policy="p-2") == {}
    assert stand(held(page(made("t"))), titles=("u",)) == {}


def test_the_latest_decision_stands_wherever_it_is_held() -> None:
    old, new = held(page(made("t"))), held(page(made("t", "b", nonce=9), at=5))
    assert stand(old, new, at=9) == stand(new, old, at=9)
    assert stand(old, new, at=9)["t"][1] == "b"


def test_what_is_held_is_bounded_in_bytes_and_goes_once_it_is_stored() -> None:
    recent = Recent(dwell_ms=DWELL, most_bytes=20_000)
    for number in range(200):
        one = page(made("t", nonce=number))
        viewer = f"{number:032x}"
        recent.add(
            DecisionPage(
                viewer=viewer,
                surface="home",
                decided_at_ms=one.decided_at_ms,
                policy="p",
                versions=one.versions,
                decisions=(),
                columns=one.columns,
            ),
            [1],
        )
    assert recent.held_bytes <= 20_000 and 10 < len(recent) < 40
    last = f"{199:032x}"
    own = recent.of(last, None)
    assert own is not None and recent.of(last, Assigned()) is own
    assert recent.of(last, own) is None and recent.of(last, None) is None
    recent.clear()
    assert recent.held_bytes == 0 and len(recent) == 0


def test_one_viewer_does_not_hold_more_than_a_record_does() -> None:
    recent = Recent(dwell_ms=DWELL)
    for number in range(30):
        some = tuple(made(f"t{number}-{at}", nonce=at) for at in range(200))
        recent.add(page(*some, at=number), [number * 200 + at for at in range(200)])
        own = recent.of(VIEWER, None)
        assert own is not None and len(own) <= MAX_ASSIGNED
        assert own.kept(len(own) - 1).decided_at_ms == NOW + number


def test_what_is_logged_is_how_often_it_is_chosen_when_decided_again() -> None:
    """Many viewers ask twice; for half of them an artwork is withdrawn in between.

    Those who keep their picture keep its propensity. Those whose picture went, and only those, are
    decided anew: that depends on what was drawn before, and what is drawn then must not. Each time
    an artwork comes as often as was logged.
    """
    rng = np.random.default_rng(5)
    index = ServingIndex()
    vectors = rng.normal(size=(4, TASTE_DIMENSIONS)).astype(np.float32)
    names = ("a", "b", "c", "d")

    def put(artworks: tuple[str, ...]) -> None:
        rows = vectors[[names.index(each) for each in artworks]]
        index.put([IndexedTitle(id="t", artworks=artworks, vectors=rows)])

    put(names)
    decider = Decider(policy=build_policy("thompson", scale=1.0), explore_share=0.2, dwell_ms=DWELL)
    chosen: dict[tuple[int, str], list[tuple[float, bool]]] = defaultdict(list)
    kept = 0
    count = 6000
    for number in range(count):
        viewer, first = f"{number:032x}", names if number % 2 else names[1:]
        put(names)
        decided = decider.decide(
            index, titles=["t"], taste=NO_TASTE, surface="home", viewer=viewer, now_ms=NOW
        )
        artwork, rows = decided.chosen_artworks[0], decided.propensities[0]
        for at, name in enumerate(names):
            chosen[0, name].append((float(rows[at]), name == artwork))
        stored = held(page(made("t", artwork, nonce=int(rng.integers(2**63)))))
        put(first)
        places = index.arrays.find(["t"])
        now = before([stored], ["t"], places, "home", policy="p-1", now_ms=NOW + 1, dwell_ms=DWELL)
        if "t" in now.standing:
            assert now.standing["t"].artwork == artwork
            kept += 1
            continue
        again = decider.decide(
            index,
            titles=["t"],
            taste=NO_TASTE,
            surface="home",
            viewer=viewer,
            now_ms=NOW + 1,
            replaced=now.replaced,
        )
        for at, name in enumerate(again.artworks[0]):
            drawn = again.chosen_artworks[0] == name
            chosen[1, name].append((float(again.propensities[0][at]), drawn))
    assert 0 < count - kept < count / 2
    for (asked, name), rows_of in chosen.items():
        said, came = (np.array(column, float) for column in zip(*rows_of, strict=True))
        error = np.sqrt((said * (1 - said)).sum()) / len(said)
        assert abs(came.mean() - said.mean()) < 4 * error, (asked, name, came.mean(), said.mean())


def test_places_of_a_surface_are_its_own() -> None:
    place = Place(0, 1, 12345, ("a",))
    assert places_of([place], "home") != places_of([place], "search")
