"""Titles as the page shows them."""

import numpy as np
from scipy.special import gammaincinv

from keyart.models.decide.index import ANY_SURFACE, BELIEF_COLUMNS, ServingIndex
from keyart.models.taste.features import F32
from keyart.schemas.catalogue import StoredTitle
from keyart.schemas.errors import NotFound
from keyart.schemas.posterior import Cell, TitleSums
from keyart.services.page.opinions import expected_of, opinion_of
from keyart.services.page.rulings import ruled_of, rules_of
from keyart.services.page.source import Source
from keyart.services.page.title_views import (
    ArtworkView,
    CallerView,
    Span,
    TitleList,
    TitleRow,
    TitleView,
)

_AT = {name: at for at, name in enumerate(BELIEF_COLUMNS)}
SPANS = 24
FEWEST = 12
"""Impressions that a span has at least."""
LATELY = 4
"""The newest part of the spans that "lately" means: a quarter."""


def titles_of(source: Source, *, search: str, limit: int, surface: str = "") -> TitleList:
    """Return the titles whose name or id holds the text, those shown most first.

    Which of them are listed goes by the beliefs, which fade; their order by the figures shown.
    """
    wanted = search.casefold()
    every = [title for title in list(source.titles.values()) if title.choosable]
    found = [
        title
        for title in every
        if not wanted or wanted in title.name.casefold() or wanted in title.id.casefold()
    ]
    seen = _seen(source.index, [title.id for title in found])
    order = sorted(range(len(found)), key=lambda at: (-seen[at], found[at].id))[:limit]
    listed = [found[at] for at in order]
    sums = source.sums([title.id for title in listed])
    rows = [
        TitleRow(
            id=title.id,
            name=title.name,
            artworks=len(title.choosable),
            impressions=sum(_count(cells, surface) for cells in its.artworks.values()),
            lead=_lead(source.index, title),
            picture=source.pictures.of(title.name, title.choosable[0]),
            ruled=sum(artwork.rules is not None for artwork in title.choosable),
        )
        for title, its in zip(listed, sums, strict=True)
    ]
    rows.sort(key=lambda row: (-row.impressions, row.id))
    return TitleList(total=len(every), found=len(found), titles=tuple(rows))


def _seen(index: ServingIndex, titles: list[str]) -> list[float]:
    """Return effective impressions of each title, 0 for one that is not in the index yet."""
    arrays = index.arrays
    totals = np.concatenate(
        [[0.0], np.cumsum(arrays.beliefs[ANY_SURFACE][:, _AT["seen"]], dtype=float)]
    )
    seen = [0.0] * len(titles)
    for at, title in enumerate(titles):
        if (place := arrays.places.get(title)) is not None:
            seen[at] = float(totals[place.offset + place.size] - totals[place.offset])
    return seen


def title_of(source: Source, title: str, surface: str = "") -> TitleView:
    """Return one title, on one surface or on all; shares over time are of all.

    Raises
    ------
    NotFound
        There is no such title.
    """
    stored = source.titles.get(title)
    if stored is None:
        raise NotFound(f"no title {title!r}")
    sums = source.sums([title])[0]
    names = [kept.artwork.id for kept in stored.artworks]
    spans = _spans(sums, names)
    lately = np.array([span.counts for span in spans[-max(1, len(spans) // LATELY) :]], float)
    shares = lately.reshape(-1, len(names)).sum(axis=0)
    shares /= max(1.0, shares.sum())
    said = source.said(title)
    expected = expected_of(source.index, title, surface or _surface(sums), said)
    beliefs = _beliefs(source.index, stored, surface or _surface(sums))
    effective = _effective(source.index, title, surface or _surface(sums))
    elsewhere: dict[str, None] = {}
    artworks: list[ArtworkView] = []
    for at, kept in enumerate(stored.artworks):
        cells = sums.artworks.get(kept.artwork.id, {})
        if origin := source.pictures.elsewhere(kept.artwork):
            elsewhere[origin] = None
        mean, low, high = beliefs.get(kept.artwork.id, (0.0, 0.0, 0.0))
        artworks.append(
            ArtworkView(
                id=kept.artwork.id,
                description=kept.artwork.description,
                picture=source.pictures.of(stored.name, kept.artwork),
                removed=kept.removed_at_ms is not None,
                mean=mean,
                low=low,
                high=high,
                impressions=_count(cells, surface),
                takes=sum(cell.taken for at, cell in cells.items() if surface in ("", at)),
                share=float(shares[at]),
                prior=expected.get(kept.artwork.id),
            )
        )
    return TitleView(
        id=stored.id,
        name=stored.name,
        group=stored.group,
        surface=surface or _surface(sums),
        impressions=sum(each.impressions for each in artworks),
        artworks=tuple(artworks),
        shares=spans,
        elsewhere=tuple(elsewhere),
        bounded=tuple(
            CallerView(name=name, told=told, counts=counts)
            for name, (told, counts) in sorted(source.bounds(title).items())
        ),
        rules=rules_of(
            stored,
            now_ms=source.clock(),
            seen=lambda artwork: effective.get(artwork, 0.0),
        ),
        ruled=ruled_of(stored, sums, source.index),
        opinion=opinion_of(source.index, title, source.prior(), said),
    )


def _count(cells: dict[str, Cell], surface: str = "") -> int:
    return sum(cell.count for name, cell in cells.items() if surface in ("", name))


def _surface(sums: TitleSums) -> str:
    """Return the surface where the title was shown most, "" before it was shown at all."""
    counts: dict[str, int] = {}
    for cells in sums.artworks.values():
        for surface, cell in cells.items():
            counts[surface] = counts.get(surface, 0) + cell.count
    return max(counts, key=lambda surface: counts[surface], default=ANY_SURFACE)


def _spans(sums: TitleSums, names: list[str]) -> tuple[Span, ...]:
    """Return impressions by artwork in at most `SPANS` spans, each long enough to be a share."""
    total = sum(sum(counts.values()) for counts in sums.shares.values())
    enough = max(FEWEST, total / SPANS)
    spans: list[Span] = []
    held: dict[str, int] = {}
    first = 0
    for start in sorted(sums.shares):
        first = first or start
        for name, count in sums.shares[start].items():
            held[name] = held.get(name, 0) + count
        if sum(held.values()) >= enough:
            spans.append(Span(at_ms=first, counts=tuple(held.get(name, 0) for name in names)))
            held, first = {}, 0
    if held and not spans:
        spans.append(Span(at_ms=first, counts=tuple(held.get(name, 0) for name in names)))
    return tuple(spans)


def _effective(index: ServingIndex, title: str, surface: str) -> dict[str, float]:
    """Return the effective impressions of each artwork."""
    arrays = index.arrays
    if (place := arrays.places.get(title)) is None:
        return {}
    table: F32 = arrays.beliefs.get(surface, arrays.beliefs[ANY_SURFACE])
    seen = table[place.offset : place.offset + place.size, _AT["seen"]]
    return dict(zip(place.artworks, seen.tolist(), strict=True))


def _lead(index: ServingIndex, title: StoredTitle) -> float:
    means = sorted(mean for mean, _, _ in _beliefs(index, title, ANY_SURFACE).values())
    if len(means) < 2 or not sum(means):
        return 0.0
    return means[-1] * (len(means) - 1) / sum(means[:-1]) - 1.0


def _beliefs(
    index: ServingIndex, stored: StoredTitle, surface: str
) -> dict[str, tuple[float, float, float]]:
    """Return mean, 2.5 % and 97.5 % quantile of each artwork's take before taste, by its Gamma."""
    arrays = index.arrays
    if (place := arrays.places.get(stored.id)) is None:
        return {}
    table: F32 = arrays.beliefs.get(surface, arrays.beliefs[ANY_SURFACE])
    rows = table[place.offset : place.offset + place.size].astype(np.float64)
    mean = np.minimum(1.0, rows[:, _AT["level"]] * rows[:, _AT["prior"]] * rows[:, _AT["own"]])
    shape = 1.0 / np.maximum(rows[:, _AT["relative_variance"]], 1e-9)
    low, high = (mean * gammaincinv(shape, q) / shape for q in (0.025, 0.975))
    return {
        name: (m, lo, min(1.0, hi))
        for name, m, lo, hi in zip(
            place.artworks, mean.tolist(), low.tolist(), high.tolist(), strict=True
        )
    }
