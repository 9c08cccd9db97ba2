"""What rules did to a choice: against the same page decided without any, worked out by hand."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from keyart.models.bandits.registry import build_policy
from keyart.models.decide.engine import Decider
from keyart.models.decide.page import DecidedPage
from keyart.models.decide.record import columns_of
from keyart.models.decide.rules import NOBODY, Ruling
from keyart.schemas.catalogue import Artwork, Described, StoredArtwork, StoredTitle
from keyart.schemas.ids import pseudonym
from keyart.schemas.ruled import BOUNDED, DEFAULTED, NARROWED, PINNED, Ruled
from keyart.schemas.rules import Least, Pin, Rules, Selection
from tests.unit.models.decide.test_engine import NOW, decide, index_of, taste

SIZE = 4
AT = datetime.fromtimestamp(NOW / 1000, UTC)


def title(name: str, rules: dict[int, Rules], default: str = "") -> StoredTitle:
    return StoredTitle(
        id=name,
        default=default,
        artworks=tuple(
            StoredArtwork(
                artwork=Artwork(id=f"a{at}", rules=rules.get(at)),
                history=(Described(since_ms=0, description=""),),
            )
            for at in range(SIZE)
        ),
        updated_at_ms=0,
    )


def under(
    *rules: dict[int, Rules],
    deny: Selection = NOBODY,
    default: str = "",
    explore: float = 0.05,
    viewer: str = "v",
) -> tuple[DecidedPage, DecidedPage]:
    """Return one page of a title for each of the rules, with them and without."""
    names = [f"t{at}" for at in range(len(rules))]
    index = index_of([SIZE] * len(rules))
    held = {name: title(name, each, default) for name, each in zip(names, rules, strict=True)}
    ruling = Ruling.of(
        held,
        names,
        [index.artworks(name) for name in names],
        surface="home",
        context={},
        allow=NOBODY,
        deny=deny,
        now_ms=NOW,
    )
    decider = Decider(policy=build_policy("thompson", scale=1.0), explore_share=explore)
    ruled = decider.decide(
        index,
        titles=names,
        taste=taste(),
        surface="home",
        viewer=viewer,
        now_ms=NOW,
        ruling=ruling,
    )
    return ruled, decide(index, names, decider=decider, viewer=viewer)


def held_to(ruled: DecidedPage, free: DecidedPage, at: int) -> None:
    """Hold what is said of one title against the two pages."""
    own = free.propensities[at]
    given = np.zeros(SIZE)
    for place, name in enumerate(ruled.artworks[at]):
        given[int(name[1:])] = ruled.propensities[at, place]
    said = ruled.ruled[at]
    assert said.changed == pytest.approx(np.maximum(own - given, 0.0).sum(), abs=2e-5)
    found = dict(zip(said.artworks, said.forgone, strict=True))
    expected = (own - given) * free.multiplier[at]
    assert [found.get(f"a{k}", 0.0) for k in range(SIZE)] == pytest.approx(expected, abs=2e-5)


def test_of_titles_that_no_rule_speaks_of_nothing_is_said() -> None:
    ruled, free = under({}, {0: Rules(most=0.1)}, {1: Rules(starts=AT - timedelta(1))})
    assert list(ruled.ruled) == [1]
    assert ruled.propensities[0] == pytest.approx(free.propensities[0], abs=1e-6)
    held_to(ruled, free, 1)


@pytest.mark.parametrize("explore", [0.0, 0.2])
def test_what_was_taken_away_is_forgone(explore: float) -> None:
    ruled, free = under({0: Rules(ends=AT), 2: Rules(only={"surface": ("row",)})}, explore=explore)
    held_to(ruled, free, 0)
    assert ruled.ruled[0].how == NARROWED
    lost = dict(zip(ruled.ruled[0].artworks, ruled.ruled[0].forgone, strict=True))
    own = free.propensities[0] * free.multiplier[0]
    assert [lost["a0"], lost["a2"]] == pytest.approx([own[0], own[2]], abs=1e-5)


def test_what_a_request_denies_is_forgone_too() -> None:
    ruled, free = under({}, {}, deny=Selection(artworks=("a1",)))
    for at in (0, 1):
        held_to(ruled, free, at)
        assert ruled.ruled[at].how == NARROWED


def test_bounds_that_bind_are_told_and_those_that_do_not_are_not() -> None:
    tight, free = under({0: Rules(least=Least(share=0.9, impressions=1e9))})
    held_to(tight, free, 0)
    assert tight.ruled[0].how == BOUNDED and tight.ruled[0].changed > 0.0
    loose, _ = under({0: Rules(most=1.0)})
    assert loose.ruled[0] == Ruled(0, 0.0)


def test_a_pin_is_told_where_it_made_the_choice() -> None:
    seen = set()
    for at in range(40):
        ruled, free = under({3: Rules(pin=Pin(share=0.5))}, viewer=f"v{at}")
        held_to(ruled, free, 0)
        pinned = bool(ruled.ruled[0].how & PINNED)
        assert not pinned or ruled.chosen_artworks[0] == "a3"
        seen.add(pinned)
    assert seen == {True, False}


def test_where_the_default_stands_in_all_else_is_forgone() -> None:
    every = Selection(artworks=tuple(f"a{at}" for at in range(SIZE)))
    ruled, free = under({}, deny=every, default="a2")
    held_to(ruled, free, 0)
    assert ruled.ruled[0].how == DEFAULTED
    assert ruled.ruled[0].changed == pytest.approx(1.0 - free.propensities[0, 2], abs=1e-5)


def test_it_is_logged_with_its_titles() -> None:
    ruled, _ = under({}, {0: Rules(most=0.1)}, {1: Rules(ends=AT)})
    columns = columns_of(ruled, pseudonym("v", b"k" * 16), [1, 2, 3]).check()
    assert columns.ruled == ruled.ruled
    assert columns.take([2, 0]).check().ruled == {0: ruled.ruled[2]}
