"""What a site's own viewers did, from the state that the steps keep of it: no log is read.

Each viewer's latest titles with times, joined by the stream in any order and let go when they are
idle: counts that are additive, and forget.
"""

from collections.abc import Iterable, Mapping

from keyart.models.serendipity.reading.own import terms_of
from keyart.models.serendipity.world import World, WorldBuilder
from keyart.schemas.catalogue import StoredTitle
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.explored import HID, TOOK, Marks, kind_of, mark_of, unpack_explored


def world_of_site(
    titles: Iterable[StoredTitle],
    records: Iterable[tuple[str, bytes]],
    *,
    since_ms: int = 0,
) -> World:
    """Return what viewers took of the titles that can be chosen.

    Parameters
    ----------
    records
        Viewer and what they explored, as it is stored; one that cannot be read is passed over.
    since_ms
        What was taken before teaches nothing.
    """
    into = WorldBuilder()
    by_mark: dict[int, str] = {}
    for title in titles:
        if not title.choosable:
            continue
        by_mark[mark_of(title.id, TOOK)] = title.id
        into.name(title.id, title.name or title.id)
        for term in _terms(title):
            into.said(title.id, term)
    for viewer, blob in records:
        try:
            marks = unpack_explored(blob)
        except InvalidRecord:
            continue  # its lane sets it aside
        for name, at_ms in _taken(marks, by_mark):
            if at_ms >= since_ms:
                into.engaged(viewer, name, float(at_ms))
    return into.build()


def _taken(marks: Marks, by_mark: Mapping[int, str]) -> Iterable[tuple[str, int]]:
    for mark, at_s in sorted(marks.items()):
        if kind_of(mark) == TOOK and mark in by_mark and marks.get(mark - TOOK + HID, -1) < at_s:
            yield by_mark[mark], at_s * 1000


def _terms(title: StoredTitle) -> list[str]:
    listed = [title.group]
    texts = []
    for artwork in title.choosable:
        listed += artwork.attributes.values()
        texts.append(artwork.description)
    return terms_of("|".join(listed), " ".join(texts))
