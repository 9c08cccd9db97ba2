"""From a decided page to what is logged of it and what the caller is told."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from keyart.models.decide.explain import closest_interests, explain, explain_kept
from keyart.models.decide.page import DecidedPage
from keyart.models.taste.features import PERSONAL
from keyart.schemas.decisions import Decision, Versions
from keyart.schemas.ids import ViewerKey, decision_id
from keyart.schemas.taste import NO_CONCEPT, TasteArray
from keyart.services.api.standing import Standing
from keyart.streams.catalogue.view import CatalogueView, Known

PROPENSITY_DIGITS: Final = 7
"""Rounding moves the sum of a title's propensities by less than 40 x 5e-8."""
FEATURE_DIGITS: Final = 4
MULTIPLIER_DIGITS: Final = 5
EXPECTED_DIGITS: Final = 7


class Chosen(Struct, frozen=True, kw_only=True, gc=False):
    """One decision, as a caller needs it. `why` is one true sentence.

    `kept` says that it stands since an earlier request: it is the same decision, with the same id
    and the propensity with which it was made then.
    """

    id: str
    title: str
    artwork: str
    image: str
    propensity: float
    explored: bool
    why: str
    kept: bool = False


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


def logged(decided: DecidedPage, viewer: ViewerKey) -> tuple[Decision, ...]:
    """Return the decisions of a page as the log keeps them."""
    # random, not made of the viewer: an id that stays in a reward ties it to nobody
    random = os.urandom(8 * len(decided))
    nonces = [int.from_bytes(random[at : at + 8], "little") for at in range(0, len(random), 8)]
    rows = zip(
        nonces,
        decided.titles,
        decided.chosen_artworks,
        decided.artworks,
        _digits(decided.propensities, PROPENSITY_DIGITS),
        decided.explored.tolist(),
        decided.terms(),
        _digits(decided.features[:, :PERSONAL], FEATURE_DIGITS),
        _digits(decided.features[:, PERSONAL], FEATURE_DIGITS),
        _digits(decided.chosen_multiplier, MULTIPLIER_DIGITS),
        _digits(decided.chosen_expected, EXPECTED_DIGITS),
        strict=True,
    )
    return tuple(
        [
            Decision(
                id=decision_id(viewer, title, nonce),
                title=title,
                artwork=artwork,
                candidates=candidates,
                propensities=tuple(propensities[: len(candidates)]),
                explored=explored,
                terms=terms,
                features=tuple(features),
                personal=personal,
                multiplier=multiplier,
                expected=expected,
            )
            for (
                nonce,
                title,
                artwork,
                candidates,
                propensities,
                explored,
                terms,
                features,
                personal,
                multiplier,
                expected,
            ) in rows
        ]
    )


def told(
    decisions: tuple[Decision, ...],
    *,
    policy: str,
    explore_share: float,
    taste: TasteArray | None,
    view: CatalogueView,
    why: bool,
) -> tuple[Chosen, ...]:
    """Return the decisions as the caller is told them.

    Parameters
    ----------
    taste
        The viewer's, shape (1,); None when it is not known.
    why
        Whether to make the sentences.
    """
    known = [view.known(each.title, each.artwork) for each in decisions]
    if why:
        interests = closest(decisions, known, taste, view)
        sentences = [
            explain(each, policy=policy, explore_share=explore_share, interest=interest)
            for each, interest in zip(decisions, interests, strict=True)
        ]
    else:
        sentences = [""] * len(decisions)
    return tuple(
        [
            Chosen(
                id=each.id,
                title=each.title,
                artwork=each.artwork,
                image=its.image if its else "",
                propensity=each.propensity,
                explored=each.explored,
                why=sentence,
            )
            for each, its, sentence in zip(decisions, known, sentences, strict=True)
        ]
    )


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


def _digits(values: NDArray[np.floating], digits: int) -> list[Any]:
    scale = 10.0**digits
    wide = values.astype(np.float64)
    wide *= scale
    np.rint(wide, out=wide)
    wide /= scale
    rounded: list[Any] = wide.tolist()
    return rounded
