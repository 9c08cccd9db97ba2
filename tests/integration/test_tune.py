"""`keyart tune` on a site's own log: what it prints, and that it reads what serves."""

import json
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner

from keyart.services.cli.main import app
from keyart.services.cli.main import main as keyart
from tests.integration.prior_site import opened
from tests.integration.test_priors import learn, reward


@pytest.fixture
def site(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rng = random.Random(5)
    with opened(data_dir) as parts:
        learn(parts, [reward(at, rng) for at in range(2000)])
    monkeypatch.setenv("KEYART_DATA_DIR", str(data_dir))
    return data_dir


def test_the_sites_own_log_is_asked_and_figures_are_written(site: Path, tmp_path: Path) -> None:
    out = tmp_path / "tuned.json"
    ran = CliRunner().invoke(app, ["tune", "--json", str(out)])
    assert ran.exit_code == 0, ran.output
    found = json.loads(out.read_text())
    assert found["rows"] == 2000 and found["policy"] == "optimistic"
    assert found["options"] == "c=0.6,s=0.12" and found["explore_share"] == 0.05
    names = {each["option"] for each in found["looked"]}
    assert {"s=0.24", "explore_share=0.1", "policy=thompson"} <= names
    assert found["says"] in " ".join(ran.output.split())
    proposed = [each for each in found["looked"] if each["outcome"] == "proposed"]
    assert (found["proposed"] == "") == (not proposed)


def test_what_cannot_be_asked_is_one_line(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KEYART_POLICY", "linucb")
    with pytest.raises(SystemExit):
        keyart(["tune"])
    assert "linucb reads features of every candidate" in capsys.readouterr().err
