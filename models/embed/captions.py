"""Artwork descriptions from images: a captioner by model name, batched, cached by digest."""

import hashlib
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.errors import InvalidRecord, MissingExtra, NotFound

MAX_IMAGE_BYTES: Final = 20_000_000
MAX_PIXELS: Final = 50_000_000
SIDE: Final = 1024


class Captioner(Protocol):
    """Says in words what images show."""

    @property
    def name(self) -> str:
        """What made the captions; part of the cache's key."""
        ...

    def caption(self, images: Sequence[Any]) -> list[str]:
        """Return one caption for each RGB image of Pillow."""
        ...


class HuggingFaceCaptioner:
    """Any Hugging Face image-to-text model, by name or folder.

    Raises
    ------
    MissingExtra
        Transformers or Pillow is not installed.
    NotFound
        No such model, or it is none that reads images.
    """

    def __init__(self, model: str, *, tokens: int = 64, device: str = "cpu") -> None:
        try:
            import torch
            from transformers import AutoModelForImageTextToText, AutoTokenizer
        except ImportError:
            raise MissingExtra("llm", "captioning images") from None
        try:
            model_read: Any = AutoModelForImageTextToText.from_pretrained(
                model, use_safetensors=True, dtype=torch.float32
            )
            self._images = _image_processor(model)
            self._tokenizer: Any = AutoTokenizer.from_pretrained(model)
        except (OSError, ValueError, KeyError) as wrong:
            raise NotFound(f"no image-to-text model {model}: {wrong}") from None
        self._model = model_read.to(device).eval()
        self._tokens = tokens
        self._device = device
        self.name = model

    def caption(self, images: Sequence[Any]) -> list[str]:
        """Return one caption for each image, greedily."""
        import torch

        pixels = self._images(list(images), return_tensors="pt")["pixel_values"]
        with torch.inference_mode():
            said = self._model.generate(
                pixel_values=pixels.to(self._device),
                max_new_tokens=self._tokens,
                do_sample=False,
            )
        texts: list[str] = self._tokenizer.batch_decode(said, skip_special_tokens=True)
        return [" ".join(text.split()) for text in texts]


def _image_processor(model: str) -> Any:
    """Return the model's image processor on Pillow.

    `AutoImageProcessor` insists on torchvision, which keyart does without: a build that does not
    match torch takes transformers down.
    """
    import transformers
    from transformers.image_processing_utils import BaseImageProcessor

    config, _ = BaseImageProcessor.get_image_processor_dict(model)
    name = str(config.get("image_processor_type", "")).removesuffix("Fast").removesuffix("Pil")
    kind = getattr(transformers, f"{name}Pil", None) if name.isidentifier() else None
    if kind is None or not issubclass(kind, BaseImageProcessor):
        raise ValueError(f"its image processor {name or '(none)'} has no version for Pillow")
    return kind.from_pretrained(model)


def open_image(data: bytes) -> Any:
    """Return the image as RGB, its longer side at most `SIDE`.

    Raises
    ------
    InvalidRecord
        No image, or one beyond the bounds (20 MB, 50 million pixels).
    """
    from PIL import Image, UnidentifiedImageError

    if len(data) > MAX_IMAGE_BYTES:
        raise InvalidRecord(f"an image is at most {MAX_IMAGE_BYTES} bytes")
    try:
        with Image.open(io.BytesIO(data)) as image:
            # The size is read from the header: nothing is unpacked yet.
            if image.width * image.height > MAX_PIXELS:
                raise InvalidRecord(f"an image is at most {MAX_PIXELS} pixels")
            image.draft("RGB", (SIDE, SIDE))
            whole = image.convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as wrong:
        raise InvalidRecord(f"not an image that can be read: {wrong}") from None
    whole.thumbnail((SIDE, SIDE))
    return whole


class CaptionCache:
    """Captions by captioner and image digest, in a JSON Lines file that only grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, str] = {}
        if path.is_file():
            for line in path.read_bytes().splitlines():
                try:
                    key, caption = msgspec.json.decode(line, type=tuple[str, str])
                except msgspec.DecodeError:
                    continue  # A run that was stopped left half a line; it is captioned again.
                self._known[key] = caption

    @staticmethod
    def key(captioner: str, data: bytes) -> str:
        """Return the key of an image's caption by this captioner."""
        found = hashlib.blake2b(captioner.encode() + b"\0", digest_size=16)
        found.update(data)
        return found.hexdigest()

    def get(self, key: str) -> str | None:
        """Return the caption, None when there is none yet."""
        return self._known.get(key)

    def add(self, captions: Iterable[tuple[str, str]]) -> None:
        """Keep these (key, caption), on disk before this returns."""
        with self._path.open("ab") as out:
            for key, caption in captions:
                self._known[key] = caption
                out.write(msgspec.json.encode((key, caption)) + b"\n")


class CaptionReport(msgspec.Struct, frozen=True, kw_only=True):
    """Artworks captioned anew, from the cache, described already, and unreadable by artwork id."""

    captioned: int
    cached: int
    described: int
    unreadable: dict[str, str]


def caption_catalogue(
    titles: Sequence[Title],
    images: Path,
    captioner: Captioner,
    cache: CaptionCache,
    *,
    batch: int = 8,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> tuple[list[Title], CaptionReport]:
    """Return the titles with every artwork described, and what was done.

    Artworks that have a description keep it. An image reference is a path inside `images`; any
    other one (an address, a path that leads out of the folder) is unreadable.
    """
    wanted = [
        (title.id, artwork)
        for title in titles
        for artwork in title.artworks
        if not artwork.description
    ]
    total = sum(len(title.artworks) for title in titles)
    unreadable: dict[str, str] = {}
    found: dict[tuple[str, str], str] = {}
    new = 0
    for start in range(0, len(wanted), batch):
        progress(start, len(wanted))
        fresh: list[tuple[tuple[str, str], str, Any]] = []
        for title, artwork in wanted[start : start + batch]:
            place = (title, artwork.id)
            try:
                data = _read(images, artwork)
                key = cache.key(captioner.name, data)
                known = cache.get(key)
                if known is None:
                    fresh.append((place, key, open_image(data)))
                else:
                    found[place] = known
            except InvalidRecord as wrong:
                unreadable[f"{title}/{artwork.id}"] = wrong.message
        if fresh:
            captions = captioner.caption([image for _, _, image in fresh])
            cache.add((key, text) for (_, key, _), text in zip(fresh, captions, strict=True))
            found.update({each[0]: text for each, text in zip(fresh, captions, strict=True)})
            new += len(fresh)
    progress(len(wanted), len(wanted))
    report = CaptionReport(
        captioned=new,
        cached=len(found) - new,
        described=total - len(wanted),
        unreadable=unreadable,
    )
    return [_described(title, found) for title in titles], report


def _read(images: Path, artwork: Artwork) -> bytes:
    root = images.resolve()
    path = (root / artwork.image).resolve()
    if not artwork.image or not path.is_relative_to(root) or not path.is_file():
        raise InvalidRecord("no such image in the folder")
    if path.stat().st_size > MAX_IMAGE_BYTES:
        raise InvalidRecord(f"an image is at most {MAX_IMAGE_BYTES} bytes")
    return path.read_bytes()


def _described(title: Title, captions: dict[tuple[str, str], str]) -> Title:
    artworks = tuple(
        msgspec.structs.replace(artwork, description=captions[title.id, artwork.id])
        if (title.id, artwork.id) in captions
        else artwork
        for artwork in title.artworks
    )
    return msgspec.structs.replace(title, artworks=artworks)
