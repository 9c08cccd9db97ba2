"""keyart in a notebook: a policy that chooses an arm for a context, and learns what came of it.

The learner is the one that `keyart evaluate bandit` plays beside others', the choice is made by a
policy that serves a site, and what is drawn is drawn from the propensities that are returned.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from keyart.models.bandits.protocol import choose
from keyart.models.bandits.registry import DEFAULT_POLICY, build_policy
from keyart.models.context.columns import Column, Encoding, encoding_of
from keyart.models.context.frames import Row, check_row, columns_of, encoded, plain_row
from keyart.models.context.learner import ContextLearner
from keyart.models.context.sums import Array, Numbers
from keyart.schemas.errors import InvalidRecord, UnknownName

MOST_ARMS: Final = 100
SETTLING: Final = (16, 64, 256, 1024)
"""After so many rows the columns are looked at again; after the last of them they stay."""
NOTHING_KNOWN: Final = Encoding(())
Kept = tuple[dict[str, float | str | None], int, float]
"""A context, the number of the arm, and what came of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One choice, to be handed to `learn` with what came of it.

    Parameters
    ----------
    arm
        What was chosen.
    propensity
        With which probability; above 0. To be logged: it is what a log can be judged by.
    propensities
        Those of all arms; 0 where an arm was not among those allowed.
    context
        As it was given.
    """

    arm: str
    propensity: float
    propensities: Mapping[str, float] = field(repr=False)
    context: Row = field(repr=False)


class ContextPolicy:
    """Chooses one of K arms for a context of any kind, and learns from rewards of 0 to 1.

    Parameters
    ----------
    arms
        1 to 100 different names.
    context
        A data frame (or mapping of columns, or list of rows) of contexts as they will come: how
        its columns become features is settled by it. Without one, the first 1,024 rows that are
        learned from settle it, and are learned anew at 16, 64, 256 and 1,024.
    policy
        The name of a policy of keyart's (`keyart settings` lists them).
    seed
        Of what is drawn: the same calls with the same seed choose the same.
    **parameters
        Of the policy.

    Raises
    ------
    InvalidRecord
        The arms are no 1 to 100 different names, or the seed is negative.
    UnknownName
        No policy is called that.
    SettingsError
        The policy has no such parameter, or it is out of its range.

    Notes
    -----
    At most 128 features; a learner of K arms and D features holds about 40 K D^2 bytes.

    Examples
    --------
    >>> policy = ContextPolicy(["stars", "faces"], seed=7)
    >>> for hour in range(40):
    ...     choice = policy.decide({"evening": hour % 2 == 0})
    ...     liked = (choice.arm == "faces") == choice.context["evening"]
    ...     policy.learn(choice, 1.0 if liked else 0.0)
    >>> policy.decide({"evening": True}).propensities["faces"] > 0.9
    True
    """

    def __init__(
        self,
        arms: Iterable[str],
        *,
        context: Any = None,
        policy: str = DEFAULT_POLICY,
        seed: int = 0,
        **parameters: float | str,
    ) -> None:
        self.arms = _names(arms)
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise InvalidRecord(f"the seed is {seed!r}, must be a whole number of at least 0")
        self.seed, self.draws = seed, 0
        self.policy, self.parameters = build_policy(policy, **parameters), dict(parameters)
        self.kept: list[Kept] | None = []
        self._random = np.random.Generator(np.random.PCG64(seed))
        self._begin(NOTHING_KNOWN)
        if context is not None:
            columns, _ = columns_of(context)
            self._settle(columns)

    @property
    def rows(self) -> int:
        """How many rows it has learned from."""
        return self.learner.rows

    def __repr__(self) -> str:
        """Return what it is, on one line."""
        shape = f"{len(self.arms)} arms, {self.encoding.width} features, {self.rows} rows"
        return f"<keyart.ContextPolicy {self.policy.name}: {shape}>"

    def decide(self, context: Row | None = None, *, among: Iterable[str] | None = None) -> Choice:
        """Return a choice for one context, drawn from the policy's exact propensities.

        Parameters
        ----------
        context
            Names to numbers, texts, true or false; None, nan or a name left out is missing.
        among
            The arms that may be chosen; all, if not given.

        Raises
        ------
        InvalidRecord
            The context is no mapping of names, or nothing may be chosen.
        UnknownName
            One of `among` is no arm.
        """
        given = dict(context or {}) if isinstance(context, Mapping | None) else context
        check_row(given)
        shares = self._shares(*columns_of([given]), among)
        at = int(choose(shares, self._random.random(1))[0])
        self.draws += 1
        told = dict(zip(self.arms, shares[0].tolist(), strict=True))
        return Choice(
            arm=self.arms[at],
            propensity=told[self.arms[at]],
            propensities=told,
            context=given,
        )

    def propensities(self, contexts: Any, *, among: Iterable[str] | None = None) -> Array:
        """Return (N, K) exact probabilities of the arms, for a frame of N contexts; draws nothing.

        Raises
        ------
        InvalidRecord
            It is no data frame, or nothing may be chosen.
        UnknownName
            One of `among` is no arm.
        """
        return self._shares(*columns_of(contexts), among)

    def learn(self, choice: Choice, reward: float) -> None:
        """Take in what came of a choice; choices may be learned late, and in any order.

        Raises
        ------
        InvalidRecord
            The reward is not in 0 to 1.
        UnknownName
            Its arm is none of this policy's.
        """
        at, value = self._at(choice.arm), float(_rewards([reward])[0])
        x = encoded(self.encoding, *columns_of([choice.context]))
        self.learner.learn(x[0], at, value)
        if self.kept is None:
            return
        self.kept.append((plain_row(choice.context), at, value))
        if len(self.kept) in SETTLING:
            columns, _ = columns_of([context for context, *_ in self.kept])
            self._settle(columns, last=len(self.kept) == SETTLING[-1])

    def learn_all(self, contexts: Any, arms: Iterable[object], rewards: Iterable[float]) -> None:
        """Take in a log at once: a frame of N contexts, the arms that were shown, what came of it.

        Where no frame has settled what the columns are, this one does.

        Raises
        ------
        InvalidRecord
            The three are not of one length, or a reward is not in 0 to 1.
        UnknownName
            An arm is none of this policy's.
        """
        columns, count = columns_of(contexts)
        at = np.array([self._at(str(each)) for each in arms], np.intp)
        values = _rewards(rewards)
        if not columns and count == 0:
            count = len(at)
        if not len(at) == len(values) == count:
            raise InvalidRecord(f"{count} contexts, {len(at)} arms and {len(values)} rewards")
        if count == 0:
            return
        if self.kept is not None and columns:
            self._settle(columns)
        self.learner.learn_all(encoded(self.encoding, columns, count), at, values)

    def save(self, path: str | Path) -> None:
        """Write it as one safetensors file, whole or not at all; `load` reads it."""
        from keyart.models.context.stored import write

        write(self, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> "ContextPolicy":
        """Return the policy of a file: it goes on as the saved one would have.

        Raises
        ------
        NotFound
            There is no such file.
        ModelRejected
            The file is not one that `save` wrote, or was changed since.
        """
        from keyart.models.context.stored import read

        return read(Path(path))

    def restore(self, encoding: Encoding, kept: list[Kept] | None, draws: int) -> None:
        """Stand where a policy of this seed stood after so many choices, its learner empty."""
        bits = np.random.PCG64(self.seed)
        bits.advance(draws)
        self._random, self.draws, self.kept = np.random.Generator(bits), draws, kept
        self._begin(encoding)

    def _begin(self, encoding: Encoding) -> None:
        self.encoding = encoding
        self.learner = ContextLearner(
            policy=self.policy,
            actions=len(self.arms),
            features=encoding.width,
            mean=1.0 / len(self.arms),
        )

    def _settle(self, columns: Mapping[str, Column], *, last: bool = True) -> None:
        """Encode by these columns from now on, and learn what is kept anew."""
        kept = self.kept or []
        self._begin(encoding_of(columns))
        if kept:
            found, count = columns_of([context for context, *_ in kept])
            at: Numbers = np.array([each for _, each, _ in kept], np.intp)
            rewards = np.array([each for *_, each in kept])
            self.learner.learn_all(encoded(self.encoding, found, count), at, rewards)
        if last:
            self.kept = None

    def _shares(
        self, columns: Mapping[str, Column], rows: int, among: Iterable[str] | None
    ) -> Array:
        allowed = np.ones((rows, len(self.arms)), np.bool_)
        if among is not None:
            allowed[:] = False
            allowed[:, [self._at(each) for each in among]] = True
            if not allowed.any():
                raise InvalidRecord("among is empty: there is nothing to choose")
        return self.learner.propensities(encoded(self.encoding, columns, rows), allowed)

    def _at(self, arm: str) -> int:
        if arm not in self.arms:
            raise UnknownName(f"no arm is called {arm!r:.80}")
        return self.arms.index(arm)


def _names(arms: Iterable[str]) -> tuple[str, ...]:
    names = () if isinstance(arms, str) else tuple(arms)
    if not 1 <= len(names) <= MOST_ARMS or len(set(names)) < len(names):
        raise InvalidRecord(f"arms are 1 to {MOST_ARMS} different names, not {arms!r:.80}")
    for name in names:
        if not isinstance(name, str) or not 0 < len(name) <= 256:
            raise InvalidRecord(f"an arm's name is a text of 1 to 256, not {name!r:.80}")
    return names


def _rewards(rewards: Iterable[float]) -> Array:
    try:
        values = np.asarray(list(rewards), np.float64)
    except (TypeError, ValueError):
        raise InvalidRecord("a reward is a number from 0 to 1") from None
    if not ((values >= 0.0) & (values <= 1.0)).all():
        wrong = values[~((values >= 0.0) & (values <= 1.0))][0]
        raise InvalidRecord(f"a reward is {wrong}, must be from 0 to 1: divide by the largest")
    return values
