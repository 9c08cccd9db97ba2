"""A simulated audience, for the demo and for tests: real titles and levels, invented tastes.

Nothing here is part of keyart's learning: it stands where viewers stand, and only what viewers do
(impressions, clicks, plays) ever reaches keyart.
"""

from keyart.models.simulate.appeal import Appeal, shrunk_appeal
from keyart.models.simulate.audience import Audience, Catalogue
from keyart.models.simulate.facets import KINDS, FacetWorld, facet_world
from keyart.models.simulate.tastes import Tastes, draw_tastes

__all__ = [
    "KINDS",
    "Appeal",
    "Audience",
    "Catalogue",
    "FacetWorld",
    "Tastes",
    "draw_tastes",
    "facet_world",
    "shrunk_appeal",
]
