"""The families of keys that lanes keep, each named once.

Families read by key are one value a key, because others than the lane's owner read them; all
others are one hash a family, and the lane's own.
"""

from typing import Final

TASTE: Final = "taste"
ASSIGNED: Final = "assigned"
EXPLORED: Final = "explored"
"""Of a viewer, read by the api: the taste, what stands, and what was explored."""
TITLE: Final = "title"
"""Of a title, read by the api: the sums of its rewards."""

VISITS: Final = "visits"
PAGES: Final = "pages"
WINDOWS: Final = "windows"
"""The join's own: of a viewer, what was decided by page, and the windows that are open."""
TIMELINE: Final = "timeline"
"""The page's figures, by bucket."""
META: Final = "meta"
"""Single records of a lane, by the keys below."""
JOIN: Final = "join"
"""What an older keyart's join left, until a lane took it over."""

JOIN_META: Final = (META, "join")
ERASED: Final = (META, "erased")
"""Of a lane of viewers: where its join stands, and who was erased of late."""
SHARED: Final = (META, "shared")
TITLES_META: Final = (META, "titles")
"""Of a lane of titles: the sums that all titles share, and which rewards were added up."""

OF_VIEWERS: Final = (TASTE, ASSIGNED, EXPLORED)
"""All that is kept of a viewer by key: what an erasure deletes."""
BY_KEY: Final = frozenset({*OF_VIEWERS, TITLE})
ANNOUNCED: Final = frozenset({TITLE})
"""Those whose changes readers follow."""
HASHES: Final = (JOIN, VISITS, PAGES, WINDOWS, META, TIMELINE)
"""The lane's own families."""
