"""Encoders by name, alone and side by side."""

from pathlib import Path

import numpy as np
import pytest

from keyart.models.embed import joined, packages
from keyart.models.embed.joined import encode_all
from keyart.models.embed.load import installed, load_space
from keyart.models.embed.static import StaticSpace
from keyart.schemas.errors import ModelRejected, UnknownName
from tests.unit.models.embed.small import write_hugging_face

TEXTS = ["a rocket to the moon", "", "cooking", "a rocket to the moon"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("encoders") / "small"
    write_hugging_face(made, 64)
    return made


def test_side_by_side_is_one_after_the_other(folder: Path) -> None:
    static, small = load_space("static"), load_space(f"minilm:{folder}")
    both = load_space(f"static+llm:{folder}")
    expected = np.hstack([static.encode(TEXTS), small.encode(TEXTS)])
    np.testing.assert_array_equal(both.encode(TEXTS), expected)
    assert both.identity == f"{static.identity}+{small.identity}"
    lengths = np.linalg.norm(small.encode(TEXTS), axis=1)
    np.testing.assert_allclose(lengths, [1.0, 0.0, 1.0, 1.0], atol=1e-5)


def test_each_text_is_encoded_once_whatever_the_order(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joined, "TOLD_EVERY", 2)
    encoder, told = load_space(f"llm:{folder}"), list[tuple[int, int]]()
    found = encode_all(encoder, TEXTS, lambda done, total: told.append((done, total)))
    np.testing.assert_allclose(found, encoder.encode(TEXTS), atol=1e-6)
    assert told == [(0, 3), (2, 3), (3, 3)]


def test_what_there_is_no_such_encoder_of_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "_files", lambda package, ending: [])
    for spec in ("elmo", "style:x", "minilm+elmo", "llm:", ""):
        with pytest.raises(UnknownName):
            load_space(spec)
    with pytest.raises(ModelRejected, match="install its weights"):
        load_space("static+minilm")
    with pytest.raises(ModelRejected, match="needs"):
        load_space(f"llm:{tmp_path}")


def test_the_shipped_one_is_always_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert installed()[0] == "static"
    assert isinstance(load_space("static"), StaticSpace)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert installed() == ("static", "style")
