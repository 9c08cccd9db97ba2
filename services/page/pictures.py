"""Where the page gets an artwork's picture, and what is drawn for one that it may not load."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode, urlsplit

from keyart.schemas.catalogue import Artwork
from keyart.services.page.poster import MAX_CHARACTERS

_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f\\]")


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
        image = _seen(artwork)
        if _here(image) or self._allowed(image):
            return image
        words = (artwork.description or artwork.id)[:MAX_CHARACTERS]
        return "/page/poster?" + urlencode({"title": title[:MAX_CHARACTERS], "artwork": words})

    def elsewhere(self, artwork: Artwork) -> str:
        """Return the origin of a picture that the page may not load, "" where there is none."""
        image = _seen(artwork)
        if _here(image) or self._allowed(image):
            return ""
        return _origin(image)

    def _allowed(self, image: str) -> bool:
        origin = _origin(image)
        return origin != "" and origin in self.origins


def _seen(artwork: Artwork) -> str:
    r"""Return the address; none where a browser drops a tab or newline of it, or reads \ as /."""
    return "" if _UNSEEN.search(artwork.image) else artwork.image


def _here(image: str) -> bool:
    """Say whether the picture comes from this service, or with the reference itself."""
    own = image.startswith("/") and not image.startswith("//")
    return own or image.startswith("data:image/")


def _origin(image: str) -> str:
    try:
        parts = urlsplit(image)
    except ValueError:  # a port or host that is none
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""
