"""What recently worked: words of artworks that were taken more, or less, often than expected.

Within a title an artwork is expected to have the title's takes by its share of the impressions. Of
each word (of a description, or an attribute with its value) that some artworks of a title have and
others lack, what was taken and what was expected are summed over titles: whatever is liked or shown
more as a whole cancels out. A title is told of the other titles alone, so that it hears nothing of
its own takes, which the sums that serve know already, and what it says of them can be measured.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct, field, structs
from numpy.typing import NDArray

from keyart.schemas.catalogue import Artwork

LEAST_TITLES: Final = 5
LEAST_EXPECTED: Final = 20.0
LEAST_VIEWERS: Final = 20
"""Viewers who took an artwork with the word: nothing that is told is of a single one."""
SURE: Final = 3.0
"""Standard errors from what was expected: of a thousand words three pass by luck."""
MOST: Final = 4
"""Words each way."""
_LONGEST: Final = 40
_WORD: Final = re.compile(r"[^\W\d_]{3,}")
Array = NDArray[np.float64]


class Shown(NamedTuple):
    """One artwork of one title in a time: what was shown, taken, and who took it."""

    title: str
    words: frozenset[str]
    impressions: float
    takes: float
    takers: frozenset[str]


class Lately(Struct, frozen=True, kw_only=True):
    """What recently worked, in words: in general, and for titles that hear something else.

    `titles` has the place in `texts` of each of these; `from_ms` to `to_ms` is when it was shown.
    """

    said: str = ""
    texts: tuple[str, ...] = ()
    titles: dict[str, int] = field(default_factory=dict)
    from_ms: int = 0
    to_ms: int = 0

    def of(self, title: str) -> str:
        """Return what is said to a title, "" for nothing."""
        place = self.titles.get(title)
        return self.said if place is None else self.texts[place]


NOTHING: Final = Lately()


def words_of(artwork: Artwork) -> frozenset[str]:
    """Return what an artwork shows, in words: its attributes, and the words that describe it."""
    told = {f"{key} {value}".lower() for key, value in artwork.attributes.items()}
    told |= {each.lower() for each in _WORD.findall(artwork.description)}
    return frozenset(each for each in told if len(each) <= _LONGEST)


def lately_of(shown: Iterable[Shown], *, from_ms: int, to_ms: int) -> Lately:
    """Return what worked in what was shown in a time.

    Parameters
    ----------
    shown
        Each artwork once.
    """
    by_title: defaultdict[str, list[Shown]] = defaultdict(list)
    for each in shown:
        by_title[each.title].append(each)
    own = {title: _by_word(its) for title, its in by_title.items()}
    titles: defaultdict[str, int] = defaultdict(int)
    for its in own.values():
        for word in its:
            titles[word] += 1
    # the title that is left out is one of them
    common = sorted(word for word, count in titles.items() if count > LEAST_TITLES)
    known = _enough_viewers(common, by_title)
    place = {word: at for at, word in enumerate(known)}
    sums = np.zeros((len(known), 3))
    for its in own.values():
        for word, part in its.items():
            if word in place:
                sums[place[word]] += part
    said = _text(known, sums)
    texts: dict[str, int] = {}
    others: dict[str, int] = {}
    for title, its in sorted(own.items()):
        left = sums.copy()
        for word, part in its.items():
            if word in place:
                left[place[word]] -= part
        if (text := _text(known, left)) != said:
            others[title] = texts.setdefault(text, len(texts))
    return Lately(said=said, texts=tuple(texts), titles=others, from_ms=from_ms, to_ms=to_ms)


def _by_word(artworks: Sequence[Shown]) -> Mapping[str, tuple[float, float, float]]:
    """Return word -> takes, expected takes and variance, of one title's artworks."""
    impressions = sum(each.impressions for each in artworks)
    takes = sum(each.takes for each in artworks)
    if impressions <= 0 or takes <= 0:
        return {}
    every = frozenset[str]().union(*(each.words for each in artworks))
    found = {}
    for word in every.difference(frozenset.intersection(*(each.words for each in artworks))):
        having = [each for each in artworks if word in each.words]
        share = sum(each.impressions for each in having) / impressions
        taken = sum(each.takes for each in having)
        found[word] = (taken, takes * share, takes * share * (1.0 - share))
    return found


def _enough_viewers(
    words: Sequence[str], by_title: Mapping[str, Sequence[Shown]]
) -> tuple[str, ...]:
    """Return the words that enough viewers took, whichever title is left out."""
    wanted = set(words)
    takers: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for title, its in by_title.items():
        for each in its:
            for word in each.words & wanted:
                for viewer in each.takers:
                    takers[word][viewer].add(title)
    return tuple(word for word in words if _least_left(takers[word]) >= LEAST_VIEWERS)


def _least_left(takers: Mapping[str, set[str]]) -> int:
    """Return how many viewers are left when the title is left out that most took alone."""
    alone: defaultdict[str, int] = defaultdict(int)
    for titles in takers.values():
        if len(titles) == 1:
            alone[next(iter(titles))] += 1
    return len(takers) - max(alone.values(), default=0)


def _text(words: Sequence[str], sums: Array) -> str:
    """Return what stands out of (W, 3) takes, expected takes and variances, in words."""
    taken, expected, variance = sums.T
    sure = np.zeros(len(words))
    enough = (expected >= LEAST_EXPECTED) & (variance > 1e-9)
    sure[enough] = (taken - expected)[enough] / np.sqrt(variance[enough])
    order = np.argsort(-sure, kind="stable")
    more = [words[at] for at in order[:MOST] if sure[at] >= SURE]
    less = [words[at] for at in order[::-1][:MOST] if sure[at] <= -SURE]
    parts = [f"more often than others: {', '.join(more)}"] if more else []
    parts += [f"less often: {', '.join(less)}"] if less else []
    return "; ".join(parts)


def keeping(fresh: Lately, former: Lately, left: Iterable[str]) -> Lately:
    """Return what worked of late, but for these titles, which go on hearing what they heard."""
    texts = {text: at for at, text in enumerate(fresh.texts)}
    titles = dict(fresh.titles)
    for title in sorted(left):
        titles[title] = texts.setdefault(former.of(title), len(texts))
    return structs.replace(fresh, texts=tuple(texts), titles=titles)
