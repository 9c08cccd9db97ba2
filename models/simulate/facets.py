"""A catalogue of films whose artworks each show one facet, and three audiences for it.

Every film has a subject and some of the facets that films have, named interests all; an artwork's
description tells of the subject and of one facet. Levels and appeals are drawn, as in catalogues
where the best artwork of a film does much better than its mean.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.embed.concepts import read_vocabulary
from keyart.models.embed.protocol import Space
from keyart.models.simulate.appeal import Appeal
from keyart.models.simulate.audience import Audience, Catalogue
from keyart.models.simulate.tastes import draw_tastes
from keyart.schemas.catalogue import Artwork, Title

FloatArray = NDArray[np.float64]

FACETS: Final = (
    *("space", "wildlife", "winter sports", "travel", "romance", "families", "friendship"),
    *("Harry Potter and fantasy", "science fiction", "horror", "true crime", "westerns", "comedy"),
    *("classical music", "the world wars", "war"),
)
"""What artworks show: an interest that an artwork of one film meets, others of other films meet."""
KINDS: Final = ("matters", "does not", "for some")
"""How taste matters: for all films, for none, or for every third."""
SOME: Final = 1 / 3
MOST_FACETS: Final = 8
FEWEST_FACETS: Final = 4
QUIRK: Final = 0.3
"""Length of the random part of what the audience sees in each artwork; no text tells of it."""
SUBJECT_WORDS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetWorld:
    """A site to be: its titles, and who looks at them.

    Attributes
    ----------
    titles
        T titles, as a site would hand them over.
    audience
        V viewers, and the truth about what they take.
    """

    titles: tuple[Title, ...]
    audience: Audience


def facet_world(
    space: Space,
    *,
    kind: str,
    seed: int,
    titles: int = 400,
    viewers: int = 500,
    level: float = 0.05,
    spread: float = 0.5,
    kappa: float = 0.5,
    untold: float = 0.0,
) -> FacetWorld:
    """Return the world of one seed; the three kinds of one seed differ in nothing but taste.

    Parameters
    ----------
    space
        Where the audience sees artworks and interests, in all its dimensions.
    kind
        One of `KINDS`.
    seed
        Of everything random.
    titles, viewers
        How many, T and V.
    level
        Median take fraction of a title.
    spread
        Standard deviation of artworks' relative appeal within a title.
    kappa
        What one standard deviation of affinity adds to a log take where taste matters.
    untold
        How much of a second facet the audience sees in each artwork, 0 to 1 of the first; its
        description does not tell of it.
    """
    rng = np.random.default_rng([seed, 2])
    sizes = rng.integers(FEWEST_FACETS, MOST_FACETS + 1, titles)
    catalogue = Catalogue(starts=np.concatenate([[0], np.cumsum(sizes)]))
    films, _ = films_of(rng, sizes.tolist())
    described = [artwork.description for film in films for artwork in film.artworks]
    seen = space.encode(described).astype(np.float64)
    quirk = rng.normal(size=seen.shape)
    told = dict(read_vocabulary())
    named = space.encode([f"{name}: {told[name]}" for name in FACETS]).astype(np.float64)
    if untold:
        second = np.random.default_rng([seed, 4]).integers(len(FACETS), size=len(seen))
        seen = unit(seen + untold * unit(named[second]))
    seen = unit(seen + QUIRK * unit(quirk))
    relative = rng.gamma(spread**-2, spread**2, int(sizes.sum()))
    mean = np.bincount(catalogue.title_of, relative) / sizes
    appeal = Appeal(
        level=level * np.exp(rng.normal(0.0, 0.4, titles)),
        relative=relative / mean[catalogue.title_of],
        spread=spread,
    )
    tastes = draw_tastes(rng=rng, viewers=viewers, concepts=named)
    concerned = {
        "matters": np.ones(titles),
        "does not": np.zeros(titles),
        "for some": (rng.random(titles) < SOME).astype(np.float64),
    }[kind]
    audience = Audience(
        catalogue=catalogue,
        appeal=appeal,
        tastes=tastes,
        artworks=seen,
        kappa=kappa * concerned[catalogue.title_of],
    )
    return FacetWorld(titles=films, audience=audience)


def films_of(
    rng: np.random.Generator, sizes: Sequence[int]
) -> tuple[tuple[Title, ...], NDArray[np.intp]]:
    """Return films of so many artworks each, and (M,) which of `FACETS` each artwork shows."""
    vocabulary = read_vocabulary()
    told, films = dict(vocabulary), []
    shown: list[NDArray[np.intp]] = []
    for number, size in enumerate(sizes):
        subject, about = vocabulary[int(rng.integers(len(vocabulary)))]
        common = " ".join(about.split()[:SUBJECT_WORDS])
        shown.append(rng.permutation(len(FACETS))[:size])
        facets = [FACETS[at] for at in shown[-1]]
        artworks = tuple(
            Artwork(
                id=f"film-{number}-{at}",
                image=f"keyart:poster/film-{number}/film-{number}-{at}",
                description=f"{common}; {facet}: {told[facet]}",
            )
            for at, facet in enumerate(facets)
        )
        films.append(
            Title(
                id=f"film-{number}",
                name=f"{subject} {number}",
                group="films",
                artworks=artworks,
            )
        )
    return tuple(films), np.concatenate(shown)


def unit(rows: FloatArray) -> FloatArray:
    """Return each row at length 1."""
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return rows
