"""One true sentence on why a title has its place."""

from typing import Final

from keyart.models.serendipity.advice.atlas import Atlas
from keyart.models.serendipity.advice.page import Place

FROM_PEOPLE: Final = frozenset({"blend", "ridge", "co-occurrence", "markov"})
"""Planners that learn from what viewers came to; the others say less."""


def why(place: Place, atlas: Atlas) -> str:
    """Return the sentence of a place; of a draw it says that it was drawn."""
    names, planner = atlas.names, atlas.table.manifest.planner
    name = names[place.cluster]
    if not place.proposed:
        return f"You watch {name}."
    if place.random or place.proposal is None:
        return f"You have not watched {name} yet; it was drawn at random, to learn if you like it."
    first, second = place.proposal.first, place.proposal.second
    mine = names[first] if second is None else f"{names[first]} and {names[second]}"
    if planner in FROM_PEOPLE:
        return f"You watch {mine}; people who do often come to {name}."
    if planner == "likeness":
        return f"You watch {mine}; {name} is like that."
    return f"Many viewers come to {name}, and you have not yet."
