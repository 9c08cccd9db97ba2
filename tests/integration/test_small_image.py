"""keyart with the modules that its small image has, and no more: every process, every round."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyart.services.jobs.how_it_goes import how_it_goes
from tests.integration.prior_site import opened
from tests.integration.test_priors import learn, reward
from tests.opened import Opened
from tests.small_image import ROOT, SmallImage, left_out

RUNS = ("services/api", "services/page", "services/processes", "services/wiring", "streams")
"""Rooms that a process of the image imports whole."""
JOBS = ("jobs/priors", "jobs/retrain", "jobs/serendipity", "cli")
ROUND = """
import sys
from keyart.services.processes.housekeeping import keep_house
from keyart.services.wiring.settings import read_settings
print(keep_house(read_settings().settings))
"""
DUE = """
from keyart.schemas.errors import KeyartError
from keyart.services.processes.retrainer import RETRAIN, NowAndThen

often = NowAndThen(RETRAIN, wanted=True)
often.look()
often._child.process.wait()
try:
    often.look()
except KeyartError as failed:
    print(failed)
"""
IMPORTS = """
import importlib
for name in NAMES:
    importlib.import_module(name)
    print(name)
"""


@pytest.fixture
def image(tmp_path: Path, data_dir: Path) -> SmallImage:
    own = {name: value for name, value in os.environ.items() if not name.startswith("KEYART_")}
    (tmp_path / "hidden").mkdir()
    return SmallImage(tmp_path / "hidden", own | {"KEYART_DATA_DIR": str(data_dir)})


@pytest.fixture
def site(data_dir: Path) -> Iterator[Opened]:
    with opened(data_dir) as made:
        yield made


def modules() -> list[str]:
    rooms = [*RUNS, *(f"services/{job}" for job in JOBS)]
    paths = [path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths]
    return [f"keyart.{name.removesuffix('.__init__')}" for name in names]


def test_what_is_left_out_is_read_from_what_builds_the_image() -> None:
    hidden = left_out()
    assert {"polars", "faker", "polyfactory", "onnx", "onnxruntime", "torch", "pandas"} <= hidden
    assert "pyarrow._flight" in hidden
    assert not hidden & {"pyarrow", "keyart", "numpy", "faust", "litestar", "redis"}


def test_what_is_left_out_cannot_be_imported(image: SmallImage) -> None:
    for name in ("polars", "onnxruntime", "pyarrow._flight"):
        said = image.run("-c", f"import {name}").stderr
        assert said.rstrip().endswith(f"ModuleNotFoundError: No module named {name!r}")


def test_every_process_of_the_image_imports_what_it_runs(image: SmallImage) -> None:
    names = modules()
    assert "keyart.services.wiring.priors" in names
    done = image.run("-c", IMPORTS.replace("NAMES", repr(names)))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == names


def test_a_round_fails_in_nothing_and_follows_a_prior(image: SmallImage, site: Opened) -> None:
    rng = random.Random(5)
    learn(site, [reward(at, rng) for at in range(3000)])
    fitted = site.fitting.fit(encoders="space").version
    # as another machine moves it: the store hears of it by the next round
    site.registry.promote(fitted, by="elsewhere", why="")
    assert site.opinions.current == "neutral"
    done = image.run("-c", ROUND)
    assert done.returncode == 0, done.stderr
    house = how_it_goes(site.register)
    assert house is not None
    assert (house.failures, house.reason) == (0, "")
    assert house.done_ms > 0
    assert site.opinions.current == fitted
    assert len(list(site.opinions.titles(fitted))) == 40


def says_where(line: str) -> bool:
    return "needs polars, which this image leaves out" in line and "EXTRAS=kafka-onnx" in line


def test_a_retraining_there_is_one_line_that_says_where(image: SmallImage, site: Opened) -> None:
    done = image.keyart("retrain")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("keyart: retraining ") and says_where(line)
    assert not list(site.data_dir.glob("retrain/*")), "a job that another one would take up"


def test_any_other_command_that_needs_it_says_the_same(image: SmallImage) -> None:
    done = image.keyart("demo", "--decisions", "1")
    assert done.returncode == 1
    assert says_where(done.stderr.splitlines()[-1])


def test_a_retraining_that_is_due_is_a_failure_that_is_told(
    image: SmallImage, site: Opened
) -> None:
    """Asked for by a setting, and not to be done here: the operator reads which image has it."""
    done = image.run("-c", DUE)
    assert done.returncode == 0, done.stderr
    assert says_where(done.stdout)
