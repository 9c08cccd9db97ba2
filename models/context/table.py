"""A classification table as a bandit: one action a class, reward 1 for the right one.

Progressive validation (Blum, Kalai and Langford, COLT 1999): each row is first answered and then
learned, so every answer is to a row that was not known. A bandit learns what came of its own answer
alone; the ceiling is told the right answer each time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from keyart.models.bandits.protocol import Policy
from keyart.models.context.columns import Column, encoding_of
from keyart.models.context.learner import ContextLearner
from keyart.models.context.posterior import believe
from keyart.models.context.sums import ArmSums, Array, Numbers
from keyart.models.statistics.bootstrap import ratio_interval
from keyart.models.statistics.interval import Interval
from keyart.schemas.errors import InvalidRecord

MOST_CLASSES: Final = 100
MOST_ROWS: Final = 20_000


class TableLearner(Protocol):
    """Answers a row of features (D,), and learns what came of it."""

    def propensities(self, x: Array) -> Array:
        """Return (1, K) the probabilities of the answers, of features (1, D)."""
        ...

    def learn(self, x: Array, action: int, reward: float) -> None:
        """Take in features (D,), the answer, and 1.0 or 0.0; told its propensity before."""
        ...


Maker = Callable[[int, int, int], TableLearner]
"""From (K, D, seed) to a learner that knows nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledTable:
    """N rows of features (N, D), the first of them 1, and their classes (N,), 0 to K - 1."""

    features: Array
    label: Numbers
    classes: tuple[str, ...]
    left_out: int = 0


def labelled(columns: Mapping[str, Column], label: str) -> LabelledTable:
    """Return a table with one of its columns as the class; rows without one are left out.

    Raises
    ------
    InvalidRecord
        There is no such column, fewer than 2 classes or more than 100, or no other column varies.
    """
    if label not in columns:
        raise InvalidRecord(f"there is no column {label!r}; there are {', '.join(columns)}")
    given = columns[label]
    present = (
        np.isfinite(given.astype(np.float64))
        if given.dtype.kind == "f"
        else np.array([each is not None and str(each).strip() != "" for each in given.tolist()])
    )
    names, at = np.unique(
        np.array([_name(each) for each in given[present].tolist()]), return_inverse=True
    )
    if not 2 <= len(names) <= MOST_CLASSES:
        raise InvalidRecord(
            f"column {label!r} has {len(names)} classes; a bandit needs 2 to {MOST_CLASSES}"
        )
    others = {name: column[present] for name, column in columns.items() if name != label}
    encoding = encoding_of(others)
    if not encoding.columns:
        raise InvalidRecord("no column but the label varies: there is nothing to learn from")
    features = encoding.encode(others, int(present.sum()))
    return LabelledTable(
        features=features,
        label=at.astype(np.intp),
        classes=tuple(map(str, names)),
        left_out=int((~present).sum()),
    )


def _name(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def keyart_maker(policy: Policy) -> Maker:
    """Return what makes keyart's learner with one of its policies."""

    def make(actions: int, features: int, seed: int) -> TableLearner:
        return ContextLearner(policy=policy, actions=actions, features=features, mean=1.0 / actions)

    return make


def play(table: LabelledTable, make: Maker, order: Numbers, seed: int) -> Array:
    """Return (len(order),) 1.0 where the answer was wrong, for rows in this order.

    Answers are drawn from the learner's probabilities, seeded.
    """
    actions, rng = len(table.classes), np.random.default_rng(seed)
    learner = make(actions, table.features.shape[1], seed)
    uniform = rng.random(len(order))
    wrong = np.zeros(len(order))
    for number, row in enumerate(order):
        x = table.features[row]
        shares = learner.propensities(x[None])[0].cumsum()
        answer = int(np.searchsorted(shares, uniform[number] * shares[-1], side="right"))
        answer = min(answer, actions - 1)
        right = answer == table.label[row]
        wrong[number] = 0.0 if right else 1.0
        learner.learn(x, answer, 1.0 if right else 0.0)
    return wrong


def ceiling(table: LabelledTable, order: Numbers) -> Array:
    """Return (len(order),) 1.0 where a learner that is told every right answer was wrong.

    The same hierarchy of linear models on the same features, greedy, inferred anew whenever a
    fiftieth more rows are known.
    """
    actions = len(table.classes)
    wrong = np.zeros(len(order))
    sums = ArmSums.empty(actions, table.features.shape[1])
    done = 0
    while done < len(order):
        block = order[done : done + max(1, done // 50)]
        x, label = table.features[block], table.label[block]
        means = believe(sums, mean=1.0 / actions).means(x)
        wrong[done : done + len(block)] = means.argmax(axis=1) != label
        gram = x.T @ x
        for arm in range(actions):
            y = (label == arm).astype(np.float64)
            sums.gram[arm] += gram
            sums.moment[arm] += x.T @ y
            sums.squares[arm] += y.sum()
            sums.count[arm] += len(block)
        done += len(block)
    return wrong


def regret(wrong: Array, *, seed: int = 0) -> Interval:
    """Return the share of wrong answers with its 95 % interval.

    Parameters
    ----------
    wrong
        (S, N) by row of the table, over S shuffles; nan where a shuffle did not play the row.
        Rows are drawn again, each with all its shuffles.
    """
    played = np.isfinite(wrong)
    times = played.sum(axis=0)
    total = np.where(played, wrong, 0.0).sum(axis=0)
    each = total[times > 0] / times[times > 0]
    return ratio_interval(each, np.ones(len(each)), seed=seed)
