"""How pages of ten titles serve viewers who were held back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import sparse

from keyart.models.serendipity.cases import Case
from keyart.models.serendipity.histories import counts_of
from keyart.models.serendipity.measure.plan import ORACLE
from keyart.models.serendipity.planners.novelty import proposals
from keyart.models.serendipity.planners.protocol import Planner
from keyart.models.serendipity.recommend.ials import Ials
from keyart.models.serendipity.recommend.pages import PAGE, best, dosed, dpp, mmr, restricted
from keyart.models.serendipity.vocabulary.terms import unit
from keyart.models.serendipity.world import Floats, Ints

OBVIOUS: Final = 50
"""Titles among so many of the most popular, or of iALS's best for the viewer, surprise nobody."""
PROPOSED: Final = 5
DOSE: Final = 2
"""Slots of ten that a dosed page gives to proposals."""


@dataclass(slots=True, kw_only=True)
class Served:
    """A recommender's figures, one for each viewer judged.

    `hit` and `ndcg` count later titles in clusters that were unexplored, `any_hit` all later
    titles; `pairs` are the unexplored clusters engaged with from the page, `shown` its titles,
    `serendipity` the titles that were engaged with, unexplored and not obvious; `alike` is the mean
    cosine within the page, `unexpected` one less the mean cosine with what was seen.
    """

    hit: Floats
    ndcg: Floats
    any_hit: Floats
    pairs: Floats
    shown: Floats
    serendipity: Floats
    alike: Floats
    unexpected: Floats


def serve(
    cases: Sequence[Case],
    engaged: sparse.csr_matrix,
    labels: Ints,
    vectors: Floats,
    planners: Mapping[str, Planner],
    *,
    ials: Ials | None = None,
    made: Mapping[str, Sequence[Ints]] | None = None,
    among: Mapping[str, str] | None = None,
    seed: int = 0,
) -> dict[str, Served]:
    """Return every recommender's figures on these cases.

    Parameters
    ----------
    engaged
        (V, T) what the viewers who teach engaged with.
    labels, vectors
        (T,) clusters of titles, (T, D) unit vectors; only titles in a cluster are shown.
    planners
        By the name under which iALS restricted to their proposals is listed.
    ials
        As it was fitted on what they engaged with; else it is.
    made
        Pages of each case that were made elsewhere, by name.
    among
        By name, which of those pages has its first titles among iALS's, in the last places.
    """
    ials = Ials(engaged, seed=seed) if ials is None else ials
    rows = np.repeat(np.arange(len(cases)), [len(case.titles) for case in cases])
    seen = np.concatenate([np.array(case.titles, np.int64) for case in cases])
    before = sparse.csr_matrix((np.ones(len(rows)), (rows, seen)), (len(cases), engaged.shape[1]))
    told = ials.scores(before)
    taste = unit(np.asarray(before @ vectors)) @ vectors.T
    popular: Floats = np.asarray(engaged.sum(axis=0), np.float64).ravel()
    chance = np.random.default_rng(seed).random(told.shape)
    nowhere = labels < 0
    for scores in (told, taste, chance):
        scores[:, nowhere] = -np.inf
    popular = np.where(nowhere, -np.inf, popular)
    histories = [case.history for case in cases]
    clusters = int(labels.max()) + 1
    explored = counts_of(histories, clusters) > 0.0
    plans: dict[str, Sequence[Ints]] = {
        name: list(proposals(each.scores(histories), explored, PROPOSED))
        for name, each in planners.items()
    }
    plans[ORACLE] = [np.array(case.targets[:PROPOSED], np.int64) for case in cases]
    figures: dict[str, list[tuple[float, ...]]] = {}
    for at, case in enumerate(cases):
        its: Ints = np.array(case.titles, np.int64)
        free = best(told[at], its)
        pages = {
            "random": best(chance[at], its),
            "popular": best(popular, its),
            "ials": free,
            "taste vectors": best(taste[at], its),
            "mmr": mmr(told[at], its, vectors),
            "dpp": dpp(told[at], its, vectors),
        }
        for name, plan in plans.items():
            within = restricted(told[at], its, labels, plan[at].tolist())
            pages[f"ials restricted by {name}"] = within
            pages[f"ials with a dose by {name}"] = dosed(free, within, DOSE)
        pages |= {name: each[at] for name, each in (made or {}).items()}
        pages |= {name: dosed(free, pages[whose], DOSE) for name, whose in (among or {}).items()}
        obvious = set(best(popular, its, OBVIOUS).tolist())
        obvious |= set(best(told[at], its, OBVIOUS).tolist())
        for name, page in pages.items():
            figures.setdefault(name, []).append(_figures(page, case, labels, vectors, obvious))
    return {
        name: Served(**dict(zip(Served.__slots__, np.array(its).T, strict=True)))
        for name, its in figures.items()
    }


def joined(folds: Sequence[Mapping[str, Served]]) -> dict[str, Served]:
    """Return the figures of all folds' viewers together."""
    return {
        name: Served(
            **{
                each: np.concatenate([getattr(fold[name], each) for fold in folds])
                for each in Served.__slots__
            }
        )
        for name in folds[0]
    }


def _figures(
    page: Ints, case: Case, labels: Ints, vectors: Floats, obvious: set[int]
) -> tuple[float, ...]:
    later, known = set(case.later), set(case.history.order)
    hits = np.array([float(at in later) for at in page.tolist()])
    new = hits * np.array([float(labels[at] not in known) for at in page.tolist()])
    surprising = sum(
        bool(n) and at not in obvious for at, n in zip(page.tolist(), new, strict=True)
    )
    discounts = 1.0 / np.log2(np.arange(2, PAGE + 2))
    fitting = sum(labels[at] not in known for at in later)
    its = vectors[page]
    close = its @ its.T
    many = len(page)
    alike = (close.sum() - np.trace(close)) / max(many * (many - 1), 1)
    seen = unit(vectors[list(case.titles)].mean(axis=0)[None])[0]
    return (
        float(new.any()),
        float(new @ discounts[:many] / discounts[: min(fitting, PAGE)].sum()),
        float(hits.any()),
        float(len({int(labels[at]) for at, n in zip(page.tolist(), new, strict=True) if n})),
        float(many),
        float(surprising),
        float(alike),
        float(1.0 - (its @ seen).mean()) if many else 0.0,
    )
