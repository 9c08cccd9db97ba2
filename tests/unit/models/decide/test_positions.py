"""Positions through the board: what a picture is believed to be, wherever it was shown."""

import msgspec
import numpy as np
import pytest

from keyart.models.belief.hyper import Hyper
from keyart.models.belief.positions import BANDS
from keyart.models.decide.board import Board
from keyart.models.decide.index import ANY_SURFACE, BELIEF_COLUMNS, IndexedTitle, ServingIndex
from keyart.schemas import codec
from keyart.schemas.posterior import Cell, TitleSums
from keyart.schemas.taste import TASTE_DIMENSIONS

TITLES, ARTWORKS = 40, 4
FALLING = np.array([1.8, 1.4, 1.1, 0.9, 0.7, 0.55, 0.45, 0.35])
OWN = BELIEF_COLUMNS.index("own")


def told(
    seed: int, factor: np.ndarray, *, known: bool = True, apart: bool = True
) -> list[TitleSums]:
    """Return sums of titles with artworks that are all alike; `apart`, the first is at the top."""
    rng = np.random.default_rng(seed)
    found = []
    for at in range(TITLES):
        level = 0.03 * np.exp(rng.normal(0.0, 0.5))
        cells = {}
        for artwork in range(ARTWORKS):
            share = np.exp(-0.35 * np.arange(BANDS) * (1 if artwork == 0 else -0.5) * apart)
            expected = rng.poisson(2000 * share / share.sum()).astype(float)
            takes = rng.poisson(level * factor * expected).astype(float)
            bands = np.stack([takes, expected], axis=1).ravel().tolist() if known else []
            taken, shown = float(takes.sum()), float(expected.sum())
            cells[f"a{artwork}"] = {"home": Cell(int(shown), taken, taken, shown, bands)}
        found.append(TitleSums(title=f"t{at}", artworks=cells))
    return found


def believed(sums: list[TitleSums], *, position: bool = True) -> tuple[np.ndarray, Board]:
    """Return (T, K) the own factors that are served, and the board."""
    index, board = ServingIndex(), Board(Hyper(), position=position)
    names = tuple(f"a{at}" for at in range(ARTWORKS))
    vectors = np.zeros((ARTWORKS, TASTE_DIMENSIONS), np.float32)
    for each in sums:
        index.put([IndexedTitle(id=each.title, artworks=names, vectors=vectors)])
        board.put(each.title, names, group="")
        board.take_sums(codec.unpack(codec.pack(each), TitleSums))
    board.work_out(index)
    table = index.arrays.beliefs.get("home", index.arrays.beliefs[ANY_SURFACE])
    return np.stack([table[index.arrays.rows(each.title)][:, OWN] for each in sums]), board


def bias(own: np.ndarray) -> float:
    """Return how much better the first artwork is believed to be than the others: truly 0."""
    return float(np.log(own[:, 0] / own[:, 1:].mean(axis=1)).mean())


@pytest.mark.parametrize("seed", range(3))
def test_a_picture_that_stood_at_the_top_is_not_believed_to_be_better(seed: int) -> None:
    sums = told(seed, FALLING)
    without, _ = believed(sums, position=False)
    with_it, board = believed(sums)
    assert bias(without) > 0.4
    assert abs(bias(with_it)) < 0.05
    factor = board.places.learned["home"].factor
    assert (np.diff(factor) < 0.0).all() and factor[0] / factor[-1] == pytest.approx(
        FALLING[0] / FALLING[-1], rel=0.15
    )


@pytest.mark.parametrize("apart", [True, False])
def test_where_places_do_nothing_beliefs_stay(apart: bool) -> None:
    sums = told(3, np.ones(BANDS), apart=apart)
    without, _ = believed(sums, position=False)
    with_it, _ = believed(sums)
    assert np.abs(np.log(with_it / without)).max() < 0.05
    assert abs(bias(with_it)) < 0.04


def test_sums_of_before_there_were_positions_are_read_and_count_as_they_did() -> None:
    sums = told(4, FALLING, known=False)
    older = msgspec.msgpack.decode(codec.pack(sums[0]))
    for cells in older["artworks"].values():
        assert cells["home"].pop() == [] and len(cells["home"]) == 4
    assert codec.unpack(msgspec.msgpack.encode(older), TitleSums) == sums[0]
    without, _ = believed(sums, position=False)
    with_it, board = believed(sums)
    np.testing.assert_array_equal(with_it, without)
    assert board.places.learned == {}


def test_a_title_that_went_teaches_nothing_of_places() -> None:
    sums = told(5, FALLING)
    _, board = believed(sums)
    for each in sums:
        board.remove(each.title)
    assert board.places.learn(()) and board.places.learned == {}


def test_damaged_bands_do_no_harm() -> None:
    sums = told(6, FALLING)
    cell = sums[0].artworks["a0"]["home"]
    cell.bands = [*cell.bands, 7.0, 8.0, 9.0]
    own, _ = believed(sums)
    assert np.isfinite(own).all()
