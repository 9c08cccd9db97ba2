"""`keyart catalogue load` into a real store."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from keyart.schemas.catalogue import Artwork
from keyart.services.cli.catalogue import app
from keyart.services.wiring.settings import read_settings
from tests.opened import Opened


def test_the_command_writes_to_the_store(
    tmp_path: Path, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEYART_REDIS_URL", valkey_url)
    monkeypatch.setenv("KEYART_TOPIC_PREFIX", "catalogue-file.")
    lines = (
        {"id": "t1", "name": "One", "artworks": [{"id": "a", "image": "/a.jpg"}, {"id": "b"}]},
        {"id": "t2", "artworks": [{"id": "c", "description": "a lighthouse"}]},
    )
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    result = CliRunner().invoke(app, ["load", str(path)])
    assert result.exit_code == 0, result.output
    assert "2 titles with 3 artworks" in result.output
    catalogue = Opened(read_settings().settings).catalogue
    stored = {name: catalogue.get(name) for name in ("t1", "t2")}
    assert stored["t1"].choosable == (Artwork(id="a", image="/a.jpg"), Artwork(id="b"))
    assert stored["t2"].choosable == (Artwork(id="c", description="a lighthouse"),)
