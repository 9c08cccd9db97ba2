"""By what titles are taken from a cluster: a viewer's factors (iALS), or their taste.

Both are an ordinary recommender restricted to the clusters, exactly: all titles of a cluster are
looked at.
"""

from typing import Final

from keyart.models.serendipity.advice.atlas import NOWHERE, Atlas
from keyart.models.serendipity.advice.interests import Interests
from keyart.models.serendipity.grounds import IALS, TASTE
from keyart.models.taste.features import F32

AUTO: Final = "auto"
"""What viewers held back said when the table was made."""
GROUNDINGS: Final = (AUTO, TASTE, IALS)


def viewer_factors(atlas: Atlas, interests: Interests, grounding: str = AUTO) -> F32 | None:
    """Return (D,) the factors by which a viewer's titles are taken; None: their taste says.

    Taste says where it is asked for, where the table has no factors, and where nothing is known of
    any title that the viewer took.

    Parameters
    ----------
    grounding
        One of `GROUNDINGS`.
    """
    held = atlas.table.factors
    by = atlas.table.manifest.grounds.by if grounding == AUTO else grounding
    if held is None or by == TASTE:
        return None
    places = atlas.fitted[list(interests.taken)]
    return held.viewer(places[places != NOWHERE])
