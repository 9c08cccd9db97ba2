"""A look at what would be chosen in place of pictures that stay, for what keeping them costs."""

from collections.abc import Container, Mapping
from contextlib import suppress

from keyart.models.decide.engine import Decider
from keyart.models.decide.index import ServingIndex
from keyart.models.decide.keeping import Keeping, takes_by
from keyart.models.decide.rules import Ruling
from keyart.models.taste.features import F32, TasteVectors
from keyart.schemas.context import Context
from keyart.schemas.errors import NotFound
from keyart.schemas.ids import ViewerKey


def look(
    keeping: Keeping,
    decider: Decider,
    index: ServingIndex,
    *,
    stays: Mapping[str, str],
    dwells: Container[str],
    viewer: ViewerKey,
    surface: str,
    now_ms: int,
    taste: TasteVectors,
    context: Context,
    side: F32,
    ruling: Ruling | None,
) -> None:
    """Decide what stays as if it did not, and add up what keeping it costs; nothing else is done.

    Parameters
    ----------
    stays
        Title -> artwork.
    dwells
        The titles that stay for their dwell period; the others do for lack of swaps.
    side
        Of the context, as `Usual.seen` has it.
    ruling
        What rules leave of these titles.
    """
    with suppress(NotFound):  # a title changed a moment ago
        decided = decider.decide(
            index,
            titles=list(stays),
            taste=taste,
            surface=surface,
            viewer=viewer,
            now_ms=now_ms,
            context=context,
            side=side,
            ruling=ruling,
        )
        for reason, its in takes_by(decided, stays, dwells).items():
            keeping.add(reason, viewer, its)
