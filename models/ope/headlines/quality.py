"""How good an opinion is by itself, before any impression: the best found, and the order right."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from keyart.models.dataset.creative_table import CreativeTable
from keyart.models.ope.headlines.padded import pad
from keyart.models.statistics.bootstrap import Worlds, percentile
from keyart.models.statistics.interval import Interval

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """An opinion held against what was clicked, with 95 % bootstrap intervals over tests.

    Parameters
    ----------
    top1
        Share of tests whose best by opinion has the highest click rate; ties by their chance.
    rank
        Mean over tests of Spearman's rank correlation with the click rates; 0 where either side is
        constant.
    top1_over, rank_over
        The differences to another opinion, on the same draws of tests.
    """

    top1: Interval
    rank: Interval
    top1_over: Interval
    rank_over: Interval


def qualities(table: CreativeTable, opinions: Sequence[Array], *, seed: int = 0) -> list[Quality]:
    """Return the quality of each opinion, over the first of them.

    Parameters
    ----------
    opinions
        (N,) each, on the creatives of the table; a common shift within a test changes nothing.
    """
    rate = pad(table, table.clicks / table.impressions)
    mask = pad(table, np.ones(len(table.test))) > 0
    scores = [_scores(rate, mask, pad(table, opinion)) for opinion in opinions]  # (2, T) each
    worlds = Worlds(len(rate), seed=seed)
    drawn = [worlds.totals(each) / len(rate) for each in scores]  # (2, draws)
    found = []
    for each, draws in zip(scores, drawn, strict=True):
        mean = each.mean(axis=1)
        over = mean - scores[0].mean(axis=1)
        found.append(
            Quality(
                top1=percentile(mean[0], draws[0]),
                rank=percentile(mean[1], draws[1]),
                top1_over=percentile(over[0], (draws - drawn[0])[0]),
                rank_over=percentile(over[1], (draws - drawn[0])[1]),
            )
        )
    return found


def _scores(rate: Array, mask: NDArray[np.bool_], opinion: Array) -> Array:
    """Return (2, T): the chance that the opinion's best is the best, and the rank correlation."""
    found = np.zeros((2, len(rate)))
    for at, there in enumerate(mask):
        true, said = rate[at, there], opinion[at, there]
        first = np.isclose(said, said.max(), rtol=0.0, atol=1e-12)
        found[0, at] = (first & (true >= true.max())).sum() / first.sum()
        if np.ptp(true) > 0.0 and np.ptp(said) > 1e-12:
            found[1, at] = np.corrcoef(rankdata(true), rankdata(said))[0, 1]
    return found
