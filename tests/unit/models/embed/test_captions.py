"""Captions by a small image-to-text model made here, cached by digest, bounded."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from keyart.models.embed.captions import (
    CaptionCache,
    HuggingFaceCaptioner,
    caption_catalogue,
    open_image,
)
from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.errors import InvalidRecord, NotFound


def png(colour: str, size: tuple[int, int] = (40, 30)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


class Counting:
    """Names the colour of the first pixel, and counts the batches."""

    name = "counting"

    def __init__(self) -> None:
        self.batches: list[int] = []

    def caption(self, images: Sequence[Any]) -> list[str]:
        self.batches.append(len(images))
        return [f"colour {image.getpixel((0, 0))}" for image in images]


@pytest.fixture
def site(tmp_path: Path) -> tuple[list[Title], Path]:
    images = tmp_path / "images"
    images.mkdir()
    (tmp_path / "secret.png").write_bytes(png("white"))
    for at, colour in enumerate(["red", "green", "blue"]):
        (images / f"{at}.png").write_bytes(png(colour))
    (images / "bad.png").write_bytes(b"no image")
    artworks = [Artwork(id=f"a{at}", image=f"{at}.png") for at in range(3)]
    artworks += [
        Artwork(id="said", image="0.png", description="has words"),
        Artwork(id="bad", image="bad.png"),
        Artwork(id="out", image="../secret.png"),
        Artwork(id="web", image="https://example.org/x.png"),
    ]
    return [Title(id="t", artworks=tuple(artworks))], images


def test_every_image_is_captioned_once(site: Any, tmp_path: Path) -> None:
    titles, images = site
    path = tmp_path / "cache.jsonl"
    captioner = Counting()
    described, report = caption_catalogue(titles, images, captioner, CaptionCache(path), batch=2)
    assert (report.captioned, report.cached, report.described) == (3, 0, 1)
    assert set(report.unreadable) == {"t/bad", "t/out", "t/web"}
    words = {artwork.id: artwork.description for artwork in described[0].artworks}
    assert words["a0"] == "colour (255, 0, 0)"
    assert words["said"] == "has words"
    assert words["out"] == ""
    with path.open("ab") as out:
        out.write(b'["half a')
    _, report = caption_catalogue(titles, images, captioner, CaptionCache(path))
    assert (report.captioned, report.cached) == (0, 3)
    assert sum(captioner.batches) == 3


def test_images_beyond_the_bounds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyart.models.embed.captions.MAX_PIXELS", 1000)
    with pytest.raises(InvalidRecord, match="pixels"):
        open_image(png("red"))
    monkeypatch.setattr("keyart.models.embed.captions.MAX_IMAGE_BYTES", 10)
    with pytest.raises(InvalidRecord, match="bytes"):
        open_image(png("red"))


def test_large_images_are_shrunk() -> None:
    assert max(open_image(png("red", (3000, 100))).size) == 1024


@pytest.fixture
def captioner_folder(tokenizer: Any, tmp_path: Path) -> Path:
    from transformers import (
        GPT2Config,
        VisionEncoderDecoderConfig,
        VisionEncoderDecoderModel,
        ViTConfig,
        ViTImageProcessorPil,
    )

    encoder = ViTConfig(
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=32,
        patch_size=16,
    )
    decoder = GPT2Config(vocab_size=len(tokenizer), n_embd=32, n_layer=1, n_head=2, n_positions=64)
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(encoder, decoder)
    config.decoder_start_token_id = tokenizer.eos_token_id
    config.pad_token_id = tokenizer.pad_token_id
    config.eos_token_id = tokenizer.eos_token_id
    make: Any = VisionEncoderDecoderModel
    model = make(config=config)
    model.generation_config.decoder_start_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.bos_token_id = tokenizer.eos_token_id
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    images: Any = ViTImageProcessorPil
    images(size={"height": 32, "width": 32}).save_pretrained(tmp_path)
    return tmp_path


def test_a_model_captions_in_batches_as_one_by_one(captioner_folder: Path) -> None:
    captioner = HuggingFaceCaptioner(str(captioner_folder), tokens=6)
    images = [open_image(png(colour)) for colour in ("red", "green", "blue")]
    together = captioner.caption(images)
    assert len(together) == 3
    assert together == [captioner.caption([image])[0] for image in images]


def test_no_such_captioner(model_folder: Path) -> None:
    with pytest.raises(NotFound):
        HuggingFaceCaptioner(str(model_folder))
