"""Films that come and go, and an audience for whom other facets come into vogue one day."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.embed.concepts import read_vocabulary
from keyart.models.embed.protocol import Space
from keyart.models.simulate.appeal import Appeal
from keyart.models.simulate.audience import Audience, Catalogue
from keyart.models.simulate.facets import (
    FACETS,
    FEWEST_FACETS,
    MOST_FACETS,
    QUIRK,
    FloatArray,
    films_of,
    unit,
)
from keyart.models.simulate.tastes import Tastes, draw_tastes
from keyart.schemas.catalogue import Title

FARTHEST: Final = 1.5
"""The facet most in vogue, in units of `VogueRules.strength`; least: as far the other way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VogueRules:
    """How the world is drawn.

    Parameters
    ----------
    titles, viewers
        How many, T and V.
    level
        Median take fraction of a title.
    spread
        Standard deviation of what of an artwork's appeal no facet explains.
    strength
        What a unit of vogue adds to the log appeal of a facet's artworks.
    kappa
        What one standard deviation of a viewer's own affinity adds to a log take.
    """

    titles: int
    viewers: int
    level: float = 0.15
    spread: float = 0.3
    strength: float = 0.6
    kappa: float = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class VogueWorld:
    """A site to be, whose audience changes.

    Attributes
    ----------
    titles
        T films in the order in which they come out.
    before, after
        Who looks, before and after other facets have come into vogue: the same viewers with the
        same interests of their own, the same films at the same level.
    facets
        (M,) which of `FACETS` each artwork shows.
    vogue
        (2, F) how much each facet is in vogue, before and after; mean 0.
    """

    titles: tuple[Title, ...]
    before: Audience
    after: Audience
    facets: NDArray[np.intp]
    vogue: FloatArray


def vogue_world(space: Space, rules: VogueRules, *, seed: int) -> VogueWorld:
    """Return the world of one seed: what is in vogue afterwards is drawn anew, not turned round."""
    rng = np.random.default_rng([seed, 6])
    sizes = rng.integers(FEWEST_FACETS, MOST_FACETS + 1, rules.titles)
    catalogue = Catalogue(starts=np.concatenate([[0], np.cumsum(sizes)]))
    films, facets = films_of(rng, sizes.tolist())
    told = dict(read_vocabulary())
    seen = space.encode([each.description for film in films for each in film.artworks])
    named = space.encode([f"{name}: {told[name]}" for name in FACETS]).astype(np.float64)
    artworks = unit(seen.astype(np.float64) + QUIRK * unit(rng.normal(size=seen.shape)))
    own = rng.gamma(rules.spread**-2, rules.spread**2, len(facets))
    level = rules.level * np.exp(rng.normal(0.0, 0.3, rules.titles))
    tastes = draw_tastes(rng=rng, viewers=rules.viewers, concepts=named)
    steps = np.linspace(-FARTHEST, FARTHEST, len(FACETS))
    vogue = np.stack([rng.permutation(steps), rng.permutation(steps)])
    before, after = (
        _audience(
            rules, catalogue, level, own * np.exp(rules.strength * its[facets]), tastes, artworks
        )
        for its in vogue
    )
    return VogueWorld(titles=films, before=before, after=after, facets=facets, vogue=vogue)


def _audience(
    rules: VogueRules,
    catalogue: Catalogue,
    level: FloatArray,
    appeal: FloatArray,
    tastes: Tastes,
    artworks: FloatArray,
) -> Audience:
    """Return viewers to whom artworks appeal so much within their titles."""
    mean = np.bincount(catalogue.title_of, appeal) / np.diff(catalogue.starts)
    return Audience(
        catalogue=catalogue,
        appeal=Appeal(level=level, relative=appeal / mean[catalogue.title_of], spread=rules.spread),
        tastes=tastes,
        artworks=artworks,
        kappa=rules.kappa,
    )
