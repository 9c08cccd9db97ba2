"""Weights in parts, joined and checked; what style counts; which licence is told."""

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from keyart.models.embed.load import installed, licence
from keyart.models.embed.packages import UNTOLD, join, licence_of, licence_of_package
from keyart.models.embed.style import NAMES, StyleSpace, counts
from keyart.schemas.errors import ModelRejected

WEIGHTS = b"weights" * 1000
DIGEST = hashlib.sha256(WEIGHTS).hexdigest()


def parts_of(folder: Path, files: dict[str, bytes], count: int = 5) -> list[Path]:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    whole = held.getvalue()
    size = len(whole) // count + 1
    made = []
    for at in range(count):
        path = folder / f"weights.zip.{at + 1:03d}"
        path.write_bytes(whole[at * size : (at + 1) * size])
        made.append(path)
    return made


def test_parts_are_joined_and_only_what_an_encoder_needs_is_unpacked(tmp_path: Path) -> None:
    files = {
        "m/model.safetensors": WEIGHTS,
        "m/config.json": b"{}",
        "m/1_Pooling/config.json": b"{}",
        "m/desktop.ini": b"x",
        "m/../../escaped.json": b"x",
    }
    join(parts_of(tmp_path, files), tmp_path / "out", weights=DIGEST)
    found = {str(each.relative_to(tmp_path / "out")) for each in (tmp_path / "out").rglob("*")}
    assert found == {"model.safetensors", "config.json", "1_Pooling", "1_Pooling/config.json"}
    assert (tmp_path / "out/model.safetensors").read_bytes() == WEIGHTS
    assert not list(tmp_path.parent.rglob("escaped.json"))


def test_other_weights_or_a_missing_part_are_refused(tmp_path: Path) -> None:
    parts = parts_of(tmp_path, {"m/model.safetensors": WEIGHTS + b"!"})
    with pytest.raises(ModelRejected, match="not those"):
        join(parts, tmp_path / "other", weights=DIGEST)
    with pytest.raises(ModelRejected):
        join(parts[:-1], tmp_path / "torn", weights=DIGEST)


def test_the_licence_is_what_the_folder_says(tmp_path: Path) -> None:
    assert licence_of(tmp_path) == UNTOLD
    (tmp_path / "LICENSE").write_text("\n  Some Licence 1.0\nmore\n")
    assert licence_of(tmp_path) == "Some Licence 1.0"
    (tmp_path / "README.md").write_text("---\nlanguage: en\nlicense: 'gemma'\n---\n# it\n")
    assert licence_of(tmp_path) == "gemma"
    assert licence(f"st:{tmp_path}#query") == licence(f"hf:{tmp_path}") == "gemma"
    assert licence("static").startswith("apache-2.0")
    assert licence("style") == "no weights"
    assert licence_of_package("no-such-package-here") == UNTOLD
    assert "style" in installed()


def test_style_counts_what_it_names() -> None:
    text = '7 Things You "Need", NOW: Why? Because... (really) it\'s over'
    found = dict(zip(NAMES, counts(text), strict=True))
    assert found["characters"] == len(text) / 100
    assert found["words"] == 9 / 20
    assert found["has a digit"] and found["begins with a digit"]
    assert found["asks"] and not found["ends asking"] and not found["exclaims"]
    assert found["has a colon"] and found["quotes"] and found["has an apostrophe"]
    assert found["commas"] == 0.5 and found["trails off"] and found["has a bracket"]
    assert found["share of words in capitals"] == pytest.approx(1 / 9)
    assert found["longest word"] == pytest.approx(7 / 12)
    assert counts("Is it?")[NAMES.index("ends asking")]


def test_style_is_a_space_like_any() -> None:
    space = StyleSpace()
    texts = ["One Two!", "", "  ", "three" * 300]
    found = space.encode(texts)
    assert found.shape == (4, space.dimensions) and found.dtype == np.float32
    assert not found[1:3].any()
    np.testing.assert_array_equal(found[0], space.encode(["One Two!"])[0])
    assert space.encode([]).shape == (0, space.dimensions)
    assert np.isfinite(found).all()
