"""The demo's world: real titles from the Upworthy archive, and an audience with invented tastes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from safetensors.numpy import load_file

from keyart.models.embed import Concepts, Space
from keyart.models.simulate import Audience, Catalogue, draw_tastes, shrunk_appeal
from keyart.schemas.catalogue import Artwork, Title

SAID_PLAINLY: Final = (
    "Titles, headlines and click-through levels are real (Upworthy Research Archive, CC BY 4.0); "
    "the audience's tastes are simulated."
)
DATA: Final = Path(__file__).with_name("data")
VIEWERS: Final = 300
SHARED_VIEW: Final = 0.5
"""How much of what the audience sees in an artwork lies in keyart's embedding space at all."""
QUIRK: Final = 0.3
"""Length of the random part of what the audience sees in each artwork; no text tells of it."""

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the demo plays with.

    Attributes
    ----------
    titles
        T titles, as a site would hand them over.
    audience
        Who looks, and the truth about what they take.
    viewers
        V ids, by the audience's row.
    interests
        V tuples of interest names: the truth about each viewer, for people to read.
    """

    titles: tuple[Title, ...]
    audience: Audience
    viewers: tuple[str, ...]
    interests: tuple[tuple[str, ...], ...]


def read_titles() -> tuple[tuple[Title, ...], pl.DataFrame]:
    """Return the demo's titles, and the table with a row for each of their artworks, in order."""
    table = pl.read_parquet(DATA / "titles.parquet")
    titles = []
    for (title, name), rows in table.group_by("title", "name", maintain_order=True):
        artworks = tuple(
            Artwork(
                id=row["artwork"],
                image=f"keyart:poster/{title}/{row['artwork']}",
                description=row["headline"],
            )
            for row in rows.iter_rows(named=True)
        )
        titles.append(Title(id=str(title), name=str(name), group="upworthy", artworks=artworks))
    return tuple(titles), table


def make_world(space: Space, *, seed: int, viewers: int = VIEWERS) -> World:
    """Return the world of one seed.

    The audience judges headlines half by the embedding space (all its dimensions; keyart's taste
    uses half of them) and half by a full sentence encoder that keyart does not have, both blurred
    by a quirk of each artwork. Interests are drawn around those named ones that the catalogue is
    about. So keyart's view of a taste can be good and is never right.

    Parameters
    ----------
    space
        The shipped space: the other half of the judgement was computed for these texts.
    seed
        Of everything random.
    viewers
        How many, V.
    """
    titles, table = read_titles()
    concepts = Concepts(space)
    judged = load_file(DATA / "judgement.safetensors")
    seen = _blend(space.encode(table["headline"].to_list()), judged["artworks"])
    named = _blend(concepts.vectors, judged["concepts"])
    about = np.unique((seen @ named.T).argmax(axis=1))
    rng = np.random.default_rng([seed, 1])
    tastes = draw_tastes(rng=rng, viewers=viewers, concepts=named[about])
    quirk = rng.normal(size=seen.shape)
    quirk *= QUIRK / np.linalg.norm(quirk, axis=1, keepdims=True)
    sizes = [len(title.artworks) for title in titles]
    catalogue = Catalogue(starts=np.concatenate([[0], np.cumsum(sizes)]))
    appeal = shrunk_appeal(
        table["impressions"].to_numpy(), table["clicks"].to_numpy(), catalogue.title_of
    )
    audience = Audience(
        catalogue=catalogue, appeal=appeal, tastes=tastes, artworks=_unit(seen + quirk)
    )
    interests = tuple(
        tuple(concepts.names[about[at]] for at in row[strength > 0])
        for row, strength in zip(tastes.concepts, tastes.strengths, strict=True)
    )
    return World(
        titles=titles,
        audience=audience,
        viewers=tuple(f"viewer-{seed}-{at}" for at in range(viewers)),
        interests=interests,
    )


def _blend(inside: NDArray[np.float32], outside: NDArray[np.int8]) -> FloatArray:
    """Return both views side by side, so that a cosine is the weighted mean of theirs."""
    centred = outside.astype(np.float64) - outside.mean(axis=0, dtype=np.float64)
    shares = np.sqrt([SHARED_VIEW, 1 - SHARED_VIEW])
    return np.concatenate([shares[0] * _unit(inside), shares[1] * _unit(centred)], axis=1)


def _unit(rows: NDArray[np.floating]) -> FloatArray:
    wide = rows.astype(np.float64)
    unit: FloatArray = wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12)
    return unit
