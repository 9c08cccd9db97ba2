"""Policies against their control: over the same periods, with intervals that hold at every look."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from keyart.models.bandits.holdback import Holdback
from keyart.models.statistics.lift import MIN_TAKES, Contrast, contrast, interval
from keyart.models.statistics.shares import check_shares
from keyart.models.statistics.timeline import merge
from keyart.schemas.posterior import PolicyBucket
from keyart.services.page.fractions import CONTROL, evenly, spoken
from keyart.services.page.strata import FAR_MS, Pair, Stratum
from keyart.services.page.time_views import LiftPoint, LiftSeries
from keyart.services.page.views import ArmView, ExperimentView, LiftView, WorthView

HOLDBACK = Holdback.name
WORTH = "keyart"
DAY_MS = 86_400_000
RATE_MS = 7 * DAY_MS
LONGEST_DAYS = 365.0
"""What would take longer at the present rate cannot be told."""


def headline_pairs(
    every: Sequence[Stratum], policy: str, low_ms: int = 0, high_ms: int = FAR_MS
) -> list[Pair]:
    """Return the policy's own choices beside uniform ones, of each period that has both."""
    return [
        (each.policies[policy].between(low_ms, high_ms), each.control(low_ms, high_ms))
        for each in every
        if policy in each.policies
    ]


def arm_pairs(
    every: Sequence[Stratum], arm: str, control: str, low_ms: int = 0, high_ms: int = FAR_MS
) -> list[Pair]:
    """Return the arm's own choices beside the control arm's, of each period in which both ran."""
    return [
        (
            each.policies[arm].between(low_ms, high_ms),
            each.policies[control].between(low_ms, high_ms),
        )
        for each in every
        if _ran(each, arm, control)
    ]


def _ran(stratum: Stratum, *arms: str) -> bool:
    return all(stratum.split.arms.get(arm) and arm in stratum.policies for arm in arms)


def lift_of(every: Sequence[Stratum], policy: str) -> LiftView | None:
    """Return how far the policy is above uniform choice; None before it can be told honestly."""
    used = [each for each in every if policy in each.policies and each.control(0, FAR_MS).count]
    if (known := contrast(headline_pairs(used, policy))) is None:
        return None
    explored = used[-1].split.explore
    share = "the choices" if explored is None else f"the {100 * explored:.3g} % of choices"
    words = f"{share} drawn evenly among a title's artworks, in the same time"
    return _lift(known, used, policy, CONTROL, words)


def _lift(
    known: Contrast, used: Sequence[Stratum], policy: str, control: str, words: str
) -> LiftView:
    rate = impressions_a_day(used)
    return LiftView(
        arm=policy,
        against=control,
        policy=spoken(policy),
        control=spoken(control),
        control_words=words,
        percent=100 * known.lift.estimate,
        low=100 * known.lift.low,
        high=100 * known.lift.high,
        extra=known.extra.estimate,
        extra_low=known.extra.low,
        extra_high=known.extra.high,
        impressions=known.impressions,
        since_ms=min(each.first_ms for each in used),
        until=_until(known, rate),
    )


def _until(known: Contrast, a_day: float) -> str:
    """Return how long until the interval excludes no difference, "" when it does so now."""
    if known.growth is not None and known.growth <= 1.0:
        return ""
    if known.growth is None or a_day <= 0.0:
        return "Cannot be told: there is no difference to speak of in what has come."
    more = known.impressions * (known.growth - 1.0)
    days = more / a_day
    if days > LONGEST_DAYS:
        return (
            "Cannot be told: a difference as small as this one would take more than a year at the "
            "present rate."
        )
    return (
        f"If the difference stays as it is: about {_round(more)} more impressions, "
        f"{_lasting(days)} at the present rate."
    )


def until_takes(takes: Mapping[str, float], a_day: Mapping[str, float]) -> str:
    """Return how long until each side has the takes that an honest interval needs."""
    days = 0.0
    for side, its in takes.items():
        if its >= MIN_TAKES:
            continue
        if a_day.get(side, 0.0) <= 0.0:
            return ""
        days = max(days, (MIN_TAKES - its) / a_day[side])
    return f" At the present rate that is in {_lasting(days)}." if 0.0 < days < LONGEST_DAYS else ""


def _round(number: float) -> str:
    """Return the number to two digits: what is foretold is no better."""
    return f"{float(f'{number:.2g}'):,.0f}"


def _lasting(days: float) -> str:
    if days >= 2.0:
        return f"{days:.0f} days"
    hours = days * 24
    return f"{hours:.0f} hours" if hours >= 2.0 else f"{max(1.0, hours * 60):.0f} minutes"


def impressions_a_day(every: Sequence[Stratum]) -> float:
    """Return impressions a day over the newest week, or since the first if that is less."""
    counts, _ = rates(every, [name for each in every for name in each.policies])
    return counts


def rates(every: Sequence[Stratum], policies: Sequence[str]) -> tuple[float, float]:
    """Return impressions and takes a day of these policies' choices, lately."""
    if not every:
        return 0.0, 0.0
    last = max(each.last_ms for each in every)
    first = max(last - RATE_MS, min(each.first_ms for each in every))
    days = max(last - first, 60_000) / DAY_MS
    lately = merge(
        each.policies[name].between(first, FAR_MS)
        for each in every
        for name in dict.fromkeys(policies)
        if name in each.policies
    )
    return lately.count / days, lately.value / days


def worth_pairs(every: Sequence[Stratum], low_ms: int = 0, high_ms: int = FAR_MS) -> list[Pair]:
    """Return all that keyart chose, explored or not, beside the holdback, of each period."""
    return [
        (
            merge(
                track.between(low_ms, high_ms)
                for name, track in each.policies.items()
                if name != HOLDBACK
            ),
            each.policies[HOLDBACK].between(low_ms, high_ms),
        )
        for each in _held_back(every)
    ]


def _held_back(every: Sequence[Stratum]) -> list[Stratum]:
    return [each for each in every if HOLDBACK in each.policies and len(each.policies) > 1]


def worth_of(every: Sequence[Stratum]) -> WorthView:
    """Return what all of it is worth: keyart against default artworks, in words before it is known.

    Its interval holds at every look.
    """
    used = _held_back(every)
    share = max((each.split.arms.get(HOLDBACK, 0.0) for each in every[-1:]), default=0.0)
    if (known := contrast(worth_pairs(used))) is not None:
        shown = used[-1].split.arms.get(HOLDBACK, share)
        words = f"the {100 * shown:.3g} % of viewers who always see each title's default artwork"
        return WorthView(lift=_lift(known, used, WORTH, HOLDBACK, words), share=share)
    if not used and not share:
        waiting = (
            "Nobody is held back, so nothing says what all of it is worth: set KEYART_HOLDBACK."
            if every
            else "Nothing has come back yet. keyart is compared with viewers who always see each "
            f"title's default artwork, once both sides have {MIN_TAKES:.0f} takes."
        )
        return WorthView(waiting=waiting)
    sides = [merge(pair[side] for pair in worth_pairs(used)) for side in (0, 1)]
    return WorthView(
        share=share,
        waiting=(
            f"An honest interval needs {MIN_TAKES:.0f} takes on each side; so far keyart has "
            f"{sides[0].value:.0f} and default artworks {sides[1].value:.0f}."
        ),
    )


def experiment_of(every: Sequence[Stratum]) -> ExperimentView | None:
    """Return the newest experiment: its arms against the default policy's, and their shares."""
    running = [each for each in every if len(_shares(each)) > 1]
    if not running:
        return None
    newest = running[-1]
    shares = _shares(newest)
    control = next(iter(shares))
    used = [each for each in running if _shares(each).keys() == shares.keys()]
    check = check_shares(
        [
            (
                _shares(each),
                {arm: track.whole for arm, track in each.policies.items() if arm in shares},
            )
            for each in used
        ]
    )
    if check is None:
        return None
    return ExperimentView(
        control=spoken(control),
        since_ms=min(each.first_ms for each in used),
        last_ms=newest.last_ms,
        running=newest is every[-1],
        impressions=check.impressions,
        p_value=check.p_value,
        passed=check.passed,
        arms=tuple(
            _arm(every, arm.arm, control, arm.meant, arm.seen, at)
            for at, arm in enumerate(check.arms)
        ),
    )


def _shares(stratum: Stratum) -> dict[str, float]:
    """Return the arms' shares of those who are not held back."""
    arms = {arm: share for arm, share in stratum.split.arms.items() if share > 0.0}
    rest = 1.0 - arms.pop(HOLDBACK, 0.0)
    return {arm: share / rest for arm, share in arms.items()}


def _arm(
    every: Sequence[Stratum], arm: str, control: str, meant: float, seen: float, place: int
) -> ArmView:
    used = [each for each in every if _ran(each, arm)]
    whole = merge(each.policies[arm].whole for each in used)
    known = interval(whole)
    both = [each for each in used if _ran(each, arm, control)]
    against = None if arm == control else contrast(arm_pairs(every, arm, control))
    words = f"viewers of {spoken(control)}, another share of the same crowd in the same time"
    return ArmView(
        policy=arm,
        name=spoken(arm),
        place=place,
        share_meant=meant,
        share_seen=seen,
        impressions=whole.count,
        takes=whole.value,
        mean=known.estimate if known else 0.0,
        low=known.low if known else 0.0,
        high=known.high if known else 1.0,
        lift=None if against is None else _lift(against, both, arm, control, words),
        waiting=""
        if against is not None or arm == control
        else _few(whole, merge(each.policies[control].whole for each in both)),
    )


def _few(arm: PolicyBucket, control: PolicyBucket) -> str:
    return (
        f"An honest interval needs {MIN_TAKES:.0f} takes on each side; so far there are "
        f"{arm.value:.0f} and {control.value:.0f}."
    )


def lifts_over_time(every: Sequence[Stratum], policy: str) -> tuple[LiftSeries, ...]:
    """Return the lift so far at up to 60 moments: the headline's, and each arm's over the default.

    Each point is everything up to it, and its interval is the one that holds at every look.
    """
    if not every:
        return ()
    ends = evenly([track.starts for each in every for track in each.policies.values()])
    made = [
        LiftSeries(
            policy=policy,
            name=f"{spoken(policy)} over {spoken(CONTROL)}",
            place=0,
            points=_points(ends, partial(headline_pairs, every, policy, 0)),
        )
    ]
    if (experiment := experiment_of(every)) is not None:
        control = experiment.arms[0].policy
        for arm in experiment.arms[1:]:
            name = arm.policy

            made.append(
                LiftSeries(
                    policy=name,
                    name=f"{arm.name} over {spoken(control)}",
                    place=arm.place,
                    points=_points(ends, partial(arm_pairs, every, name, control, 0)),
                )
            )
    return tuple(each for each in made if each.points)


def _points(ends: Sequence[int], pairs: Callable[[int], list[Pair]]) -> tuple[LiftPoint, ...]:
    found: list[LiftPoint] = []
    for at in ends:
        if (known := contrast(pairs(at + 1))) is not None:
            lift = known.lift
            found.append(
                LiftPoint(
                    at=at, mean=lift.estimate, low=lift.low, high=lift.high, n=known.impressions
                )
            )
    return tuple(found)
