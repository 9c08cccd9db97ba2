"""Other people's bandits on a table, where they are installed: what keyart is compared with."""

import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from keyart.models.context.sums import Array
from keyart.models.context.table import Maker, TableLearner

VW: Final = {
    "vw squarecb": "--squarecb",
    "vw epsilon": "--epsilon 0.05",
    "vw bag": "--bag 5",
    "vw regcb": "--regcbopt",
}
"""Vowpal Wabbit's four, each with its own defaults."""
MAB: Final = ("LinUCB", "LinTS")


def installed() -> Iterator[tuple[str, Maker]]:
    """Yield the name and maker of each bandit that can be played here."""
    if find_spec("vowpalwabbit") is not None:
        for name, options in VW.items():
            yield name, _vw(options)
    if find_spec("mabwiser") is not None:
        for name in MAB:
            yield f"mabwiser {name}", _mabwiser(name)
    yield "logistic thompson", _LogisticThompson


def missing() -> list[str]:
    """Return the packages that are not installed, and so are not compared with."""
    return [name for name in ("vowpalwabbit", "mabwiser") if find_spec(name) is None]


class _Vowpal:
    """Costs are 1 - reward, weighted by the probability it gave, as its own examples do."""

    def __init__(self, options: str, actions: int, seed: int) -> None:
        import vowpalwabbit

        self._vw = vowpalwabbit.Workspace(
            f"--cb_explore {actions} {options} --quiet --random_seed {seed}"
        )
        self._shares = np.zeros(actions)

    def propensities(self, x: Array) -> Array:
        shares = np.array(self._vw.predict(_text(x[0])), np.float64)
        self._shares = shares / shares.sum()
        return self._shares[None]

    def learn(self, x: Array, action: int, reward: float) -> None:
        share = max(float(self._shares[action]), 1e-6)
        self._vw.learn(f"{action + 1}:{1.0 - reward}:{share:.6f} {_text(x)}")


class _LogisticThompson:
    """A logistic regression an arm with a diagonal Laplace posterior, one draw a row.

    Algorithm 3 of Chapelle and Li, NeurIPS 2011, with its regularisation of 1.
    """

    def __init__(self, actions: int, features: int, seed: int) -> None:
        self._mean = np.zeros((actions, features))
        self._precision = np.ones((actions, features))
        self._rng = np.random.default_rng([seed, 1])

    def propensities(self, x: Array) -> Array:
        drawn = self._rng.normal(self._mean, self._precision**-0.5)
        shares = np.zeros((1, len(drawn)))
        shares[0, (drawn @ x[0]).argmax()] = 1.0
        return shares

    def learn(self, x: Array, action: int, reward: float) -> None:
        mean, precision = self._mean[action], self._precision[action]
        # the mode lies along x in the metric of the precision: one number is sought
        along = x / precision
        width, start = float(x @ along), float(x @ mean)

        def slope(step: float) -> float:
            return step - (reward - float(expit(start + step * width)))

        step = float(brentq(slope, -1.0, 1.0))
        self._mean[action] = mean + step * along
        chance = float(expit(start + step * width))
        precision += x * x * chance * (1.0 - chance)


class _Mabwiser:
    """One fit on the first row, then a partial fit a row."""

    def __init__(self, name: str, actions: int, seed: int) -> None:
        from mabwiser.mab import MAB as Bandit
        from mabwiser.mab import LearningPolicy

        policies = {"LinUCB": LearningPolicy.LinUCB(alpha=1.0), "LinTS": LearningPolicy.LinTS()}
        self._bandit = Bandit(list(range(actions)), policies[name], seed=seed)
        self._actions = actions
        self._fitted = False

    def propensities(self, x: Array) -> Array:
        if not self._fitted:
            return np.full((1, self._actions), 1.0 / self._actions)
        shares = np.zeros((1, self._actions))
        shares[0, self._bandit.predict(x)] = 1.0
        return shares

    def learn(self, x: Array, action: int, reward: float) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = self._bandit.partial_fit if self._fitted else self._bandit.fit
            fit([action], [reward], [x.tolist()])
        self._fitted = True


def _vw(options: str) -> Maker:
    def make(actions: int, features: int, seed: int) -> TableLearner:
        return _Vowpal(options, actions, seed)

    return make


def _mabwiser(name: str) -> Maker:
    def make(actions: int, features: int, seed: int) -> TableLearner:
        return _Mabwiser(name, actions, seed)

    return make


def _text(x: Array) -> str:
    """Return features as Vowpal Wabbit reads them; it has a constant of its own."""
    told: list[Any] = [f"{at}:{value:.6g}" for at, value in enumerate(x[1:].tolist()) if value]
    return "| " + " ".join(told)
