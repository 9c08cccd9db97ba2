"""A site that proposes nothing never reads its log to count what came of proposals."""

from pathlib import Path

import pytest

from keyart.services.wiring.models import proposes
from keyart.services.wiring.settings import read_settings


@pytest.mark.parametrize("named", [False, True])
def test_a_site_proposes_once_it_has_a_table(
    named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / ("elsewhere" if named else "serendipity")
    monkeypatch.setenv("KEYART_DATA_DIR", str(tmp_path))
    if named:
        monkeypatch.setenv("KEYART_SERENDIPITY_TABLE", str(table))
    settings = read_settings().settings
    assert not proposes(settings)
    table.mkdir()
    (table / "manifest.json").write_text("{}")
    assert proposes(settings)
