"""What housekeeping finds in a log: a prior that is right, one that is not, other policies."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from keyart.models.dataset.influence import Bounds
from keyart.schemas import codec
from keyart.schemas.errors import NotFound
from keyart.schemas.judged import CurvePoint, Judged
from keyart.services.jobs.judging import judge, judged_of
from keyart.streams.memory.site import MemoryRegister
from keyart.streams.site import Note

FACTORS = np.array([1.6, 0.9, 0.5])
LEVEL = 0.2
BOUNDS = Bounds()


def log(
    folder: Path,
    rows: int,
    *,
    said: np.ndarray | None,
    loud: int = 0,
    places: tuple[float, float] | None = None,
) -> Path:
    """Uniform choices among three artworks whose takes are as `FACTORS` say; the prior `said`.

    The last `loud` are of one viewer who takes what the others do not. With `places` a row stands
    at the top or far below, where takes are so many times the average.
    """
    rng = np.random.default_rng(3)
    made: list[dict[str, Any]] = []
    for at in range(rows):
        chosen = int(rng.integers(3))
        row = {
            "id": f"r{at}",
            "viewer": f"{at % (rows // 2 + 1):032x}",
            "title": f"t{at % 5}",
            "artwork": f"a{chosen}",
            "value": float(rng.random() < LEVEL * FACTORS[chosen]),
            "shown_at_ms": 1_700_000_000_000 + at,
            "candidates": ["a0", "a1", "a2"],
            "propensities": [1 / 3] * 3,
            "policy": "uniform",
            "level": LEVEL,
            "prior_factors": None if said is None else said.tolist(),
            "taste_factors": None if said is None else [1.0] * 3,
            "doubts": None if said is None else [0.0] * 3,
        }
        if at >= rows - loud:
            row |= {"viewer": "f" * 32, "value": float(chosen == 2)}
        if places is not None:
            top = rng.random() < (0.8 if chosen == 2 else 0.3)
            factor = LEVEL * FACTORS[chosen] * places[0 if top else 1]
            row |= {"position": 1 if top else 40, "surface": "home"}
            row |= {"value": float(rng.random() < factor)}
        made.append(row)
    folder.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.Table.from_pylist(made), folder / "log.parquet")
    return folder


def test_a_right_prior_gains_and_its_curve_lies_on_the_line(tmp_path: Path) -> None:
    found = judged_of(log(tmp_path, 1500, said=FACTORS), others=(), bounds=BOUNDS, at_ms=5)
    assert found.low is not None and found.low > 0.0
    assert (found.at_ms, found.rewards, found.to_ms) == (5, 1500, 1_700_000_001_499)
    assert len(found.with_prior) == len(found.without_prior) == 8
    assert sum(each.low <= each.expected <= each.high for each in found.with_prior) >= 6
    assert [each.expected for each in found.without_prior] == pytest.approx([LEVEL] * 8)


def test_one_that_is_upside_down_loses(tmp_path: Path) -> None:
    found = judged_of(log(tmp_path, 1500, said=1.0 / FACTORS), others=(), bounds=BOUNDS, at_ms=5)
    assert found.high is not None and found.high < 0.0


def test_policies_that_do_not_serve_are_judged_with_intervals_and_noted(tmp_path: Path) -> None:
    register = MemoryRegister()
    folder = log(tmp_path, 600, said=np.ones(3))
    found = judge(folder, register, others=("lola",), bounds=BOUNDS, clock=lambda: 7)
    data = register.read(Note.JUDGED)
    assert data is not None and codec.unpack(data, Judged) == found
    assert found.gain is None and not found.with_prior, "factors of one say nothing"
    named = {each.policy: each for each in found.policies}
    assert {"lola", "uniform", "first", "popularity"} <= named.keys()
    for each in named.values():
        assert each.low <= each.value <= each.high
        assert each.more_low <= each.more <= each.more_high
    assert named["popularity"].value > named["uniform"].value
    assert abs(named["uniform"].more) < 0.02, "what was logged was uniform"


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    few = judged_of(log(tmp_path / "few", 60, said=None), others=("lola",), bounds=BOUNDS, at_ms=5)
    assert "so far there are 60" in few.waiting
    assert not few.policies and not few.without_prior
    with pytest.raises(NotFound):
        judged_of(tmp_path / "none", others=(), bounds=BOUNDS, at_ms=5)


def test_one_loud_viewer_does_not_say_what_the_prior_and_the_policies_are_worth(
    tmp_path: Path,
) -> None:
    folder = log(tmp_path, 2400, said=FACTORS, loud=800)
    bounded = judged_of(folder, others=("lola",), bounds=BOUNDS, at_ms=5)
    free = judged_of(
        folder,
        others=("lola",),
        bounds=Bounds(viewer_share=1.0, hour_share=1.0, hold_bursts=False),
        at_ms=5,
    )
    assert free.gain is not None and free.gain < 0.0, "a third of the log says the opposite"
    assert bounded.low is not None and bounded.low > 0.0
    assert bounded.logged - 0.2 < 0.05 < free.logged - 0.2
    near = [each.value for each in bounded.policies if each.policy == "uniform"]
    assert abs(near[0] - 0.2) < 0.05


def test_what_stood_at_the_top_is_expected_to_be_taken_more_there(tmp_path: Path) -> None:
    """The weak artwork stands at the top: as at its place a right prior lies on the line."""
    folder = log(tmp_path, 6000, said=FACTORS, places=(1.6, 0.5))
    found = judged_of(folder, others=(), bounds=BOUNDS, at_ms=5)
    flat = judged_of(folder, others=(), bounds=Bounds(positions=False), at_ms=5)

    def off(bins: Sequence[CurvePoint]) -> float:
        return sum(abs(each.observed / each.expected - 1.0) for each in bins) / len(bins)

    assert off(found.with_prior) < 0.15 < 0.2 < off(flat.with_prior)
