"""The headline, and how the service runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keyart.models.decide.index import ANY_SURFACE, BELIEF_COLUMNS
from keyart.models.statistics.lift import MIN_TAKES
from keyart.models.statistics.ratio import check_ratio
from keyart.models.statistics.timeline import EXPLORE
from keyart.services.page.comparison import experiment_of, lift_of, rates, until_takes, worth_of
from keyart.services.page.fractions import (
    CONTROL,
    Track,
    effective_trail,
    figures,
    in_order,
    leading,
    spoken,
)
from keyart.services.page.keeping import keeping_of
from keyart.services.page.source import Flow, Source
from keyart.services.page.strata import Stratum
from keyart.services.page.views import (
    EntropyView,
    Overview,
    PositionsView,
    RatioView,
    SurfacesView,
    TrustView,
    UntaughtView,
    WatchedView,
)
from keyart.streams.steps.reasons import REASONS

NO_PRIOR = ("", "neutral")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRules:
    """The settings that the page speaks of. `note` is shown on top when there is one."""

    note: str = ""
    policy: str = "optimistic"
    explore_share: float = 0.05
    reward_window_s: float = 1800.0
    lateness_s: float = 120.0


def overview_of(
    source: Source,
    rules: PageRules,
    held: dict[str, Track],
    every: Sequence[Stratum],
    shown_on: tuple[str, ...] = (),
    watched: tuple[WatchedView, ...] = (),
    positions: tuple[PositionsView, ...] = (),
) -> Overview:
    """Return the overview, from these tracks and strata and from what the source holds now."""
    counts = source.counts()
    flow, titles = source.flows.flow(), len(source.index)
    own, pooled = source.surfaces()
    main = leading(held, rules.policy)
    ordered = in_order(held, main)
    lift = lift_of(every, main)
    known = figures(ordered)
    count = sum(track.whole.count for track in ordered)
    return Overview(
        now_ms=source.clock(),
        note=rules.note,
        titles=titles,
        events=flow.events,
        decisions=flow.decisions,
        behind_ms=flow.behind_ms,
        behind_records=flow.behind_records,
        reward_wait_ms=sum(track.whole.lag_ms for track in ordered) / count if count else None,
        newest_ms=max((int(track.starts[-1]) for track in ordered), default=0),
        policies=known,
        lift=lift,
        waiting="" if lift else _waiting(flow, titles, held, every, rules),
        experiment=experiment_of(every),
        worth=worth_of(every),
        since_ms=min((int(track.starts[0]) for track in ordered), default=0),
        shown_on=shown_on,
        pending=source.pending(),
        pending_ms=round(1000 * (rules.reward_window_s + rules.lateness_s)),
        untaught=_untaught(counts),
        aside=counts.get("dead_letters", 0) + counts.get("set_aside", 0),
        propensities=_ratios(ordered),
        entropy=_entropy(held.get(main), source),
        trust=_trust(source),
        surfaces=SurfacesView(own=own, pooled=pooled),
        watched=watched,
        positions=positions,
        keeping=keeping_of(source.keeping()),
    )


def _waiting(
    flow: Flow, titles: int, held: dict[str, Track], every: Sequence[Stratum], rules: PageRules
) -> str:
    """Return what is missing for the headline, and what to do about it."""
    main = leading(held, rules.policy)
    if not titles:
        return "There are no titles yet: load some with `keyart catalogue load FILE`."
    if not flow.decisions:
        return "Nothing has been decided yet: ask for decisions with POST /v1/decisions."
    if not held:
        wait = rules.reward_window_s + rules.lateness_s
        shown = f"{wait / 60:.0f} minutes" if wait >= 120 else f"{wait:.0f} seconds"
        return (
            "Send the impressions and what follows to POST /v1/events. A decision becomes a reward "
            f"{shown} after its impression, when its window closes."
        )
    if CONTROL not in held:
        if rules.explore_share == 0.0:
            return "There is no uniform exploration to compare with: set KEYART_EXPLORE_SHARE."
        return "No explored choice has come back yet; they are few."
    if main not in held:
        return "Only uniform choices have come back yet."
    takes = {main: held[main].whole.value, CONTROL: held[CONTROL].whole.value}
    a_day = {main: rates(every, [main])[1], CONTROL: rates(every, [EXPLORE, CONTROL])[1]}
    return (
        f"An honest interval needs {MIN_TAKES:.0f} takes on each side; so far {spoken(main)} has "
        f"{takes[main]:.0f} and uniform choice {takes[CONTROL]:.0f}."
        f"{until_takes(takes, a_day)}"
    )


def _untaught(counts: Mapping[str, int]) -> tuple[UntaughtView, ...]:
    """Return why impressions, plays and decisions did not teach: what was lost first, by number."""
    found = [
        UntaughtView(of=reason.of, count=counts[name], because=reason.sentence, lost=reason.lost)
        for name, reason in REASONS.items()
        if counts.get(name)
    ]
    return tuple(sorted(found, key=lambda each: (not each.lost, -each.count)))


def _ratios(ordered: Sequence[Track]) -> tuple[RatioView, ...]:
    found: list[RatioView] = []
    for track in ordered:
        check = check_ratio(track.whole)
        if check.decisions:
            found.append(
                RatioView(
                    policy=spoken(track.policy),
                    decisions=check.decisions,
                    p_value=check.p_value,
                    passed=check.passed,
                )
            )
    return tuple(found)


def _entropy(track: Track | None, source: Source) -> EntropyView | None:
    if track is None or not (trail := effective_trail(track)):
        return None
    counts = [place.size for place in list(source.index.arrays.places.values())]
    artworks = sum(counts) / len(counts) if counts else 1.0
    return EntropyView(effective=trail[-1], artworks=artworks, trail=trail)


def _trust(source: Source) -> TrustView | None:
    """Return the mean trust over titles: it is the same for all artworks of one."""
    prior = source.prior()
    if prior in NO_PRIOR or not len(source.index):
        return None
    arrays = source.index.arrays
    starts = [place.offset for place in list(arrays.places.values())]
    trust = arrays.beliefs[ANY_SURFACE][starts, BELIEF_COLUMNS.index("trust")]
    return TrustView(mean=float(trust.mean()), titles=len(starts), prior=prior)
