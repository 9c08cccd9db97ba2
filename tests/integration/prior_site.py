"""A small site whose titles have one good and one bad artwork, and opinions about them."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.priors import Opinion
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.settings import Settings
from tests.opened import Opened

GOOD = ("rockets to the moon", "astronauts in space", "a new planet", "stars and galaxies")
BAD = ("filing tax forms", "an office printer", "parking rules", "a tax audit")


def titles() -> list[Title]:
    """Return forty titles of two artworks, `a` the better one."""
    rng = random.Random(3)
    return [
        Title(
            id=f"t{at}",
            name=f"title {at}",
            artworks=(
                Artwork(id="a", description=f"{rng.choice(GOOD)} {at}"),
                Artwork(id="b", description=f"{rng.choice(BAD)} {at}"),
            ),
        )
        for at in range(40)
    ]


@contextmanager
def opened(folder: Path) -> Iterator[Opened]:
    """Open a site with these titles on default settings, its embedded server up meanwhile."""
    with Opened(Settings(data_dir=str(folder))) as made:
        made.catalogue.put(titles(), now_ms=now_ms())
        yield made


def sure(prior: str, sign: float) -> list[Opinion]:
    """Return opinions of all titles that no evidence of a test outweighs: `a` for a sign of 1."""
    return [
        Opinion(
            title=title.id,
            artworks=("a", "b"),
            relative=(sign, -sign),
            strength=10_000.0,
            prior=prior,
        )
        for title in titles()
    ]


def written(path: Path, opinions: list[Opinion]) -> Path:
    path.write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in opinions))
    return path


def said(prior: str, relative: float = 0.3, *, title: str = "t1", segment: str = "") -> Opinion:
    return Opinion(
        title=title,
        artworks=("a", "b"),
        relative=(relative, -relative),
        strength=50.0,
        prior=prior,
        segment=segment,
    )
