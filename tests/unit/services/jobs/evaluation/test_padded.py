"""Rewards as arrays: to the bit what reading them row by row makes of them."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from keyart.models.dataset.taught import numbered
from keyart.schemas.errors import InvalidRecord
from keyart.services.jobs.evaluation.padded import TASTE, padded

NAMES = [f"a{at}" for at in range(7)]


def frame(count: int, seed: int, *, taste: float) -> pl.DataFrame:
    """Return rewards of titles whose artworks come, go and change their order.

    `taste` is the share of rewards of which it was logged; 0: no column of it holds anything.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for at in range(count):
        names = rng.permutation(NAMES[: 2 + int(rng.integers(6))]).tolist()
        shares = rng.dirichlet(np.ones(len(names))).tolist()
        factors, doubts = rng.lognormal(size=(2, len(names))).astype(np.float32).tolist()
        told = rng.random(2) < (taste + 1) / 2 if taste else (False, False)
        rows.append(
            {
                "id": f"r{at}",
                "viewer": f"{rng.integers(9):032x}",
                "title": f"t{rng.integers(5)}",
                "artwork": names[int(rng.integers(len(names)))],
                "candidates": names,
                "propensities": shares,
                "taste_factors": factors if told[0] else None,
                "doubts": doubts if told[1] else None,
            }
        )
    single = pl.List(pl.Float32)
    kinds = dict.fromkeys(TASTE, single) if taste else {}
    return pl.DataFrame(rows, schema_overrides=kinds)


def row_by_row(frame: pl.DataFrame) -> dict[str, Any]:
    """Return the same from a loop over rows and candidates, which is what it is defined by."""
    titles: dict[str, int] = {}
    places: list[dict[str, int]] = []
    wanted = ("title", "artwork", "candidates", "propensities", *TASTE)
    table = list(frame.select(*wanted).iter_rows())
    for name, _, candidates, *_ in table:
        number = titles.setdefault(name, len(titles))
        if number == len(places):
            places.append({})
        for each in candidates:
            places[number].setdefault(each, len(places[number]))
    shape = (len(table), max(map(len, places)))
    logged, allowed = np.zeros(shape), np.zeros(shape, np.bool_)
    factors, doubts = np.ones(shape), np.zeros(shape)
    title, action = [], []
    for at, (name, artwork, candidates, shares, by_taste, doubted) in enumerate(table):
        place = places[titles[name]]
        columns = [place[each] for each in candidates]
        allowed[at, columns], logged[at, columns] = True, shares
        if by_taste is not None and doubted is not None:
            factors[at, columns], doubts[at, columns] = by_taste, doubted
        title.append(titles[name])
        action.append(place[artwork])
    return {
        "titles": list(titles),
        "artworks": places,
        "title": title,
        "action": action,
        "allowed": allowed,
        "logged": logged,
        "factors": factors,
        "doubts": doubts,
    }


@pytest.mark.parametrize("taste", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_it_is_what_reading_row_by_row_makes_of_it(seed: int, taste: float) -> None:
    rewards = frame(1 if seed == 3 else 300, seed, taste=taste)
    found, expected = padded(rewards), row_by_row(rewards)
    assert found.titles == expected["titles"]
    assert [list(each.items()) for each in found.artworks] == [
        list(each.items()) for each in expected["artworks"]
    ]
    for name in ("title", "action", "allowed", "logged"):
        np.testing.assert_array_equal(getattr(found, name), expected[name])
    np.testing.assert_array_equal(found.taste.factors, expected["factors"])
    np.testing.assert_array_equal(found.taste.doubts, expected["doubts"])


def test_names_are_numbered_in_their_order() -> None:
    names = ["b", "ä", "a", "b", "\U0001f600", "￿", "Z"]
    _, expected = np.unique(np.array(names, object), return_inverse=True)
    np.testing.assert_array_equal(numbered(pl.Series(names)), expected)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("candidates", [], "has no candidates"),
        ("candidates", None, "has no candidates"),
        ("propensities", [1.0], "has not a propensity for each candidate"),
        ("artwork", "a9", "shows what is no candidate"),
        ("doubts", [0.5], "does not fit its doubts"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_id(column: str, value: Any, said: str) -> None:
    rewards = frame(5, 0, taste=1.0).to_dicts()
    rewards[3][column] = value
    with pytest.raises(InvalidRecord, match=f"reward r3 {said}"):
        padded(pl.DataFrame(rewards))
