"""Learned trust: evidence pooled at three levels, prior version, title group and title.

Every level holds one point of a grid (a trust, and whatever else the grid spans); a child has its
parent's point with high probability. That is a tree with discrete variables, so sums of messages up
and down give the exact posterior (Pearl 1988): what earlier titles taught about the prior protects
the next one, and a title with much evidence of its own follows that.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """What the tree says.

    Parameters
    ----------
    title
        (G, T) log probabilities of each title's point given everybody else's evidence.
    version
        (V, G) log evidence of each version: start plus what all its titles say, not normalised.
    """

    title: Array
    version: Array


def pool(
    log_evidence: Array, *, group: Numbers | None, version: Numbers, start: Array, kernel: Array
) -> Pooled:
    """Return each title's log weights before its own evidence, and each version's evidence.

    Parameters
    ----------
    log_evidence
        (G, T) each title's own log evidence.
    group
        (T,) numbers, 0 and up; two titles of one group number but different versions are in
        different groups. None when titles are not grouped and hang on their version.
    version
        (T,) numbers, 0 and up, below V.
    start
        (V, G) log weights of each version before these titles; need not be normalised.
    kernel
        (G, G) probability of a child's point (column) given its parent's (row).
    """
    up = _said(log_evidence, kernel)  # (G, T): title to group
    if group is None:
        version_sum = start.T + _add(up, version, len(start))
        return Pooled(title=_heard(version_sum[:, version] - up, kernel), version=version_sum.T)
    keys, home = np.unique(version * (group.max(initial=0) + 1) + group, return_inverse=True)
    group_sum = _add(up, home, len(keys))
    group_version = np.zeros(len(keys), np.intp)
    group_version[home] = version
    to_version = _said(group_sum, kernel)  # (G, groups)
    version_sum = start.T + _add(to_version, group_version, len(start))
    # what a child hears leaves out what it said itself
    down = _heard(version_sum[:, group_version] - to_version, kernel)
    title = _heard((down + group_sum)[:, home] - up, kernel)
    return Pooled(title=title, version=version_sum.T)


def voiced(log_evidence: Array, voice: Array, *, trusts: int) -> Array:
    """Return (G, T) log evidence in which a title tells trusts apart only as far as it has a voice.

    A title whose takes are of before the world changed does not say what a prior that learned since
    is worth. The likelihood is raised to the power of the voice, as in a power prior (Ibrahim and
    Chen, Statistical Science 2000), and only between trusts: what else the grid spans is told as
    before.

    Parameters
    ----------
    log_evidence
        (G, T).
    voice
        (T,) 0 to 1.
    trusts
        Gr: points of the grid are trust by trust.
    """
    grid = log_evidence.reshape(trusts, -1, log_evidence.shape[1])  # (Gr, Gs, T)
    top = grid.max(axis=0)
    mute = np.log(np.exp(grid - top).mean(axis=0)) + top
    return np.asarray((voice * grid + (1.0 - voice) * mute).reshape(log_evidence.shape))


def _said(evidence: Array, kernel: Array) -> Array:
    """Return (G, N) log evidence for the parent's point."""
    top = evidence.max(axis=0)
    return np.asarray(np.log(np.maximum(kernel @ np.exp(evidence - top), 1e-300)) + top)


def _heard(weights: Array, kernel: Array) -> Array:
    """Return (G, N) normalised log weights of the child's point."""
    shares = np.exp(weights - weights.max(axis=0))
    return np.asarray(np.log(np.maximum(kernel.T @ (shares / shares.sum(axis=0)), 1e-300)))


def _add(values: Array, home: Numbers, size: int) -> Array:
    """Return (G, size) sums of the columns by home."""
    out = np.zeros((len(values), size))
    for at, row in enumerate(values):
        out[at] = np.bincount(home, row, size)
    return out
