"""`keyart serendipity build` and `show`."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from keyart.models.serendipity.table import read_table
from keyart.schemas.errors import NotFound, SettingsError, UnknownName
from keyart.services.cli.serendipity import app
from tests.unit.services.test_evaluate_serendipity import folder


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_build_and_show(tmp_path: Path) -> None:
    train, table = folder(tmp_path / "train", range(80)), tmp_path / "table"
    said = run("build", table, "--train", train, "--clusters", 12)
    assert "132 pairs of 12 clusters by blend" in said and "100 % of titles covered" in said
    # every eighth viewer judges factors that the others taught; the table's own are of all
    held = read_table(table)
    assert held.factors is not None and len(held.factors.titles) == len(held.titles)
    grounds = held.manifest.grounds
    assert grounds.viewers > 0 and f"titles by {grounds.by}: on {grounds.viewers} viewers" in said
    names = [line.split("  (")[0].strip() for line in run("show", table).splitlines()[1:]]
    assert len(set(names)) == 12
    of = {int(name.split(",")[0].strip("aglsot")): name for name in names}
    proposed = run("show", table, "--first", of[0], "--second", of[3]).splitlines()[1:]
    assert proposed[0].strip() in {of[9], of[2], of[4], of[5]}
    assert of[9] in [line.strip() for line in proposed[:4]]
    with pytest.raises(NotFound, match="no cluster is called 'none'"):
        run("show", table, "--first", of[0], "--second", "none")
    with pytest.raises(SettingsError):
        run("show", table, "--first", of[0])
    with pytest.raises(UnknownName):
        run("build", table, "--train", train, "--planner", "oracle")
