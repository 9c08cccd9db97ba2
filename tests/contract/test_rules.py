"""Each rule of a site: who may be chosen, and how often, held against a million draws."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from keyart.models.decide.rules import NOBODY, Candidates, candidates
from keyart.models.decide.shares import Limits, bounded, draw, within
from keyart.schemas.catalogue import Artwork, Described, StoredArtwork, StoredTitle, Title
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.rules import Least, Pin, Rules, Selection, fault_of
from keyart.streams.catalogue.upsert import upsert

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
HOUR = timedelta(hours=1)
DRAWS = 1_000_000


def title(*rules: Rules | None, default: str = "", **attributes: dict[str, str]) -> StoredTitle:
    artworks = [
        Artwork(id=f"a{at}", rules=each, attributes=attributes.get(f"a{at}", {}))
        for at, each in enumerate(rules)
    ]
    return StoredTitle(
        id="t",
        default=default,
        artworks=tuple(
            StoredArtwork(artwork=each, history=(Described(since_ms=0, description=""),))
            for each in artworks
        ),
        updated_at_ms=0,
    )


def left(of: StoredTitle, **more: Any) -> Candidates | None:
    asked = {
        "surface": "home",
        "context": {},
        "allow": NOBODY,
        "deny": NOBODY,
        "now_ms": NOW_MS,
        **more,
    }
    return candidates(of, [each.id for each in of.choosable], **asked)


def kept(of: StoredTitle, **more: Any) -> tuple[int, ...]:
    found = left(of, **more)
    return tuple(range(len(of.choosable))) if found is None else found.kept


def test_a_title_without_rules_is_left_alone() -> None:
    assert left(title(None, None)) is None
    assert left(title(Rules(ends=NOW + HOUR), None)) is None


@pytest.mark.parametrize(
    ("rules", "holds"),
    [
        (Rules(starts=NOW), True),
        (Rules(starts=NOW + HOUR), False),
        (Rules(ends=NOW), False),
        (Rules(starts=NOW - HOUR, ends=NOW + HOUR), True),
        (Rules(only={"surface": ("home", "row")}), True),
        (Rules(only={"surface": ("row",)}), False),
        (Rules(only={"device": ("tv",), "kids": (True,)}), True),
        (Rules(only={"device": ("tv",), "kids": (1.0,)}), False),
        (Rules(only={"hour": (21.0,)}), True),
        (Rules(only={"country": ("FR",)}), False),
    ],
)
def test_when_and_where(rules: Rules, holds: bool) -> None:
    context = {"device": "tv", "kids": True, "hour": 21}
    assert kept(title(rules, None), context=context) == ((0, 1) if holds else (1,))


@pytest.mark.parametrize(
    ("allow", "deny", "expected"),
    [
        (NOBODY, Selection(artworks=("a1",)), (0, 2)),
        (Selection(artworks=("a1", "nobody's")), NOBODY, (1,)),
        (NOBODY, Selection(attributes={"rating": ("18",)}), (0, 2)),
        (Selection(attributes={"rating": ("6", "12")}), NOBODY, (0,)),
        (Selection(attributes={"rating": ("6",)}), Selection(artworks=("a0",)), ()),
    ],
)
def test_what_a_request_allows_and_denies(
    allow: Selection, deny: Selection, expected: tuple[int, ...]
) -> None:
    of = title(None, None, None, a0={"rating": "6"}, a1={"rating": "18"})
    assert kept(of, allow=allow, deny=deny) == expected


def test_the_default_stands_in_where_nothing_is_left() -> None:
    deny = Selection(artworks=("a0", "a1"))
    of = title(None, None, default="a1")
    found = left(of, deny=deny)
    assert found is not None and found.default
    assert [of.choosable[at].id for at in found.kept] == ["a1"]
    assert left(title(None, None), deny=deny) == Candidates((), ())


def test_a_pin_that_is_over_pins_nothing_and_its_other_rules_hold() -> None:
    rules = Rules(pin=Pin(share=0.5, ends=NOW), most=0.4)
    found = left(title(rules, None))
    assert found is not None and found.rules[0] == Rules(most=0.4)


CASES = {
    "nothing": [None, None, None],
    "a pin": [Rules(pin=Pin(share=0.3)), None, None],
    "a pin of all": [None, Rules(pin=Pin()), None],
    "pins above all": [Rules(pin=Pin(share=0.9)), Rules(pin=Pin(share=0.6)), None],
    "a ceiling": [Rules(most=0.2), None, None],
    "a ceiling below exploration": [Rules(most=0.01), None, None],
    "ceilings that leave less than all": [Rules(most=0.3)] * 3,
    "a least share": [None, None, Rules(least=Least(share=0.4))],
    "a least share that is no longer new": [
        None,
        None,
        Rules(least=Least(share=0.4, impressions=5)),
    ],
    "least shares above all": [Rules(least=Least(share=0.8)), None, Rules(least=Least(share=0.7))],
    "all of them": [Rules(most=0.5), Rules(pin=Pin(share=0.1)), Rules(least=Least(share=0.2))],
    "only ceilings of the best": [Rules(most=0.1), Rules(most=0.2), None],
}
OWN = {"mixed": [0.7, 0.3, 0.0], "sure": [1.0, 0.0, 0.0], "last": [0.0, 0.0, 1.0]}


@pytest.mark.parametrize(
    ("own", "explore"),
    [(OWN["mixed"], 0.05), (OWN["mixed"], 1.0), (OWN["sure"], 0.0), (OWN["last"], 0.05)],
)
@pytest.mark.parametrize("rules", CASES.values(), ids=CASES)
def test_a_million_draws_follow_the_propensities(
    rules: list[Rules | None], own: list[float], explore: float
) -> None:
    limits = Limits.of([rules], 4) or Limits.of([(Rules(most=1.0),)], 4)
    assert limits is not None
    mask = np.array([[True, True, True, False]])
    seen = np.full((1, 4), 10.0)
    shares = bounded(np.array([[*own, 0.0]]), mask, seen, limits, explore)
    (propensities,) = shares.propensities
    assert abs(propensities.sum() - 1) < 1e-12 and propensities[3] == 0.0
    rng = np.random.default_rng([3, len(rules), int(100 * explore)])
    chosen, explored, pinned = draw(shares, mask, rng.random(DRAWS), rng.random(DRAWS))
    often = np.bincount(chosen, minlength=4) / DRAWS
    spread = np.sqrt(propensities * (1 - propensities) / DRAWS)
    assert (np.abs(often - propensities) <= 5.5 * spread + 1e-9).all()
    assert not (explored & pinned).any()
    assert abs(pinned.mean() - shares.pinned[0]) < 0.003
    even = np.bincount(chosen[explored], minlength=4)[:3]
    if len(even) and even.sum() > 1000:
        assert np.abs(even / even.sum() - 1 / 3).max() < 5.5 / np.sqrt(even.sum())


@pytest.mark.parametrize("explore", [0.0, 0.05, 0.3])
@pytest.mark.parametrize("own", OWN.values(), ids=OWN)
def test_bounds_hold_of_what_is_not_pinned(own: list[float], explore: float) -> None:
    rules = (Rules(most=0.25), Rules(pin=Pin(share=0.4)), Rules(least=Least(share=0.3)))
    limits = Limits.of([rules], 3)
    assert limits is not None
    mask = np.ones((1, 3), np.bool_)
    shares = bounded(np.array([own]), mask, np.zeros((1, 3)), limits, explore)
    free = (shares.propensities - shares.pin)[0] / (1 - shares.pinned[0])
    assert free[0] <= 0.25 + 1e-9 and free[2] >= 0.3 - 1e-9
    assert shares.propensities[0, 1] >= 0.4 - 1e-9


def test_exploration_stays_whole_where_no_ceiling_is_below_it() -> None:
    limits = Limits.of([(Rules(most=0.3), None)], 2)
    assert limits is not None
    mask = np.ones((1, 2), np.bool_)
    shares = bounded(np.array([[1.0, 0.0]]), mask, np.zeros((1, 2)), limits, 0.05)
    assert shares.explore[0] == 0.05
    assert np.allclose(shares.propensities, [[0.3, 0.7]])


@given(
    own=st.lists(st.floats(0.01, 1.0), min_size=2, max_size=6),
    bounds=st.lists(st.tuples(st.floats(0.0, 0.16), st.floats(0.5, 1.0)), min_size=6, max_size=6),
)
def test_the_nearest_distribution_is_what_an_optimiser_finds(
    own: list[float], bounds: list[tuple[float, float]]
) -> None:
    p = np.array(own) / sum(own)
    low, high = np.array(bounds[: len(own)]).T
    found = within(p[None], np.ones((1, len(p)), np.bool_), low[None], high[None])[0]
    assert abs(found.sum() - 1) < 1e-9
    assert (found >= low - 1e-9).all() and (found <= high + 1e-9).all()
    optimiser: Any = minimize  # its stubs know no constraint of an equality
    other = optimiser(
        lambda x: float((x * np.log(np.maximum(x, 1e-12) / p)).sum()),
        np.clip(p, low, high) / np.clip(p, low, high).sum(),
        bounds=list(zip(np.maximum(low, 1e-9), high, strict=True)),
        constraints=[{"type": "eq", "fun": lambda x: x.sum() - 1}],
        method="SLSQP",
    )
    ours = float((found * np.log(np.maximum(found, 1e-12) / p)).sum())
    assert ours <= other.fun + 1e-5 or not other.success


def test_rules_are_read_as_they_are_written() -> None:
    text = (
        b'{"id":"t","artworks":[{"id":"a","rules":{"from":"2026-12-01T00:00:00+01:00",'
        b'"until":"2026-12-27T00:00:00Z","only":{"surface":["home"],"kids":[false],"hour":[20]},'
        b'"pin":{"share":0.2,"until":"2026-12-24T00:00:00Z"},"least":{"share":0.1},"most":0.5}}]}'
    )
    read = msgspec.json.decode(text, type=Title)
    assert msgspec.json.decode(msgspec.json.encode(read), type=Title) == read
    stored = upsert(None, read, now_ms=5)
    assert msgspec.json.decode(msgspec.json.encode(stored), type=StoredTitle) == stored
    assert upsert(stored, read, now_ms=6).artworks == stored.artworks


@pytest.mark.parametrize(
    "wrong",
    [
        {"most": 0.0},
        {"most": 1.5},
        {"pin": {"share": -1}},
        {"from": "yesterday"},
        {"from": "2026-12-01T00:00:00"},
        {"only": {"surface": []}},
        {"only": {"device": [None]}},
        {"least": {"share": 0.2, "impressions": 0}},
    ],
)
def test_what_is_out_of_bounds_is_no_rule(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, Rules)


@pytest.mark.parametrize(
    "rules",
    [
        Rules(starts=NOW, ends=NOW),
        Rules(pin=Pin(starts=NOW, ends=NOW - HOUR)),
        Rules(least=Least(share=0.5), most=0.4),
    ],
)
def test_rules_that_contradict_themselves_are_refused_in_one_line(rules: Rules) -> None:
    assert fault_of(rules)
    with pytest.raises(InvalidRecord, match=r"artworks\[0\]\.rules"):
        upsert(None, Title(id="t", artworks=(Artwork(id="a", rules=rules),)), now_ms=1)
