"""What housekeeping finds in a log: a prior that is right, one that is not, other policies."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from keyart.schemas import codec
from keyart.schemas.errors import NotFound
from keyart.schemas.judged import Judged
from keyart.services.jobs.judging import judge, judged_of
from keyart.streams.memory.site import MemoryRegister
from keyart.streams.site import Note

FACTORS = np.array([1.6, 0.9, 0.5])
LEVEL = 0.2


def log(folder: Path, rows: int, *, said: np.ndarray | None) -> Path:
    """Uniform choices among three artworks whose takes are as `FACTORS` say; the prior `said`."""
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
        made.append(row)
    folder.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.Table.from_pylist(made), folder / "log.parquet")
    return folder


def test_a_right_prior_gains_and_its_curve_lies_on_the_line(tmp_path: Path) -> None:
    found = judged_of(log(tmp_path, 1500, said=FACTORS), others=(), at_ms=5)
    assert found.low is not None and found.low > 0.0
    assert (found.at_ms, found.rewards, found.to_ms) == (5, 1500, 1_700_000_001_499)
    assert len(found.with_prior) == len(found.without_prior) == 8
    assert sum(each.low <= each.expected <= each.high for each in found.with_prior) >= 6
    assert [each.expected for each in found.without_prior] == pytest.approx([LEVEL] * 8)


def test_one_that_is_upside_down_loses(tmp_path: Path) -> None:
    found = judged_of(log(tmp_path, 1500, said=1.0 / FACTORS), others=(), at_ms=5)
    assert found.high is not None and found.high < 0.0


def test_policies_that_do_not_serve_are_judged_with_intervals_and_noted(tmp_path: Path) -> None:
    register = MemoryRegister()
    folder = log(tmp_path, 600, said=np.ones(3))
    found = judge(folder, register, others=("lola",), clock=lambda: 7)
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
    few = judged_of(log(tmp_path / "few", 60, said=None), others=("lola",), at_ms=5)
    assert "so far there are 60" in few.waiting
    assert not few.policies and not few.without_prior
    with pytest.raises(NotFound):
        judged_of(tmp_path / "none", others=(), at_ms=5)
