"""From a decided page to what is logged of it and what the caller is told."""

import os
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from keyart.models.decide.explain import closest_interests, explain, explain_kept
from keyart.models.decide.page import DecidedPage
from keyart.models.decide.record import columns_of
from keyart.schemas.columns import ODDS, Columns, pack_responding
from keyart.schemas.decisions import Decision, Versions, one_by_one
from keyart.schemas.ids import ViewerKey
from keyart.schemas.rules import MARKS
from keyart.schemas.taste import NO_CONCEPT, TasteArray
from keyart.services.api.standing import Standing
from keyart.streams.catalogue.view import CatalogueView, Known

SITUATION_DIGITS: Final = 3


class Chosen(Struct, frozen=True, kw_only=True, gc=False):
    """One decision, as a caller needs it. `why` is one true sentence.

    `kept` says that it stands since an earlier request: it is the same decision, with the same id
    and the propensity with which it was made then. `rule` says which rule of the site made the
    choice: "pinned", "default" where rules left nothing, or "alike" where all that the title has
    are too like the others of its slate; "" is the policy's own.
    """

    id: str
    title: str
    artwork: str
    image: str
    propensity: float
    explored: bool
    why: str
    kept: bool = False
    rule: str = ""


class Answer(Struct, frozen=True, kw_only=True):
    """The decisions for one viewer, in the order of the titles asked for.

    `policy` and `versions` made those that are not `kept`. `unknown` are the titles among them
    that have no artwork to choose: not known, or withdrawn.
    """

    viewer: str
    surface: str
    decided_at_ms: int
    policy: str
    versions: Versions
    degraded: str
    decisions: tuple[Chosen, ...]
    unknown: tuple[str, ...] = ()


Randomness = Callable[[int], bytes]
"""(number) -> so many bytes that nobody can guess."""


def logged(
    decided: DecidedPage,
    viewer: ViewerKey,
    positions: bytes = b"",
    randomness: Randomness = os.urandom,
    *,
    responding: bytes = b"",
) -> Columns:
    """Return the decisions of a page as the log keeps them.

    `positions` and `responding` as `columns_of` has them.
    """
    # random, not made of the viewer: an id that stays in a reward ties it to nobody
    random = randomness(8 * len(decided))
    nonces = [int.from_bytes(random[at : at + 8], "little") for at in range(0, len(random), 8)]
    return columns_of(decided, viewer, nonces, positions=positions, responding=responding)


def responding_titles(decided: DecidedPage, often: Set[str]) -> bytes:
    """Return what `Columns` has as `responding`, of the titles that are shown often."""
    if often.isdisjoint(decided.titles):
        return b""
    centred = decided.responding.centred(decided.chosen, decided.propensities).tolist()
    pairs = zip(decided.titles, centred, strict=True)
    return pack_responding([its if title in often else None for title, its in pairs])


def logged_situation(decided: DecidedPage) -> tuple[float, ...]:
    """Return the page's situation as the log keeps it."""
    wide = decided.responding.situation.astype(np.float64)
    return tuple(np.round(wide, SITUATION_DIGITS).tolist())


def told(
    columns: Columns,
    *,
    policy: str,
    explore_share: float,
    taste: TasteArray | None,
    view: CatalogueView,
    why: bool,
) -> list[Chosen]:
    """Return the decisions as the caller is told them.

    Parameters
    ----------
    taste
        The viewer's, shape (1,); None when it is not known.
    why
        Whether to make the sentences.
    """
    choice, starts = columns.choice, np.array(columns.starts[:-1], np.intp)
    picked = choice["chosen"].tolist()
    artworks = [names[at] for names, at in zip(columns.candidates, picked, strict=True)]
    known = [view.known(title, name) for title, name in zip(columns.titles, artworks, strict=True)]
    odds = np.frombuffer(columns.odds, "<u4")[starts + choice["chosen"]] / ODDS
    sentences = [""] * len(columns)
    if why:
        # from what is logged, so that whoever reads the log makes the same sentence
        decisions = one_by_one(columns)
        interests = closest(decisions, known, taste, view)
        sentences = [
            explain(each, policy=policy, explore_share=explore_share, interest=interest)
            for each, interest in zip(decisions, interests, strict=True)
        ]
    marks = {at: name for at, name in enumerate(columns.reasons) if name in MARKS}
    rows = zip(
        choice["nonce"].tolist(),
        choice["check"].tolist(),
        columns.titles,
        artworks,
        known,
        odds.tolist(),
        choice["explored"].tolist(),
        sentences,
        [marks.get(at, "") for at in choice["because"].tolist()],
        strict=True,
    )
    return [
        Chosen(
            id=f"{nonce:016x}{check:08x}",
            title=title,
            artwork=artwork,
            image=its.image if its else "",
            propensity=propensity,
            explored=explored,
            why=sentence,
            rule=rule,
        )
        for nonce, check, title, artwork, its, propensity, explored, sentence, rule in rows
    ]


def told_again(
    standing: Mapping[str, Standing], *, now_ms: int, view: CatalogueView, why: bool
) -> dict[str, Chosen]:
    """Return decisions that are kept, as the caller is told them, by title."""
    found = {}
    for title, each in standing.items():
        its = view.known(title, each.artwork)
        sentence = ""
        if why:
            sentence = explain_kept(
                count=each.candidates,
                propensity=each.kept.propensity,
                explored=each.kept.explored,
                age_ms=now_ms - each.kept.decided_at_ms,
            )
        found[title] = Chosen(
            id=each.kept.id,
            title=title,
            artwork=each.artwork,
            image=its.image if its else "",
            propensity=each.kept.propensity,
            explored=each.kept.explored,
            why=sentence,
            kept=True,
        )
    return found


def closest(
    decisions: Sequence[Decision],
    known: Sequence[Known | None],
    taste: TasteArray | None,
    view: CatalogueView,
) -> list[str]:
    """Return (T,) the viewer's named interest that each choice is about, "" for none.

    Only where taste raised the choice: elsewhere no sentence speaks of it.
    """
    found = [""] * len(decisions)
    if taste is None or not len(places := liked(taste)):
        return found
    of = [
        (at, its.rows[-1])
        for at, (each, its) in enumerate(zip(decisions, known, strict=True))
        if each.terms.taste > 1.0 and not each.explored and its
    ]
    if not of:
        return found
    names = [view.names.names[place] for place in places.tolist()]
    artworks = view.taste_vectors[[row for _, row in of]]
    close = closest_interests(artworks, view.concept_vectors[places], names)
    for (at, _), name in zip(of, close, strict=True):
        found[at] = name
    return found


def liked(taste: TasteArray) -> NDArray[np.intp]:
    """Return the indices of the named interests with a positive weight in one taste, (1,)."""
    concepts, weights = taste["concepts"][0], taste["concept_weights"][0]
    held: NDArray[np.intp] = concepts[(weights > 0) & (concepts != NO_CONCEPT)].astype(np.intp)
    return held
