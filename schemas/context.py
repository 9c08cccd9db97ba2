"""What a site says of the situation in which artworks are shown: its context, name by name."""

from typing import Annotated, Final

from msgspec import Meta

from keyart.schemas.ids import GivenName

MAX_CONTEXT = 32
MAX_CONTEXT_TEXT = 128
ContextText = Annotated[str, Meta(max_length=MAX_CONTEXT_TEXT)]
ContextValue = ContextText | float | bool | None
"""Text of up to 128 characters, a number, true or false; null says that it is not known."""
Context = dict[str, ContextValue]
"""As it is logged and read: as it was given."""
GivenContext = Annotated[dict[GivenName, ContextValue], Meta(max_length=MAX_CONTEXT)]
"""A `Context` as it comes from outside: up to 32 values."""
AXES: Final = 16
"""Numbers of a situation that are taste."""
SKETCH: Final = 16
"""Numbers of a situation that are context; without context they are left out."""
SIZE: Final = AXES + SKETCH
Situation = Annotated[tuple[float, ...], Meta(max_length=64)]
"""A viewer's taste and the site's context as the numbers that artworks respond to
(`models/taste/situation.py`)."""
PLAIN: Final = 24
"""Features that are logged of a page without a context; one with a context has more."""
