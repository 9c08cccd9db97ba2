"""Which column of a table plays which part: what was chosen, what came of it, how likely it was."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from keyart.models.context.columns import Column
from keyart.models.context.sums import Array, Numbers
from keyart.schemas.errors import InvalidRecord
from keyart.services.jobs.evaluation.columns import need

MOST_ACTIONS: Final = 200
KNOWN: Final = {
    "action": ("action", "arm", "item_id", "artwork", "segment"),
    "reward": ("reward", "click", "clicked", "value", "visit"),
    "propensity": ("propensity", "propensity_score", "pscore", "probability", "p"),
    "viewer": ("viewer", "user", "user_id", "viewer_id"),
}
"""Names that a column is looked for under when none is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names of columns, "" where the usual ones are looked for; `context` None: all others."""

    action: str = ""
    reward: str = ""
    propensity: str = ""
    viewer: str = ""
    decision: str = ""
    chosen: str = ""
    context: tuple[str, ...] | None = None


def find(path: Path, columns: Mapping[str, Column], name: str, what: str) -> tuple[str, Column]:
    """Return the name and the column that plays a part, named or known by its name."""
    name = name or known(columns, what)
    if not name:
        there = ", ".join(columns)
        raise InvalidRecord(f"{path}: which column is the {what}? --{what}; there are {there}")
    return name, need(path, columns, name, f"--{what}")


def known(columns: Mapping[str, Column], what: str) -> str:
    """Return the usual name of a part that the table has, or ""."""
    return next((name for name in KNOWN[what] if name in columns), "")


def numbers(path: Path, name: str, column: Column) -> Array:
    """Return a column of finite numbers; raises InvalidRecord with the first row that is none."""
    if column.dtype.kind != "f":
        raise InvalidRecord(f"{path}: column {name!r} holds text, not numbers")
    values = column.astype(np.float64)
    if not np.isfinite(values).all():
        row = int((~np.isfinite(values)).argmax()) + 1
        raise InvalidRecord(f"{path}: row {row}: column {name!r} has no value")
    return values


def actions_of(path: Path, name: str, column: Column) -> tuple[tuple[str, ...], Numbers]:
    """Return the names of the actions, numbers before texts, and each row's."""
    texts = [_text(each) for each in column.tolist()]
    if (missing := next((at for at, each in enumerate(texts) if each is None), None)) is not None:
        raise InvalidRecord(f"{path}: row {missing + 1}: column {name!r} has no value")
    found = sorted({each for each in texts if each is not None}, key=_order)
    if not 2 <= len(found) <= MOST_ACTIONS:
        raise InvalidRecord(
            f"{path}: column {name!r} has {len(found)} actions; there may be 2 to {MOST_ACTIONS}"
        )
    place = {each: at for at, each in enumerate(found)}
    return tuple(found), np.array([place[each] for each in texts if each is not None], np.intp)


def _text(value: object) -> str | None:
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _order(name: str) -> tuple[float, str]:
    try:
        return float(name), name
    except ValueError:
        return float("inf"), name


def propensity_of(
    path: Path,
    columns: Mapping[str, Column],
    names: Names,
    action: Numbers,
    actions: int,
    warnings: list[str],
    used: set[str],
) -> Array:
    """Return (N,) propensities: a column, a number, uniform, or the log's shares, which is told."""
    name = names.propensity or known(columns, "propensity")
    if name in columns:
        used.add(name)
        return numbers(path, name, columns[name])
    if name == "uniform":
        return np.full(len(action), 1.0 / actions)
    if name:
        try:
            constant = float(name)
        except ValueError:
            constant = -1.0
        if not 0.0 < constant <= 1.0:
            raise InvalidRecord(
                f"{path}: --propensity {name!r} is no column, no number above 0 and at most 1, and "
                f"not 'uniform'; there are {', '.join(columns)}"
            )
        return np.full(len(action), constant)
    share = np.bincount(action, minlength=actions) / len(action)
    warnings.append(
        "no propensities: each action's share of the log is taken instead, which is right only if "
        "nobody's choice depended on the context (--propensity names a column, a number or uniform)"
    )
    return np.asarray(share[action], np.float64)


def viewers_of(columns: Mapping[str, Column], names: Names, used: set[str]) -> Numbers | None:
    """Return (N,) the number of each row's viewer; None without such a column."""
    name = names.viewer or known(columns, "viewer")
    if name not in columns:
        return None
    used.add(name)
    texts = np.array([str(each) for each in columns[name].tolist()])
    return np.unique(texts, return_inverse=True)[1].astype(np.intp)


def context_of(
    path: Path,
    columns: Mapping[str, Column],
    names: Names,
    used: set[str],
    reward: Array,
    warnings: list[str],
) -> dict[str, Column]:
    """Return the columns that are context; outcomes among the rest are left out, and told."""
    if names.context is not None:
        return {name: need(path, columns, name, "--context") for name in names.context}
    found = {name: column for name, column in columns.items() if name not in used}
    outcomes = sorted(name for name, column in found.items() if _is_outcome(column, reward))
    if outcomes:
        warnings.append(
            f"left out, because they look like outcomes (other than 0 only where there is a "
            f"reward): {', '.join(outcomes)}; --context names columns to keep"
        )
    return {name: column for name, column in found.items() if name not in outcomes}


def _is_outcome(column: Column, reward: Array) -> bool:
    """Whether a column of numbers is other than 0 only where something was earned."""
    if column.dtype.kind != "f":
        return False
    values = column.astype(np.float64)
    told = np.isfinite(values) & (values != 0.0)
    return bool(
        told.any()
        and (reward[told] > 0.0).all()
        and told.sum() >= 5
        and (reward > 0.0).mean() < 0.6
    )
