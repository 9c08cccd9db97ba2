"""One true sentence on why a title has its place."""

from keyart.models.serendipity.advice.atlas import Atlas
from keyart.models.serendipity.advice.interests import Interests
from keyart.models.serendipity.advice.page import Place
from keyart.models.serendipity.advice.reasons import reason_of


def why(place: Place, atlas: Atlas, interests: Interests) -> str:
    """Return the sentence of a place on the page of a viewer; of a draw, that it was drawn."""
    name = atlas.names[place.cluster]
    if not place.proposed:
        if place.new:
            return f"It is the closest to what you watch, of all that is left; it is of {name}."
        return f"You watch {name}."
    if place.random or not place.said:
        return f"You have not watched {name} yet; it was drawn at random, to learn if you like it."
    return why_proposed(place.cluster, atlas, interests)


def why_proposed(cluster: int, atlas: Atlas, interests: Interests) -> str:
    """Return the sentence of a cluster that the table speaks for, of a viewer with interests."""
    names, planner = atlas.names, atlas.table.manifest.planner
    name = names[cluster]
    if planner == "popular":
        return f"Many viewers come to {name}, and you have not yet."
    reason = reason_of(atlas.table, interests.explored, cluster)
    mine = names[reason.first]
    if reason.second is not None:
        mine = f"{mine} and {names[reason.second]}"
    if planner == "likeness":
        return f"You watch {mine}; {name} is like that."
    if reason.often:
        return f"You watch {mine}; people who do often come to {name}."
    return f"You watch {mine}; {name} is proposed for that."
