"""A log of choices as evaluation wants it: keyart's own archive, or anybody's table.

A table is wide (a row a choice) or long (a row a candidate, with a column that says which choice
it belongs to and one that says whether it was chosen).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from keyart.models.context.columns import Column, encoding_of
from keyart.models.context.sums import Array, Numbers
from keyart.models.ope.rows import Mask, Rows
from keyart.schemas.errors import InvalidRecord
from keyart.services.jobs.evaluation.columns import need
from keyart.services.jobs.evaluation.roles import (
    Names,
    actions_of,
    context_of,
    find,
    known,
    numbers,
    propensity_of,
    viewers_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedTable:
    """Choices with their context.

    Parameters
    ----------
    rows
        What was chosen, and what came of it.
    features
        (N, D), the first 1.
    logged
        (N, K) the propensity of every action where all of them are known, else None.
    actions
        K names.
    uniform
        Whether every allowed action was equally likely.
    scale
        Largest reward less the smallest, above 0.
    """

    rows: Rows
    features: Array
    logged: Array | None
    actions: tuple[str, ...]
    uniform: bool
    scale: float
    warnings: list[str] = field(default_factory=list)


def read_log(columns: dict[str, Column], path: Path, names: Names, *, most: int) -> LoggedTable:
    """Return the log in a table; of a longer one the first `most` rows.

    Raises
    ------
    InvalidRecord
        A column is missing, or a value in it cannot be used; `path` is named.
    """
    warnings: list[str] = []
    count = len(next(iter(columns.values())))
    if count > most:
        warnings.append(f"the first {most} of {count} rows are read")
        columns = {name: column[:most] for name, column in columns.items()}
    if names.decision:
        return _long(path, columns, names, warnings)
    return _wide(path, columns, names, warnings)


def _wide(path: Path, columns: dict[str, Column], names: Names, warnings: list[str]) -> LoggedTable:
    action_name, given = find(path, columns, names.action, "action")
    reward_name, rewarded = find(path, columns, names.reward, "reward")
    actions, action = actions_of(path, action_name, given)
    reward = numbers(path, reward_name, rewarded)
    used = {action_name, reward_name}
    share = propensity_of(path, columns, names, action, len(actions), warnings, used)
    cluster = viewers_of(columns, names, used)
    allowed = np.ones((len(action), len(actions)), np.bool_)
    return _made(
        path, columns, names, used, allowed, (action, reward, share), cluster, actions, warnings
    )


def _long(path: Path, columns: dict[str, Column], names: Names, warnings: list[str]) -> LoggedTable:
    decision = np.array(
        [str(each) for each in need(path, columns, names.decision, "--decision").tolist()]
    )
    _, first, of = np.unique(decision, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))  # decisions in the order in which they first stand
    of = rank[of]
    action_name, given = find(path, columns, names.action, "action")
    reward_name, rewarded = find(path, columns, names.reward, "reward")
    chosen = numbers(path, names.chosen, need(path, columns, names.chosen, "--chosen")) > 0.0
    actions, action = actions_of(path, action_name, given)
    count = len(first)
    if (wrong := np.bincount(of[chosen], minlength=count) != 1).any():
        row = int(np.sort(first)[int(wrong.argmax())]) + 1
        raise InvalidRecord(f"{path}: the decision at row {row} has not exactly one chosen row")
    allowed = np.zeros((count, len(actions)), np.bool_)
    allowed[of, action] = True
    at = np.flatnonzero(chosen)[np.argsort(of[chosen])]
    used = {action_name, reward_name, names.decision, names.chosen}
    logged = None
    if name := names.propensity or known(columns, "propensity"):
        used.add(name)
        all_shares = numbers(path, name, need(path, columns, name, "--propensity"))
        logged = np.zeros(allowed.shape)
        logged[of, action] = all_shares
        share = all_shares[at]
    else:
        share = 1.0 / allowed.sum(axis=1)
        warnings.append("no propensities: taken as uniform over each decision's rows")
    reward = numbers(path, reward_name, rewarded[at])
    kept = {name: column[at] for name, column in columns.items()}
    cluster = viewers_of(kept, names, used)
    return _made(
        path,
        kept,
        names,
        used,
        allowed,
        (action[at], reward, share),
        cluster,
        actions,
        warnings,
        logged,
    )


def _made(
    path: Path,
    columns: Mapping[str, Column],
    names: Names,
    used: set[str],
    allowed: Mask,
    told: tuple[Numbers, Array, Array],
    cluster: Numbers | None,
    actions: tuple[str, ...],
    warnings: list[str],
    logged: Array | None = None,
) -> LoggedTable:
    action, reward, share = told
    try:
        rows = Rows(
            action=action, reward=reward, propensity=share, allowed=allowed, cluster=cluster
        )
    except InvalidRecord as wrong:
        raise InvalidRecord(f"{path}: {wrong.message}") from None
    even = 1.0 / allowed.sum(axis=1)
    uniform = bool((np.abs(share / even - 1.0) < 0.01).all())
    if uniform and logged is None:
        logged = allowed * even[:, None]
    context = context_of(path, columns, names, used, reward, warnings)
    features = encoding_of(context, most=_room(len(actions))).encode(context, len(action))
    scale = float(reward.max() - reward.min()) or 1.0
    return LoggedTable(
        rows=rows,
        features=features,
        logged=logged,
        actions=actions,
        uniform=uniform,
        scale=scale,
        warnings=warnings,
    )


def _room(actions: int) -> int:
    """Return how many features there may be: the sums are quadratic in them, once an action."""
    return 128 if actions <= 20 else 48


def context_names(text: str) -> tuple[str, ...] | None:
    """Return the columns named in `a,b`; None for "" (all others), none for "-"."""
    if not text:
        return None
    parts: Sequence[str] = [] if text == "-" else text.split(",")
    return tuple(part.strip() for part in parts if part.strip())
