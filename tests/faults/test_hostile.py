"""One short round of `make hostile`, without kills, so that the command cannot rot."""

from pathlib import Path

import pytest

from tests.hostile.run import REQUESTS, Run


@pytest.mark.timeout(600)
def test_a_short_hostile_round_finds_nothing(tmp_path: Path, free_port: int) -> None:
    run = Run(tmp_path, free_port, seconds=0, size=0.1, with_kills=False)
    assert run.go() == []
    assert all(run.tallies[name].requests for name in REQUESTS)
    assert run.tallies["the honest load"].requests > 10
