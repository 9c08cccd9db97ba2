"""Do takes follow an opinion? The slope of takes on what it says of the artwork that was drawn.

The artwork was drawn with known propensities, so what the opinion says of it, less its mean under
them, is noise that the policy made: nothing that the viewer, the title or the time brings along can
be mixed up with it (the g-formula with a known design; a Horvitz-Thompson slope). The slope is on
the scale of log relative takes: 1 where an artwork that is said to be a tenth better is.
"""

import numpy as np

from keyart.models.ope.gate.rules import Slope
from keyart.models.ope.rows import Array, Numbers, Rows


def opinion_slope(
    rows: Rows,
    logged: Array,
    title: Numbers,
    opinion: Array,
    *,
    counts: Array | None = None,
) -> Slope | None:
    """Return the slope with a standard error clustered by viewer; None where nothing was said.

    Parameters
    ----------
    rows
        What was drawn, and what came of it.
    logged
        (N, K) propensities of every candidate.
    title
        (N,) numbers of the titles, 0 and up.
    opinion
        (T, K) log relative takes of each title's artworks; 0 where nothing is said.
    counts
        (N,) what each row counts, above 0 to 1; None: all in full.
    """
    weigh = np.ones(len(rows)) if counts is None else counts
    number = np.arange(len(rows))
    said = opinion[title]
    mean = (logged * said).sum(axis=1)
    moved = said[number, rows.action] - mean
    shown = np.bincount(title, weigh, minlength=len(opinion)).astype(np.float64)
    taken = np.bincount(title, weigh * rows.reward, minlength=len(opinion))
    level = taken / np.where(shown > 0.0, shown, 1.0)
    overall = float(np.average(rows.reward, weights=weigh))
    level = (level * shown + 20.0 * overall) / (shown + 20.0)  # a title seen once has no level
    below = float((weigh * level[title] * moved**2).sum())
    if below <= 0.0:
        return None
    centred = rows.reward - level[title]
    value = float((weigh * moved * centred).sum()) / below
    left = weigh * moved * (centred - value * level[title] * moved)
    error = float(np.sqrt((rows.by_cluster(left) ** 2).sum())) / below
    return Slope(value=value, error=error, rows=int((moved != 0.0).sum()))
