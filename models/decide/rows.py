"""From beliefs about many titles to the rows that deciding reads."""

from collections.abc import Sequence

import numpy as np

from keyart.models.belief.beliefs import TitleBeliefs
from keyart.models.decide.index import ANY_SURFACE, BELIEF_COLUMNS, MAX_TAKE, ServingIndex
from keyart.models.taste.features import F32


def belief_rows(beliefs: TitleBeliefs, surfaces: Sequence[str]) -> dict[str, F32]:
    """Return surface -> (T, K, len(BELIEF_COLUMNS)); what is masked is neutral padding.

    Parameters
    ----------
    beliefs
        About T titles of up to K artworks.
    surfaces
        (S,) names, in the order of the beliefs' levels. `ANY_SURFACE` is added with the geometric
        mean of their levels when it is not among them.
    """
    prior = np.exp(beliefs.prior_log)
    common = {
        "prior": prior,
        "own": np.exp(beliefs.log_relative) / prior,
        "relative_variance": beliefs.cv**2,
        "seen": beliefs.seen,
        "taken": beliefs.taken,
        "trust": np.broadcast_to(beliefs.trust[:, None], prior.shape),
    }
    # takes are counted against what taste expected of them, which may be less than was taken
    level_of = np.minimum(beliefs.level, MAX_TAKE)  # (T, S)
    levels = {surface: level_of[:, at] for at, surface in enumerate(surfaces)}
    levels.setdefault(ANY_SURFACE, np.exp(np.log(level_of).mean(axis=1)))
    rows: dict[str, F32] = {}
    for surface, level in levels.items():
        columns = dict(common, level=np.broadcast_to(level[:, None], prior.shape))
        # own deviations of spread r make the prior worth 1 / r^2 takes: 1 / (r^2 level) impressions
        columns["strength"] = 1.0 / (beliefs.spread**2 * level)[:, None] * np.ones_like(prior)
        table = np.stack([columns[name] for name in BELIEF_COLUMNS], axis=2)
        rows[surface] = table.astype(np.float32)
    return rows


def take_over(
    index: ServingIndex,
    beliefs: TitleBeliefs,
    *,
    titles: Sequence[str],
    artworks: Sequence[Sequence[str]],
    surfaces: Sequence[str],
) -> None:
    """Put the beliefs into the index, title by title.

    Parameters
    ----------
    titles, artworks
        (T,) ids, and for each title the ids of its artworks in the order of the beliefs.
    surfaces
        (S,) names, in the order of the beliefs' levels.
    """
    rows = belief_rows(beliefs, surfaces)
    for at, (title, names) in enumerate(zip(titles, artworks, strict=True)):
        count = len(names)
        index.believe(title, names, {name: table[at, :count] for name, table in rows.items()})
