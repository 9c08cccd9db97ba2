"""How well planners foresee the clusters that viewers enter later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from keyart.models.serendipity.cases import Case
from keyart.models.serendipity.histories import counts_of
from keyart.models.serendipity.memory import Memory
from keyart.models.serendipity.planners.novelty import Flags, bits_of, knob_at, proposals, turned
from keyart.models.serendipity.planners.protocol import Planner
from keyart.models.serendipity.world import Floats, Ints
from keyart.models.statistics.bootstrap import Worlds, ratio_interval
from keyart.models.statistics.interval import Interval

BASELINE: Final = "co-occurrence"
ORACLE: Final = "oracle"
STEPS: Final = (0.0, 0.25, 0.5, 1.0)
"""Bits above those of co-occurrence as it is, at which the curve is read."""
DEPTH: Final = 10


@dataclass(slots=True, kw_only=True)
class Marks:
    """A planner's marks, one for each viewer judged.

    `curve` has, for each of `STEPS`, hit@5 where the planner is turned to so many bits. `equal` is
    hit@5 of co-occurrence where the planner has its bits: co-occurrence as it is where that has
    as many, or turned to as many, whichever hits more viewers.
    `exact` is 1 where all that was answered stands in the vocabulary, letter by letter.
    """

    hit1: Floats
    hit5: Floats
    recall10: Floats
    ndcg10: Floats
    bits: Floats
    exact: Floats
    curve: Floats
    equal: Floats


def judge_plans(
    planners: Sequence[Planner],
    cases: Sequence[Case],
    memory: Memory,
    names: Sequence[str],
) -> dict[str, Marks]:
    """Return each planner's marks on these cases, and those of an oracle, who knows what comes.

    Parameters
    ----------
    memory
        Of viewers other than those of the cases: their ways say how common a cluster is.
    names
        The vocabulary, by cluster.

    Raises
    ------
    KeyError
        No planner is called `co-occurrence`.
    """
    histories = [case.history for case in cases]
    explored = counts_of(histories, memory.clusters) > 0.0
    entered: Flags = np.zeros(explored.shape, np.bool_)
    for row, case in enumerate(cases):
        entered[row, list(case.targets)] = True
    bits = bits_of(memory.reach)
    told = {each.name: each.scores(histories) for each in planners}
    told[ORACLE] = entered.astype(np.float64)
    usual = float(bits[proposals(told[BASELINE], explored, 5)].mean())
    marks = {}
    for name, scores in told.items():
        curve: list[Floats] = []
        for step in STEPS:
            knob = knob_at(scores, explored, bits, usual + step)
            if name == BASELINE and not step:
                knob = 0.0
            best = proposals(turned(scores, bits, knob), explored, 5)
            curve.append(_hit(entered, best))
        best = proposals(scores, explored, DEPTH)
        own = float(bits[best[:, :5]].mean())
        fair = proposals(told[BASELINE], explored, 5)
        even = turned(told[BASELINE], bits, knob_at(told[BASELINE], explored, bits, own))
        as_it_is, as_novel = _hit(entered, fair), _hit(entered, proposals(even, explored, 5))
        equal = as_novel if as_novel.sum() > as_it_is.sum() and name != BASELINE else as_it_is
        marks[name] = mark(
            best, entered, bits, np.array(curve), equal, answered(best, names), names
        )
    return marks


def answered(best: Ints, names: Sequence[str]) -> list[list[str]]:
    """Return what a planner that only knows clusters answers: their names."""
    return [[names[at] for at in row] for row in best]


def mark(
    best: Ints,
    entered: Flags,
    bits: Floats,
    curve: Floats,
    equal: Floats,
    answers: Sequence[Sequence[str]],
    names: Sequence[str],
) -> Marks:
    """Return the marks of ranked proposals, (N, 10), where (N, K) clusters were entered."""
    hits = np.take_along_axis(entered, best, axis=1).astype(np.float64)
    discounts = 1.0 / np.log2(np.arange(2, hits.shape[1] + 2))
    many = entered.sum(axis=1)
    ideal = np.array([discounts[: min(n, hits.shape[1])].sum() for n in many])
    known = set(names)
    return Marks(
        hit1=hits[:, 0],
        hit5=_hit(entered, best[:, :5]),
        recall10=np.asarray(hits.sum(axis=1) / many),
        ndcg10=np.asarray(hits @ discounts / ideal),
        bits=np.asarray(bits[best[:, :5]].mean(axis=1)),
        exact=np.array([float(all(each in known for each in row)) for row in answers]),
        curve=curve,
        equal=equal,
    )


def _hit(entered: Flags, best: Ints) -> Floats:
    return np.asarray(np.take_along_axis(entered, best, axis=1).any(axis=1), np.float64)


def joined(folds: Sequence[Mapping[str, Marks]]) -> dict[str, Marks]:
    """Return the marks of all folds' viewers together, planners in the first fold's order."""
    made = {}
    for name in folds[0]:
        if not all(name in fold for fold in folds):
            continue  # a table cannot be stale where a fold has no times to learn from
        parts = [fold[name] for fold in folds]
        made[name] = Marks(
            **{
                each: np.concatenate([getattr(part, each) for part in parts], axis=-1)
                for each in Marks.__slots__
            }
        )
    return made


def over(marks: Marks, *, seed: int = 0, worlds: Worlds | None = None) -> Interval | None:
    """Return hit@5 over co-occurrence's at equal self-information, as a ratio, paired by viewer.

    The planner stands as it serves; co-occurrence over the whole history is turned to the
    planner's bits, or left as it is if that hits more.

    Returns
    -------
    None where co-occurrence hits nothing.
    """
    if not marks.equal.any():
        return None
    return ratio_interval(marks.hit5, marks.equal, seed=seed, worlds=worlds)
