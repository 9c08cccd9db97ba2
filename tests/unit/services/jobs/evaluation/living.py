"""A log as keyart makes one: each block is chosen by a policy on the belief of what came before."""

import numpy as np

from keyart.models.bandits.protocol import Policy
from keyart.models.decide.believed import LoggedTaste, propensities_of
from keyart.models.ope.rows import Rows
from keyart.services.jobs.evaluation.own_log import OwnLog, explored, pages


def lived(
    takes: np.ndarray,
    policy: Policy,
    *,
    impressions: int,
    explore_share: float = 0.05,
    each: int = 4,
    seed: int = 0,
) -> OwnLog:
    """Return the log of impressions whose true take probabilities are known.

    Parameters
    ----------
    takes
        (V, T, K) of each viewer; (1, T, K) where all are alike.
    each
        Impressions of one viewer.
    """
    rng = np.random.default_rng(seed)
    _, titles, width = takes.shape
    rows = Rows(
        action=np.zeros(impressions, np.intp),
        reward=np.zeros(impressions),
        propensity=np.full(impressions, 1.0 / width),
        allowed=np.ones((impressions, width), np.bool_),
        cluster=rng.permutation(np.arange(impressions) // each),
    )
    shape = impressions, width
    viewers = -(-impressions // each)
    log = OwnLog(
        rows=rows,
        logged=np.full(shape, 1.0 / width),
        title=rng.integers(titles, size=impressions),
        shown_at_ms=1_700_000_000_000 + np.arange(impressions),
        titles=[f"t{at}" for at in range(titles)],
        artworks=[{f"a{at}": at for at in range(width)} for _ in range(titles)],
        taste=LoggedTaste(np.ones(shape), np.zeros(shape)),
        viewers=[f"{rng.integers(2**63):032x}" for _ in range(viewers)],
    )
    for block, page in pages(log):
        shares = explored(propensities_of(policy, page), rows.allowed[block], explore_share)
        drawn = rng.random(len(shares))[:, None] > shares.cumsum(axis=1)
        chosen = np.minimum(drawn.sum(axis=1), width - 1)
        at = np.arange(len(shares))
        log.logged[block], rows.action[block] = shares, chosen
        rows.propensity[block] = shares[at, chosen]
        rows.reward[block] = rng.random(len(shares)) < truth(takes, log)[block][at, chosen]
    return log


def truth(takes: np.ndarray, log: OwnLog) -> np.ndarray:
    """Return (N, K) the true take probabilities of each row's viewer and title."""
    assert log.rows.cluster is not None
    return np.asarray(takes[log.rows.cluster % len(takes), log.title])


def earned(takes: np.ndarray, log: OwnLog, shares: np.ndarray) -> float:
    """Return the true take fraction of propensities (N, K) on the log."""
    return float((shares * truth(takes, log)).sum(axis=1).mean())
