"""The whole measurement: viewers held back, planners and recommenders judged on them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy import sparse

from keyart.models.serendipity.cases import SHARE, SHARES, Ways
from keyart.models.serendipity.grounds import IALS, TASTE
from keyart.models.serendipity.language.planner import Asked, Language
from keyart.models.serendipity.language.questions import Successors
from keyart.models.serendipity.making import Fitted
from keyart.models.serendipity.measure.grounding import Pages
from keyart.models.serendipity.measure.items import DOSE, Served, serve
from keyart.models.serendipity.measure.items import joined as joined_items
from keyart.models.serendipity.measure.plan import BASELINE, Marks, joined, judge_plans
from keyart.models.serendipity.measure.serving import as_served, stale, written
from keyart.models.serendipity.planners.fitted import fit_planners
from keyart.models.serendipity.planners.hierarchical import Bandit
from keyart.models.serendipity.planners.protocol import Planner
from keyart.models.serendipity.recommend.ials import Ials, engaged_by
from keyart.models.serendipity.recommend.pages import PAGE
from keyart.models.serendipity.vocabulary.terms import count_terms, fit_projection
from keyart.models.serendipity.vocabulary.vocabulary import (
    Report,
    Vocabulary,
    build_vocabulary,
    report_on,
)
from keyart.models.serendipity.world import NOBODY, Floats, Ints, World
from keyart.schemas.errors import InvalidRecord

FOLDS: Final = 5
ACTING: Final = ("co-occurrence", "blend")
"""Planners whose proposals are turned into titles."""
SERVING: Final = "blend"
"""The planner whose table is judged as it serves."""
AS_SERVED: Final = "as served, by "
"""What the service's own pages are listed as, before what takes their titles."""
DOSED: Final = (
    f"as served with dose, {DOSE} of {PAGE}, rest by ials",
    f"as served with dose, {DOSE} of {PAGE}, rest free",
)
"""Whole pages: a site's own with proposals in some places, and the service's at such a dose."""
Told = Callable[[str, int, int], None]


class Judged(NamedTuple):
    """What was measured: on how many viewers, in how many clusters, and the marks."""

    viewers: int
    vocabulary: Report
    plans: dict[str, Marks]
    items: dict[str, Served]
    trust: dict[str, float]


class Fold(NamedTuple):
    """Viewers who teach, and viewers who are judged."""

    teaching: list[int]
    judged: list[int]


def folds_of(
    teaching: Sequence[int], judged: Sequence[int], *, seed: int = 0, folds: int = FOLDS
) -> list[Fold]:
    """Return who is judged by whom: the judged by the others, or, if none, a fifth by the rest.

    Raises
    ------
    InvalidRecord
        There are fewer viewers than folds.
    """
    if judged:
        return [Fold(sorted(teaching), sorted(judged))]
    if len(teaching) < folds:
        raise InvalidRecord(f"{len(teaching)} viewers are too few to hold some back")
    order = np.random.default_rng(seed).permutation(sorted(teaching))
    made = []
    for at in range(folds):
        apart = sorted(order[at::folds].tolist())
        made.append(Fold(np.setdiff1d(order, apart).tolist(), apart))
    return made


def vocabulary_of(
    world: World, teaching: Sequence[int], *, clusters: int, seed: int = 0
) -> tuple[Vocabulary, Floats, Ints]:
    """Return a vocabulary of what these viewers, or the catalogue, said of titles.

    Titles of which only others said something are in no cluster.
    """
    heard = (world.said_by == NOBODY) | np.isin(world.said_by, np.asarray(teaching, np.int64))
    return build_vocabulary(
        world.said_of[heard],
        world.said[heard],
        titles=len(world.titles),
        terms=world.terms,
        clusters=clusters,
        seed=seed,
    )


def vectors_of(world: World) -> Floats:
    """Return (T, D) what is said of titles as vectors; of zeros where no two share a term."""
    counts = count_terms(
        world.said_of, world.said, titles=len(world.titles), terms=len(world.terms)
    )
    try:
        projection, kept = fit_projection(counts, world.terms)
    except InvalidRecord:
        return np.zeros((len(world.titles), 1))
    return projection.place(sparse.csr_matrix(counts[:, kept]))


def evaluate(
    world: World,
    folds: Sequence[Fold],
    *,
    clusters: int,
    seed: int = 0,
    language: Asked | None = None,
    told: Told = lambda *_: None,
) -> Judged:
    """Return the marks of every planner and recommender on the viewers held back.

    Parameters
    ----------
    language
        A language model that answers a planner's questions; it must not have seen those judged.

    Raises
    ------
    InvalidRecord
        Nobody who was held back enters a new cluster later.
    """
    plans, served, trusts, sizes = [], [], [], []
    viewers = 0
    for at, fold in enumerate(folds):
        told("viewers held back", at, len(folds))
        vocabulary, vectors, labels = vocabulary_of(
            world, fold.teaching, clusters=clusters, seed=seed
        )
        sizes.append(report_on(labels, len(vocabulary.names)))
        planners, memory = fit_planners(world, labels, vocabulary.centres, fold.teaching, seed=seed)
        ways = Ways(world, labels, seed=seed)
        if language is not None:
            planners.append(asking(language, vocabulary, ways, fold.teaching, planners))
        cases = ways.cases(fold.judged, SHARE)
        if not cases:
            continue
        engaged = engaged_by(world, labels, fold.teaching)
        ials = Ials(engaged, seed=seed)
        fitted = Fitted(
            vocabulary=vocabulary,
            labels=labels,
            planner=next(each for each in planners if each.name == SERVING),
            memory=memory,
            ways=ways,
            teaching=fold.teaching,
            factors=ials.titles,
        )
        table = written(world, fitted)
        planners += as_served(table, seed=seed)
        if (before := stale(table, world, fitted, vocabulary.centres, seed=seed)) is not None:
            planners.append(before)
        taught = [case for share in SHARES for case in ways.cases(fold.teaching, share)]
        planners.append(Bandit(vocabulary.centres, taught, seed=seed))
        viewers += len(cases)
        plans.append(judge_plans(planners, cases, memory, vocabulary.names))
        trusts += list(_trusts(planners))
        named = {each.name: each for each in planners if each.name in ACTING}
        pages = Pages(table, world, vectors, ways)
        made = {f"{AS_SERVED}{by}": pages.of(cases, by) for by in (TASTE, IALS)}
        made[DOSED[1]] = pages.of(cases, IALS, share=DOSE / PAGE)
        among = {DOSED[0]: f"{AS_SERVED}{IALS}"}
        served.append(
            serve(
                *(cases, engaged, labels, vectors, named),
                ials=ials,
                made=made,
                among=among,
                seed=seed,
            )
        )
    told("viewers held back", len(folds), len(folds))
    if not plans:
        raise InvalidRecord("none of the viewers held back enters a new cluster later")
    return Judged(
        viewers=viewers,
        vocabulary=sizes[0],
        plans=joined(plans),
        items=joined_items(served),
        trust={name: float(np.mean([each[name] for each in trusts])) for name in trusts[0]},
    )


def asking(
    language: Asked,
    vocabulary: Vocabulary,
    ways: Ways,
    teaching: Sequence[int],
    planners: Sequence[Planner],
) -> Language:
    """Return a language model as a planner, among what co-occurrence proposes."""
    shortlist = next(each for each in planners if each.name == BASELINE)
    successors = Successors(ways.sequence(viewer).order for viewer in teaching)
    return Language(vocabulary, shortlist, successors, language)


def _trusts(planners: Sequence[object]) -> Iterator[dict[str, float]]:
    for each in planners:
        if (trust := getattr(each, "trust", None)) is not None:
            yield trust.shares()
