"""Is it alive, is it ready, and what does it measure."""

import asyncio
from collections.abc import Callable
from typing import Any

from litestar import Request, Response, get
from msgspec import Struct

from keyart.models.statistics.drift import take_drifts
from keyart.schemas.errors import KeyartError
from keyart.services.api.auth import may
from keyart.services.api.state import ApiState, Keyart
from keyart.services.jobs.how_it_goes import how_it_goes
from keyart.services.page.routes import PAGE, PUBLIC
from keyart.services.page.views import Overview
from keyart.services.wiring.telemetry import ApiMetrics
from keyart.streams.ports import TITLES, VIEWERS, Lane
from keyart.streams.room import NEARLY_FULL

STALE_SNAPSHOTS_S = 30.0
PROBE_S = 1.0
MEASURE_S = 5.0


class Part(Struct, frozen=True, kw_only=True):
    """One thing that serving needs: whether it is well, and a word on it."""

    well: bool
    says: str


class Readiness(Struct, frozen=True, kw_only=True):
    """`ready` while decisions can be answered; `parts` tells the truth about each.

    A log or a store that is away does not end it: else a proxy would take every process out just
    when they go on from memory.
    """

    ready: bool
    parts: dict[str, Part] = {}


@get(
    "/health/live",
    opt=PUBLIC,
    summary="Is it alive",
    tags=["health"],
    operation_id="live",
    sync_to_thread=False,
)
def live() -> dict[str, bool]:
    """Answer while the process works."""
    return {"live": True}


@get("/health/ready", opt=PUBLIC, summary="Can it decide", tags=["health"], operation_id="ready")
async def ready(request: Request[Any, Any, Any], keyart: Keyart) -> Response[Readiness]:
    """Say whether decisions can be answered; to who may see the page, also how each part is."""
    if not may(request.scope, "page"):
        loaded = keyart.snapshots.age_s != float("inf")
        return _readiness(Readiness(ready=loaded))
    store = await _store(keyart)
    held_back = keyart.recorder.away
    log = Part(well=not held_back, says="away; decisions are held back" if held_back else "there")
    if keyart.settings.embedded and not store.well:
        log = store
    age = keyart.snapshots.age_s
    loaded = age != float("inf")
    says = f"{age:.1f} s old, {len(keyart.snapshots.index)} titles" if loaded else "not read yet"
    beliefs = Part(well=age < STALE_SNAPSHOTS_S, says=says)
    unknown = Part(well=False, says="not known: the store does not answer")
    catalogue = await _asked(keyart, _catalogue) if store.well else unknown
    housekeeping = await _asked(keyart, _housekeeping) if store.well else unknown
    answer = Readiness(
        ready=loaded,
        parts={
            "store": store,
            "log": log,
            "beliefs": beliefs,
            "catalogue": catalogue,
            "housekeeping": housekeeping,
        },
    )
    return _readiness(answer)


def _readiness(answer: Readiness) -> Response[Readiness]:
    return Response(answer, status_code=200 if answer.ready else 503)


async def _store(keyart: ApiState) -> Part:
    try:
        async with asyncio.timeout(PROBE_S):
            await keyart.tastes.read("0" * 32)
    except (KeyartError, TimeoutError) as away:
        return Part(well=False, says=str(away) or "no answer")
    room = keyart.room
    if room is None:
        return Part(well=True, says="there")
    return Part(well=room.share < NEARLY_FULL, says=f"there; {room}")


async def _asked(keyart: ApiState, about: Callable[[ApiState], Part]) -> Part:
    """Ask the store in a thread, for a second at most."""
    try:
        async with asyncio.timeout(PROBE_S):
            return await keyart.in_thread(about, keyart)
    except (KeyartError, TimeoutError) as away:
        return Part(well=False, says=str(away) or "no answer")


def _catalogue(keyart: ApiState) -> Part:
    if not (count := keyart.catalogue.count_aside()):
        return Part(well=True, says="all titles can be read")
    what = "title that" if count == 1 else "titles that"
    return Part(well=False, says=f"{count} {what} could not be read: set aside, see the log")


def _housekeeping(keyart: ApiState) -> Part:
    found = how_it_goes(keyart.register)
    if found is None:
        return Part(well=True, says="no round yet")
    at_ms = keyart.clock()
    said = [f"last round {(at_ms - found.round_ms) / 1000:.0f} s ago"]
    if found.failures:
        said.append(f"{found.failures} failed in a row: {found.reason}")
    if found.set_aside:
        said.append(f"{found.set_aside} files of the archive could not be read and are set aside")
    late = found.late(at_ms=at_ms, archive_s=keyart.settings.archive_s)
    return Part(well=not (late or found.failures or found.set_aside), says="; ".join(said))


@get("/metrics", opt=PAGE, include_in_schema=False)
async def metrics(request: Request[Any, Any, Any], keyart: Keyart) -> Response[bytes]:
    """Return the metrics in Prometheus' text format.

    A server that is away or hangs holds them up for five seconds at most: Prometheus waits for ten,
    and what is counted here is needed most when something is wrong.
    """
    if keyart.measuring is None or keyart.measuring.done():
        keyart.measuring = asyncio.create_task(keyart.in_thread(_measure, keyart))
    done, _ = await asyncio.wait({keyart.measuring}, timeout=MEASURE_S)
    for each in done:
        each.result()
    return Response(keyart.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _measure(keyart: ApiState) -> None:
    """Bring the gauges up to date; a store that is away leaves them as they are."""
    own = keyart.metrics
    own.snapshot_age.set(keyart.snapshots.age_s)
    try:
        room = keyart.room = keyart.server.room()
        own.store_used.set(room.used)
        own.store_limit.set(room.limit)
        own.steps.replace(
            {
                (kind, name, str(partition)): count
                for partition in range(keyart.settings.partitions)
                for kind in (VIEWERS, TITLES)
                for name, count in keyart.store.counts(Lane(kind, partition)).items()
            }
        )
        own.titles_aside.set(keyart.catalogue.count_aside())
        if (house := how_it_goes(keyart.register)) is not None:
            own.house_done.set(house.done_ms / 1000)
            own.house_failures.set(house.failures)
            own.archive_aside.set(house.set_aside)
        overview = keyart.insight.overview()
        timeline = keyart.insight.source.timeline()
    except KeyartError:
        return
    own.untaught.replace(
        {
            (each.of, each.because, "yes" if each.lost else "no"): each.count
            for each in overview.untaught
        }
    )
    for watched in sorted({name for _, name in timeline}):
        its = [
            (start, timeline[start, name]) for start, name in sorted(timeline) if name == watched
        ]
        own.drifts.labels(watched).set(len(take_drifts(its)))
    own.lag_records.set(overview.behind_records)
    own.lag_seconds.set(overview.behind_ms / 1000)
    if overview.reward_wait_ms is not None:
        own.join_seconds.set(overview.reward_wait_ms / 1000)
    for policy in overview.policies:
        own.take_fraction.labels(policy.policy).set(policy.mean)
    for ratio in overview.propensities:
        own.ratio.labels(ratio.policy).set(ratio.p_value)
    _measure_lifts(own, overview)
    if overview.entropy is not None:
        own.entropy.set(overview.entropy.effective)
    if overview.trust is not None:
        own.trust.set(overview.trust.mean)


def _measure_lifts(own: ApiMetrics, overview: Overview) -> None:
    """Bring what compares policies up to date; no experiment has no wrong arms."""
    experiment = overview.experiment
    arms = experiment.arms if experiment else ()
    for lift in (overview.lift, *(arm.lift for arm in arms)):
        if lift is None:
            continue
        for end, percent in (("low", lift.low), ("estimate", lift.percent), ("high", lift.high)):
            own.lift.labels(lift.arm, lift.against, end).set(percent / 100)
    own.shares_p.set(1.0 if experiment is None else experiment.p_value)
    for arm in arms:
        own.shares.labels(arm.policy, "meant").set(arm.share_meant)
        own.shares.labels(arm.policy, "seen").set(arm.share_seen)
