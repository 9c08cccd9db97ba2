"""keyart's own training log as evaluation wants it: titles with artworks instead of a context."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from keyart.models.bandits.protocol import Page, Policy, mix
from keyart.models.belief.beliefs import Learned, TitleBeliefs, refresh
from keyart.models.belief.hyper import Hyper
from keyart.models.context.sums import Array, Numbers
from keyart.models.dataset.influence import Bounds
from keyart.models.dataset.places import COLUMNS as STOOD
from keyart.models.dataset.places import NOTHING, Factors, Standing, standing_of
from keyart.models.dataset.taught import counts_among, numbered
from keyart.models.dataset.training_log import read_rewards
from keyart.models.decide.believed import LoggedTaste, page_of, propensities_of
from keyart.models.ope.rows import Mask, Rows
from keyart.models.sums.arrays import Sums
from keyart.schemas.errors import NotFound
from keyart.schemas.training import columns
from keyart.services.jobs.evaluation.padded import TASTE, padded

if TYPE_CHECKING:
    import polars as pl

BLOCKS: Final = 20
COLUMNS: Final = columns(
    "id",
    "viewer",
    "title",
    "artwork",
    "value",
    "shown_at_ms",
    "candidates",
    "propensities",
)
SHARES: Final = columns("multiplier", "fresh")
BEFORE: Final = (
    "{} of {} rewards are of before taste was logged for every candidate: judged without it"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnLog:
    """Rewards in the order in which they were shown.

    Parameters
    ----------
    rows
        Actions are the artworks of each row's own title.
    logged
        (N, K) propensities of every candidate.
    title
        (N,) number of the title.
    shown_at_ms
        (N,) when it was shown, in order.
    titles, artworks
        (T,) the titles' ids; and for each of its artworks the column.
    taste
        What the viewer's taste did to every candidate, as it was logged; factors of 1 where it was
        not: in rewards of an earlier keyart, and for viewers of whom nothing was known.
    viewers
        (clusters,) pseudonym of each viewer, by the number in `rows.cluster`.
    counts
        (N,) what each counts, above 0 to 1, so that nobody counts more than a share
        (`models.dataset.influence`); None: all count in full.
    standing
        Where on the page each stood; None: not known, or all count alike.
    """

    rows: Rows
    logged: Array
    title: Numbers
    shown_at_ms: "np.ndarray[Any, np.dtype[np.int64]]"
    titles: list[str]
    artworks: list[dict[str, int]]
    taste: LoggedTaste
    viewers: list[str]
    warnings: list[str] = field(default_factory=list)
    counts: Array | None = None
    standing: Standing | None = None

    @property
    def weights(self) -> Array:
        """(N,) what each counts."""
        return np.ones(len(self.rows)) if self.counts is None else self.counts

    def places(self, which: "np.ndarray[Any, np.dtype[np.bool_]]") -> Factors:
        """Return what these rows say of places on the page."""
        if self.standing is None:
            return NOTHING
        counts = np.where(which, self.weights, 0.0)
        expected = counts * self.rows.of_logged(self.taste.factors)
        return self.standing.learn(counts * self.rows.reward, expected)

    def worth(self, factors: Factors) -> Array:
        """Return (N,) what each exposure is worth by where it stood, around 1."""
        return np.ones(len(self.rows)) if self.standing is None else self.standing.worth(factors)

    def sums(
        self, which: "np.ndarray[Any, np.dtype[np.bool_]]", places: Factors | None = None
    ) -> tuple[Array, Array]:
        """Return (T, K) takes of these rows, and impressions.

        Each is worth what taste expected, and what its place does by `places`; None: by these rows.
        """
        shape = (int(self.title.max()) + 1, self.logged.shape[1])
        at = self.title[which] * shape[1] + self.rows.action[which]
        size = shape[0] * shape[1]
        counts = self.weights[which]
        factors = self.places(which) if places is None else places
        worth = counts * (self.rows.of_logged(self.taste.factors) * self.worth(factors))[which]
        shown = np.bincount(at, worth, minlength=size).reshape(shape).astype(np.float64)
        taken = np.bincount(at, counts * self.rows.reward[which], minlength=size).reshape(shape)
        return taken.astype(np.float64), shown

    def blocks(self) -> Iterator[tuple["np.ndarray[Any, np.dtype[np.bool_]]", slice]]:
        """Yield (rows that came before, rows of the block), in the order of time."""
        edges = np.linspace(0, len(self.rows), min(BLOCKS, len(self.rows)) + 1).astype(int)
        number = np.arange(len(self.rows))
        for start, stop in zip(edges, edges[1:], strict=False):
            yield number < start, slice(int(start), int(stop))

    def popular(self) -> Array:
        """Return (N, K): all on the artwork of the title that was taken most often before."""
        chosen = np.zeros(self.logged.shape)
        for before, block in self.blocks():
            taken, shown = self.sums(before)
            overall = taken.sum() / max(shown.sum(), 1.0)
            mean = (taken + 10.0 * overall) / (shown + 10.0)
            best = np.where(self.rows.allowed[block], mean[self.title[block]], -1.0).argmax(axis=1)
            chosen[np.arange(block.start, block.stop), best] = 1.0
        return chosen


def read_own(
    path: Path,
    *,
    most: int,
    since_ms: int = 0,
    bounds: Bounds | None = None,
    positions: bool = True,
) -> OwnLog:
    """Return the rewards of an archive shown from then on, of a longer one the newest `most`.

    Parameters
    ----------
    bounds
        On who may say how much of what is read; what counts nothing is left out. None: all count.
    positions
        Whether what places on the page do is taken out; where there are bounds they say so.

    Raises
    ------
    NotFound
        The folder holds no rewards, or none that counts.
    InvalidRecord
        No file can be read.
    """
    perhaps = TASTE if bounds is None else (*TASTE, *SHARES)
    if positions if bounds is None else bounds.positions:
        perhaps = (*perhaps, *STOOD)
    frame, warnings = read_rewards(path, COLUMNS, perhaps=perhaps, since_ms=since_ms, newest=most)
    import polars as pl  # not in every image: the reader says so

    for name in TASTE:
        if name not in frame.columns:
            frame = frame.with_columns(pl.lit(None).alias(name))
    if before := frame[TASTE[0]].null_count():
        warnings.append(BEFORE.format(f"{before:,}", f"{frame.height:,}"))
    if bounds is None:
        return _made(frame, warnings)
    counts = counts_among(path, frame, bounds)
    frame = frame.filter(counts > 0.0)
    if not frame.height:
        raise NotFound(f"{path}: serving held back every reward in it")
    return _made(frame, warnings, counts[counts > 0.0])


def _made(frame: "pl.DataFrame", warnings: list[str], counts: Array | None = None) -> OwnLog:
    its = padded(frame)
    chosen = its.logged[np.arange(frame.height), its.action]
    rows = Rows(
        action=its.action,
        reward=frame["value"].to_numpy().astype(np.float64),
        propensity=np.maximum(chosen, 1e-9),
        allowed=its.allowed,
        cluster=numbered(frame["viewer"]),
    )
    return OwnLog(
        rows=rows,
        logged=its.logged,
        title=its.title,
        shown_at_ms=frame["shown_at_ms"].to_numpy().astype(np.int64),
        titles=its.titles,
        artworks=its.artworks,
        taste=its.taste,
        viewers=frame["viewer"].unique().sort().to_list(),
        warnings=warnings,
        counts=counts,
        standing=standing_of(frame),
    )


def propensities(
    log: OwnLog, policy: Policy, *, relative: Array | None = None, strength: Array | None = None
) -> Array:
    """Return (N, K) of a policy on keyart's belief of titles, from what came before each block.

    With what the viewer's taste did to each candidate when it was decided, as far as it was logged.
    A policy that reads the features themselves (LinUCB) sees none.

    Parameters
    ----------
    relative, strength
        (T, K) a prior's log relative takes, and (T,) what they are worth in impressions; None: no
        prior.
    """
    found = np.empty(log.logged.shape)
    for block, page in pages(log, relative=relative, strength=strength):
        found[block] = propensities_of(policy, page)
    return found


def pages(
    log: OwnLog, *, relative: Array | None = None, strength: Array | None = None
) -> Iterator[tuple[slice, Page]]:
    """Yield the rows of each block, and what a policy would have been given of them.

    Parameters are those of `propensities`; several policies are judged on the same pages.
    """
    for before, block in log.blocks():
        beliefs = _believe(log, *log.sums(before), relative, strength)
        its = log.title[block]
        here = replace(
            beliefs,
            **{each.name: getattr(beliefs, each.name)[its] for each in fields(beliefs)},
        )
        here = replace(here, mask=log.rows.allowed[block])
        yield block, page_of(here, LoggedTaste(*(each[block] for each in log.taste)))


def explored(chosen: Array, allowed: Mask, share: float) -> Array:
    """Return (N, K) propensities with a share (0 to 1) of uniform exploration; rows sum to one."""
    mixed = np.asarray(mix(chosen, allowed, share), np.float64)
    return np.asarray(mixed / mixed.sum(axis=1, keepdims=True))


def title_model(log: OwnLog, fold: Numbers) -> Array:
    """Return (N, K) expected takes by the belief of titles, from viewers of other folds.

    Where the log says at which place of the page each row stood, as at that place.
    """
    expected = np.empty(log.logged.shape)
    for each in range(int(fold.max()) + 1):
        own = fold == each
        places = log.places(~own)
        beliefs = _believe(log, *log.sums(~own, places))
        mean = (beliefs.level[:, :1] * np.exp(beliefs.log_relative))[log.title[own]]
        worth = log.taste.factors[own] * log.worth(places)[own, None]
        expected[own] = np.minimum(mean * worth, 1.0)
    return expected


def _believe(
    log: OwnLog,
    taken: Array,
    shown: Array,
    relative: Array | None = None,
    strength: Array | None = None,
) -> TitleBeliefs:
    mask = np.zeros(taken.shape, np.bool_)
    np.logical_or.at(mask, log.title, log.rows.allowed)
    hyper = Hyper()
    sums = Sums.of(
        takes=taken,
        expected=shown,
        opinion=np.zeros_like(taken) if relative is None else relative,
        mask=mask,
        strength=strength,
    )
    return refresh(sums, hyper, Learned.start(hyper), rounds=2)[0]
