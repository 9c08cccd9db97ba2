"""Adding rewards to the sums of a title.

A sum stands at the latest event time it has seen. A later reward first shrinks the sum to its own
time; an earlier one is shrunk before it is added. Either way the result is the sum over rewards of
value x 2^-(age / half-life), so the order of the rewards does not matter, to rounding.
"""

from collections.abc import Sequence

from msgspec import structs

from keyart.models.sums import bursts
from keyart.models.sums.days import count_day
from keyart.models.sums.responses import add_responses, merged
from keyart.schemas.posterior import (
    MAX_CALLERS,
    MAX_KEPT_ARTWORKS,
    MAX_SURFACES,
    NOBODY,
    OTHER_CALLER,
    Burst,
    Cell,
    Cells,
    Fresh,
    TitleSums,
    band_of,
)
from keyart.schemas.rewards import Reward
from keyart.schemas.ruled import RuledBucket

SHARES_KEPT = 48
OTHER_SURFACE = "other"


def add_to_title(
    before: TitleSums,
    rewards: Sequence[Reward],
    *,
    half_life_ms: float,
    bucket_ms: int,
    hold: bool = True,
) -> TitleSums:
    """Return the title's sums with these rewards added.

    Bursts of new viewers that cannot be luck are held back (`bursts`): the order of rewards matters
    for those alone.

    Parameters
    ----------
    before
        Not changed.
    rewards
        All of this title.
    half_life_ms
        Of forgetting, by the time the artwork was shown.
    bucket_ms
        Width of the buckets in `shares` and `ruled`; the newest 48 are kept.
    hold
        Whether bursts are held back.
    """
    as_of_ms = max(before.as_of_ms, max(reward.shown_at_ms for reward in rewards))
    fade = 2.0 ** ((before.as_of_ms - as_of_ms) / half_life_ms) if before.as_of_ms else 1.0
    told = TitleSums(
        title=before.title,
        artworks=bursts.faded_cells(before.artworks, fade),
        caller=before.caller,
        callers={name: bursts.faded_cells(each, fade) for name, each in before.callers.items()},
    )
    shares = {start: dict(counts) for start, counts in before.shares.items()}
    ruled = {
        start: structs.replace(each, forgone=dict(each.forgone))
        for start, each in before.ruled.items()
    }
    fresh = None if before.fresh is None else bursts.faded(before.fresh, fade)
    told.days = dict(before.days)
    learned: list[tuple[Reward, float]] = []
    waiting: list[tuple[Reward, float]] = []
    for reward in rewards:
        weight = 2.0 ** ((reward.shown_at_ms - as_of_ms) / half_life_ms)
        watched = hold and reward.fresh
        caller = _apart(told, fresh, reward.caller)
        if watched:
            fresh = fresh or Fresh()
        guarded = watched and fresh is not None and bursts.begin(fresh, reward.shown_at_ms)
        if not guarded:
            _add_to(told, reward, weight, caller)
        (waiting if guarded else learned).append((reward, weight))
        if watched and fresh is not None:
            window = fresh.open
            window.rewards += 1
            window.since_ms = min(window.since_ms or reward.shown_at_ms, reward.shown_at_ms)
            window.until_ms = max(window.until_ms, reward.shown_at_ms)
            _add_to(window, reward, weight, caller)
            if bursts.is_full(fresh, told):
                window.responses = add_responses(window.responses, waiting, 1.0)
                came = bursts.close(fresh, told, at_ms=reward.shown_at_ms)
                told.responses, waiting = merged(told.responses, came), []
        count_day(told.days, reward.shown_at_ms)
        start = reward.shown_at_ms - reward.shown_at_ms % bucket_ms
        bucket = shares.setdefault(start, {})
        bucket[reward.artwork] = bucket.get(reward.artwork, 0) + 1
        if reward.ruled is not None:
            ruled.setdefault(start, RuledBucket()).add(reward.ruled, reward.level)
    if len(shares) > SHARES_KEPT:
        shares = {start: shares[start] for start in sorted(shares)[-SHARES_KEPT:]}
        ruled = {start: each for start, each in ruled.items() if start in shares}
    told.as_of_ms, told.shares, told.ruled, told.fresh = as_of_ms, shares, ruled, fresh
    if fresh is not None:
        fresh.open.responses = add_responses(fresh.open.responses, waiting, 1.0)
    responses = merged(add_responses(before.responses, learned, fade), told.responses)
    # an artwork that made room for another has no response either
    told.responses = {name: its for name, its in responses.items() if name in told.artworks}
    return told


def _apart(told: TitleSums, fresh: Fresh | None, caller: str) -> str | None:
    """Return under whose name a reward of this caller is kept apart, None while there is but one.

    From the second caller on, each has sums of its own.
    """
    if not told.callers:
        if not told.artworks and fresh is None:
            told.caller = caller
        if caller == told.caller:
            return None
        apart: list[TitleSums | Burst] = [told]
        apart += [] if fresh is None else [*fresh.recent, fresh.open, fresh.held]
        for each in apart:
            each.callers = {told.caller: bursts.faded_cells(each.artworks, 1.0)}
        told.caller = NOBODY
    if caller not in told.callers and len(told.callers) >= MAX_CALLERS:
        caller = OTHER_CALLER
    told.callers.setdefault(caller, {})
    return caller


def _add_to(told: TitleSums | Burst, reward: Reward, weight: float, caller: str | None) -> None:
    _add(told.artworks, reward, weight)
    if caller is not None:
        _add(told.callers.setdefault(caller, {}), reward, weight)


def _add(artworks: Cells, reward: Reward, weight: float) -> None:
    cell = _cell(artworks, reward.artwork, reward.surface)
    cell.count += 1
    cell.taken += reward.value
    cell.reward += weight * reward.value
    cell.expected += weight * reward.multiplier
    if (band := band_of(reward.position)) >= 0:
        cell.bands += [0.0] * (2 * band + 2 - len(cell.bands))
        cell.bands[2 * band] += weight * reward.value
        cell.bands[2 * band + 1] += weight * reward.multiplier


def _cell(artworks: Cells, artwork: str, surface: str) -> Cell:
    if artwork not in artworks and len(artworks) >= MAX_KEPT_ARTWORKS:
        artwork = min(artworks, key=lambda name: sum(c.expected for c in artworks[name].values()))
        del artworks[artwork]
    cells = artworks.setdefault(artwork, {})
    if surface not in cells and len(cells) >= MAX_SURFACES - 1:
        surface = OTHER_SURFACE
    return cells.setdefault(surface, Cell())
