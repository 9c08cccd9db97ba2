"""The shipped space: shape, length, bits, bounds and identity."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from model2vec import StaticModel

from keyart.models.embed import Space, load_space
from keyart.models.embed.protocol import MAX_CHARACTERS
from keyart.models.embed.static import FILES, SHIPPED, StaticSpace
from keyart.schemas.errors import ModelRejected, UnknownName

TEXTS = [
    "What A Cheery 13-Year-Old Girl Said To Matt Damon Devastated Him",
    "A rocket leaves for the moon",
    "Ünïcödé, emoji 🚀 and 漢字",
    "",
    "one",
    "The astronauts' last day before the launch",
]


@pytest.fixture(scope="module")
def space() -> StaticSpace:
    return StaticSpace()


def test_it_is_a_space_of_128_unit_rows(space: StaticSpace) -> None:
    assert isinstance(space, Space)
    vectors = space.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), 128) == (len(TEXTS), space.dimensions)
    assert vectors.dtype == np.float32
    known = [at for at, text in enumerate(TEXTS) if text]
    np.testing.assert_allclose(np.linalg.norm(vectors[known], axis=1), 1, atol=1e-6)


def test_a_text_with_nothing_in_it_is_the_zero_vector(space: StaticSpace) -> None:
    assert not space.encode(["", "  ", "\n"]).any()
    assert space.encode([]).shape == (0, 128)


def test_alone_or_in_a_batch_the_bits_are_the_same(space: StaticSpace) -> None:
    together = space.encode(TEXTS * 40)
    alone = np.concatenate([space.encode([text]) for text in TEXTS])
    np.testing.assert_array_equal(together, np.tile(alone, (40, 1)))


def test_threads_see_the_same_bits(space: StaticSpace) -> None:
    expected = space.encode(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(space.encode, [TEXTS] * 40):
            np.testing.assert_array_equal(vectors, expected)


def test_it_agrees_with_model2vec(space: StaticSpace) -> None:
    oracle = StaticModel.from_pretrained(SHIPPED).encode(TEXTS)
    np.testing.assert_allclose(space.encode(TEXTS), oracle, atol=1e-6)


def test_what_is_read_of_a_text_is_bounded(space: StaticSpace) -> None:
    start = "space " * 800
    both = space.encode([start[:MAX_CHARACTERS] + "cooking " * 200_000, start[:MAX_CHARACTERS]])
    np.testing.assert_array_equal(both[0], both[1])


def test_like_is_near_like(space: StaticSpace) -> None:
    vectors = space.encode(["a rocket launch", "astronauts in orbit", "a recipe for apple cake"])
    similar = vectors @ vectors.T
    assert similar[0, 1] > similar[0, 2] + 0.2
    leading = vectors[:, :64]
    leading = leading / np.linalg.norm(leading, axis=1, keepdims=True)
    assert (leading @ leading.T)[0, 1] > (leading @ leading.T)[0, 2] + 0.2


def test_the_identity_follows_weights_tokeniser_and_configuration(
    tmp_path: Path, space: StaticSpace
) -> None:
    seen = {space.identity}
    assert len(space.identity) == 16
    for name in FILES:
        folder = tmp_path / name
        shutil.copytree(SHIPPED, folder)
        assert StaticSpace(folder).identity == space.identity
        content = bytearray((folder / name).read_bytes())
        if name == "model.safetensors":
            content[-1] ^= 1
        else:
            content += b"\n"
        (folder / name).write_bytes(content)
        seen.add(StaticSpace(folder).identity)
    assert len(seen) == 1 + len(FILES)


def test_it_is_at_most_8_mb() -> None:
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) <= 8_000_000


def test_specs() -> None:
    assert load_space("static").identity == load_space(f"static:{SHIPPED}").identity
    for spec in ("", "hf:", "word2vec", "Static", "file:/x"):
        with pytest.raises(UnknownName, match="static, style, minilm"):
            load_space(spec)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelRejected, match=r"model\.safetensors"):
        StaticSpace(tmp_path)


def test_the_shipped_one_is_loaded_once_and_any_other_each_time() -> None:
    assert load_space("static") is load_space("static")
    assert load_space(f"static:{SHIPPED}") is not load_space(f"static:{SHIPPED}")
