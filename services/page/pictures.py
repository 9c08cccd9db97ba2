"""Where the page gets an artwork's picture, and what is drawn for one that it may not load."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode, urlsplit

from keyart.schemas.catalogue import Artwork
from keyart.services.page.poster import MAX_CHARACTERS

_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f\\]")
POSTER: Final = "keyart:poster/"
"""Image references that ask for a drawn poster."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Turns image references into addresses that the page may load.

    Parameters
    ----------
    origins
        Origins, as `https://images.example.org`, whose pictures are loaded. With none the page
        asks nobody but this service, and a poster is drawn for every picture that is elsewhere.
    """

    origins: Sequence[str] = ()

    def of(self, title: str, artwork: Artwork) -> str:
        """Return the address of the artwork's picture; `title` is the title's name."""
        # a browser drops tabs and newlines from an address, and reads \ as /
        image = "" if _UNSEEN.search(artwork.image) else artwork.image
        if image.startswith("/") and not image.startswith("//"):
            return image
        if image.startswith("data:image/"):
            return image
        try:
            parts = urlsplit(image)
        except ValueError:  # a port or host that is none
            parts = urlsplit("")
        if parts.scheme and f"{parts.scheme}://{parts.netloc}" in self.origins:
            return image
        words = (artwork.description or artwork.id)[:MAX_CHARACTERS]
        return "/page/poster?" + urlencode({"title": title[:MAX_CHARACTERS], "artwork": words})
