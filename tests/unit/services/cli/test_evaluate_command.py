"""`keyart evaluate creatives` from end to end on a small table."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from keyart.models.ope.headlines import texts
from keyart.schemas.errors import KeyartError, SettingsError, UnknownName
from keyart.services.cli.evaluate import app

WORDS = ("secret", "boring", "wonder", "table", "river", "stone")


def table(path: Path, *, seed: int, tests: int = 40) -> Path:
    rng = np.random.default_rng(seed)
    lines = ["test,text,impressions,clicks"]
    for test in range(tests):
        for word in rng.choice(WORDS, 3, replace=False):
            rate = 0.06 if word == "secret" else 0.03
            lines.append(f"t{test},the {word} of it,2000,{rng.binomial(2000, rate)}")
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return table(tmp_path / "a.csv", seed=0), table(tmp_path / "b.csv", seed=1)


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["creatives", *map(str, arguments)])
    if isinstance(result.exception, KeyartError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_figures_are_printed_and_written(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "installed", lambda: ("static",))  # whatever weights are here
    train, test = files
    out = tmp_path / "out.json"
    text = run(
        "--train", train, "--test", test, "--tau", "10,20", "--replications", 1, "--json", out
    )
    assert "top-1, static" in text
    report = json.loads(out.read_text())
    assert set(report) == {"tests", "top1", "rows", "contrasts"}
    assert "per cent, paired" in text
    assert {each["tau"] for each in report["contrasts"]} == {10, 20, 0}
    assert report["tests"] == 40
    assert report["top1"]["static"] > report["top1"]["random"]
    assert set(report["rows"][0]) == {
        "policy",
        "prior",
        "tau",
        "clicks_per_impression",
        "over_ucb",
        "low",
        "high",
    }
    shown = {(row["policy"], row["prior"]) for row in report["rows"]}
    for policy in ("lola-paper", "prior-only", "keyart"):
        assert {(policy, kind) for kind in ("right", "shuffled", "inverted", "none")} <= shown
    assert {("ucb", "none"), ("thompson-paper", "none")} <= shown


def test_one_file_is_split_by_time(files: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    run("--train", files[0], "--prior", "none", "--tau", "5", "--replications", 1, "--json", out)
    report = json.loads(out.read_text())
    assert report["tests"] == 12
    assert {row["prior"] for row in report["rows"]} == {"none"}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--prior", "guess"), UnknownName),
        (("--prior", "llm:"), UnknownName),
        (("--truth", "wished", "--prior", "none"), UnknownName),
        (("--tau", "ten"), SettingsError),
        (("--split", "1.5"), SettingsError),
        (("--json", "/no/such/folder/out.json"), SettingsError),
    ],
)
def test_wrong_options_are_named(
    files: tuple[Path, Path], arguments: tuple[str, ...], error: type[KeyartError]
) -> None:
    with pytest.raises(error):
        run("--train", files[0], *arguments)


def test_priors_are_judged_by_themselves(files: tuple[Path, Path], tmp_path: Path) -> None:
    train, test = files
    out = tmp_path / "figures.json"
    given = ["--train", train, "--test", test, "--prior", "static", "--prior", "none"]
    result = CliRunner().invoke(app, ["priors", *map(str, given), "--json", str(out)])
    assert result.exit_code == 0, result.output
    found = json.loads(out.read_bytes())
    assert [each["prior"] for each in found["priors"]] == ["static", "none"]
    static, none = found["priors"]
    assert none["rank"]["estimate"] == 0.0
    assert static["top1_over"]["estimate"] == 0.0
    over = none["top1"]["estimate"] - static["top1"]["estimate"]
    assert none["top1_over"]["estimate"] == pytest.approx(over)
    left = ["--train", train, "--test", test, "--prior", "static", "--without", test]
    assert CliRunner().invoke(app, ["priors", *map(str, left)]).exit_code != 0
