"""Pages in columns: what goes in comes out, what does not fit is refused, old pages are read."""

import json
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from keyart.schemas import codec
from keyart.schemas.columns import (
    Columns,
    pack_beliefs,
    pack_features,
    pack_responding,
    pack_taste,
    unpack_beliefs,
    unpack_taste,
)
from keyart.schemas.decisions import Decision, DecisionPage, Terms, Versions, one_by_one
from keyart.schemas.errors import InvalidRecord, UnknownVersion
from keyart.schemas.ids import decision_id
from keyart.schemas.ruled import Ruled
from tests.packing import Belief, columns_of_rows

VIEWER = "0" * 31 + "1"
BELIEFS: list[Belief] = [
    (1.1, 0.8, 1.0, 0.25, 0.0, 120.0, 4.0),
    (0.9, 1.3, 1.5, 0.5, 0.125, 0.0, 0.0),
    (1.0, 1.0, 1.0, 0.375, 0.25, 3000.0, 99.0),
]


def made(title: str, *candidates: str, chosen: int = 0, because: str = "") -> Decision:
    even = round(1e7 / len(candidates)) / 1e7
    shares = (*[even] * (len(candidates) - 1), round(1 - even * (len(candidates) - 1), 7))
    return Decision(
        id=decision_id(VIEWER, title, 2**63 + chosen),
        title=title,
        artwork=candidates[chosen],
        candidates=candidates,
        propensities=shares,
        explored=chosen == 1,
        terms=Terms(level=0.0123456, trust=0.5, taste=1.25, bonus=0.0078125, because=because),
        features=(0.5, -0.25, 0.0),
        personal=0.125,
        multiplier=1.25,
        expected=0.0234567,
        response=1.125,
    )


ROWS = (made("t", "a"), made("u", "b", "c", chosen=1, because="long"))


def page(columns: Columns, **more: Any) -> DecisionPage:
    return DecisionPage(
        viewer=VIEWER,
        surface="home",
        decided_at_ms=1_700_000_000_000,
        policy="keyart",
        versions=Versions(policy="p", prior="n", posterior="1", space="s"),
        decisions=(),
        columns=columns,
        version=2,
        **more,
    )


def test_what_is_packed_one_by_one_is_read_again() -> None:
    columns = columns_of_rows(ROWS, BELIEFS, strength=300.0)
    again = codec.decisions.decode(codec.encode(page(columns)))
    assert again.columns == columns
    for read, given in zip(again.decisions, ROWS, strict=True):
        assert structs.replace(read, terms=given.terms) == given
        for name in ("level", "trust", "taste", "because"):
            assert getattr(read.terms, name) == getattr(given.terms, name)
    # those of the chosen: the first of one, the second of two
    assert [each.terms.prior for each in again.decisions] == pytest.approx([1.1, 1.0], abs=2e-4)
    assert [each.terms.own for each in again.decisions] == pytest.approx([0.8, 1.0], abs=2e-4)
    assert again.decisions[1].terms.impressions == pytest.approx(3000, rel=1e-3)


def test_titles_can_be_taken_out() -> None:
    columns = structs.replace(
        columns_of_rows(ROWS, BELIEFS), responding=pack_responding([None, -0.25])
    )
    one = columns.take([1]).check()
    assert columns.responded(0) is None and one.responded(0) == columns.responded(1) == -0.25
    assert one_by_one(one) == (one_by_one(columns)[1],)
    both = unpack_beliefs(columns.beliefs)
    for name, values in unpack_beliefs(one.beliefs).items():
        np.testing.assert_array_equal(values, both[name][1:])
    assert columns.take(range(2)) == columns


def test_beliefs_and_features_come_back_to_their_precision() -> None:
    rng = np.random.default_rng(0)
    values = np.abs(rng.normal(1.0, 0.5, (7, 200))).astype(np.float32)
    found = unpack_beliefs(pack_beliefs(values.copy()))
    for at, name in enumerate(("prior", "own", "taste")):
        np.testing.assert_allclose(found[name], np.exp(values[at]), rtol=2e-4)
    for at, name in ((3, "spread"), (4, "doubt")):
        np.testing.assert_allclose(found[name], values[at], atol=2e-4)
    np.testing.assert_allclose(found["seen"], np.expm1(values[5]), rtol=2e-3, atol=2e-3)
    huge = np.full((7, 1), 1e6, np.float32)
    assert unpack_beliefs(pack_beliefs(huge))["spread"][0] == pytest.approx(8.0, abs=1e-3)
    assert np.frombuffer(pack_features(np.array([[1e9, -1e9]], np.float32)), "<i2").tolist() == [
        32767,
        -32768,
    ]
    assert unpack_beliefs(b"") == {}


def test_a_taste_comes_back_within_half_a_step() -> None:
    rng = np.random.default_rng(1)
    directions = rng.normal(size=(6, 64)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    directions[2] = 0.0
    again = unpack_taste(pack_taste(directions))
    step = np.abs(directions).max(axis=1, keepdims=True) / 127
    assert (np.abs(again - directions) <= step / 2 + 1e-7).all()
    assert pack_taste(np.zeros((6, 64), np.float32)) == b""
    assert not unpack_taste(b"").any()


@pytest.mark.parametrize("record", [b"\x00", b"\xff" * 407, b"\xff" * 408])
def test_what_is_no_taste(record: bytes) -> None:
    with pytest.raises(InvalidRecord):
        unpack_taste(record)


WHOLE = columns_of_rows(ROWS, BELIEFS)


def changed(name: str, value: int, at: int = 0) -> bytes:
    choice = WHOLE.choice.copy()
    choice[name][at] = value
    return choice.tobytes()


@pytest.mark.parametrize(
    "wrong",
    [
        {"choices": WHOLE.choices[:-1]},
        {"odds": WHOLE.odds[4:]},
        {"odds": b"\xff" * len(WHOLE.odds)},
        {"beliefs": WHOLE.beliefs[2:]},
        {"features": WHOLE.features[2:]},
        {"candidates": WHOLE.candidates[:1]},
        {"reasons": ()},
        {"choices": changed("chosen", 1)},
        {"choices": changed("level", 10_000_001)},
        {"choices": changed("expected", 10_000_001)},
        {"choices": changed("multiplier", 0)},
        {"choices": changed("multiplier", 10_000_001)},
        {"choices": changed("response", 0)},
        {"positions": b"\x01"},
        {"responding": pack_responding([0.0])},
    ],
)
def test_columns_that_do_not_fit_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidRecord):
        codec.decisions.decode(codec.encode(page(structs.replace(WHOLE, **wrong))))


def test_a_page_of_before_there_were_columns_is_read() -> None:
    written = {
        "viewer": VIEWER,
        "surface": "home",
        "decided_at_ms": 1_700_000_000_000,
        "policy": "optimistic",
        "versions": {"policy": "p", "prior": "n", "posterior": "1", "space": "s"},
        "decisions": [
            {
                "id": decision_id(VIEWER, "t", 5),
                "title": "t",
                "artwork": "a",
                "candidates": ["a", "b"],
                "propensities": [0.25, 0.75],
                "explored": False,
                "terms": {"level": 0.02, "prior": 1.1},
                "features": [0.1234],
                "multiplier": 1.5,
                "expected": 0.03,
            }
        ],
    }
    read = codec.decisions.decode(json.dumps(written).encode())
    assert read.columns is None and read.version == 1
    assert read.decisions[0].propensity == 0.25
    assert read.decisions[0].features == (0.1234,)


def test_a_page_of_a_later_version_says_so() -> None:
    later = structs.replace(page(WHOLE), version=3)
    with pytest.raises(UnknownVersion):
        codec.decisions.decode(codec.encode(later))


@pytest.mark.parametrize(
    "ruled",
    [
        {2: Ruled(1, 0.5)},
        {-1: Ruled(1, 0.5)},
        {0: Ruled(1, 0.5, ("a",))},
        {0: Ruled(1, 0.5, ("a",), (float("nan"),))},
    ],
)
def test_what_rules_did_has_to_fit_the_page(ruled: dict[int, Ruled]) -> None:
    columns = columns_of_rows([made("t1", "a", "b"), made("t2", "c")])
    right = structs.replace(columns, ruled={1: Ruled(1, 0.5, ("c",), (0.25,))})
    assert right.check().take([1]).ruled == {0: Ruled(1, 0.5, ("c",), (0.25,))}
    assert right.take([0]).ruled == {}
    with pytest.raises(InvalidRecord, match="what rules did"):
        structs.replace(columns, ruled=ruled).check()


def test_a_page_of_before_says_nothing_of_rules() -> None:
    columns = columns_of_rows([made("t1", "a", "b")])
    assert b"ruled" not in codec.pack(columns)
    assert codec.unpack(codec.pack(columns), Columns).ruled == {}
