"""Options against what serves, on one log, without the winner's curse.

Of many that are looked at, the one that looks best is partly the luckiest: its own estimate is too
high, the more so the more there were (Smith and Winkler, Management Science 2006). So viewers are
dealt into two halves by a hash. On the one half all are looked at, and a few are picked; on the
other, whose viewers had no say in the pick, the picked are judged. A hash of the pseudonym, not a
draw: whoever asks again when the log has grown asks the same halves, and cannot draw until it fits.
Viewers, not days, because intervals cluster by viewer: on two stretches of days the same viewer
would stand on both sides. (Beliefs replay the log up to each row, as they serve, and so know the
earlier rewards of both halves; what is judged is never among them.)

Every interval is as wide as the number of options that it was looked at among asks for (Bonferroni:
together they hold with 95 %). The gate's veto on harm decides (`models.ope.gate.rules.harm`); what
passes it is proposed only where even the lower end of its interval is above 0.

What a log cannot show is what an option would have *learned*: an option that explores less looks
better, by what it does not spend. So a lower share of uniform exploration is proposed only where a
log of this length could with it still bound the loss of every option that is not surely worse, and
of every option it is said how much it shows of what it is unsure of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np
from scipy.special import ndtri

from keyart.models.ope.diagnostics import LEAST_ROWS, rows_to_tell
from keyart.models.ope.gate.loss import LEAST_ROWS as LEAST_REWARDS
from keyart.models.ope.gate.rules import MARGIN, PASSED, REFUSED, Loss, Verdict, harm
from keyart.models.ope.options import Option
from keyart.models.ope.tuning_halves import Half, Logged
from keyart.models.statistics.bootstrap import LEVEL

MOST_JUDGED: Final = 3
"""Options that go on to the other half: each more makes every interval there wider."""
MATTERS: Final = 0.005
"""Share of takes; what surely differs by less is no reason to change anything."""
MOST_UNTRIED: Final = 0.01
"""Of what an option would show, at most, that could not have been shown."""


class Outcome(StrEnum):
    """What is said of an option."""

    PROPOSED = "proposed"
    NEEDED = "needed"
    UNPICKED = "not judged"
    UNTOLD = "cannot tell"
    SAME = "the same"
    WORSE = "worse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What the log says of an option.

    Parameters
    ----------
    option, outcome
        Which, and what is said of it.
    judged
        Whether it was picked, and judged by viewers who had no say in that.
    loss
        Its take fraction less that of what serves; None where there are too few rows. On the
        judging half where `judged`, else on the half that it was looked at on.
    verdict
        The gate's.
    size
        Rows that the log is worth for it, on the same half.
    unsure
        How much it shows of what it is unsure of, over what serves: 1 is as much, 0.5 half.
    more
        Impressions beyond these that would tell it from what serves; None: none, or it is told.
    says
        Why it is so, in words.
    """

    option: Option
    outcome: Outcome
    judged: bool
    loss: Loss | None
    verdict: Verdict
    size: float
    unsure: float
    more: float | None
    says: str


def tuned(
    log: Logged,
    options: Sequence[Option],
    *,
    explore_share: float,
    margin: float = MARGIN,
    seed: int = 0,
) -> list[Looked]:
    """Return what the log says of each option, the proposed first, then by what they would earn.

    Parameters
    ----------
    explore_share
        That serves, 0 to 1.
    margin
        Share of takes that may be lost, of the gate's veto.
    """
    half = {judged: Half(log, log.judging == judged, seed) for judged in (False, True)}
    seen = {each.name: half[False].loss(each.name, len(options), margin) for each in options}
    picked = _picked(seen)
    found = []
    for each in options:
        judged = each.name in picked
        loss = half[True].loss(each.name, len(picked), margin) if judged else seen[each.name]
        found.append(_said(log, each, loss, half[judged], margin, judged=judged))
    needed = max(
        (_to_bound(each, margin) for each in found if each.option.explore_share == explore_share),
        default=np.inf,
    )
    kept = [_with_evidence(each, explore_share, needed, len(log.rows)) for each in found]
    order = list(Outcome)
    return sorted(
        kept,
        key=lambda each: (
            order.index(each.outcome),
            -(each.loss.difference if each.loss is not None else -np.inf),
        ),
    )


def _picked(seen: Mapping[str, Loss | None]) -> set[str]:
    """Return the names of the few that would earn most, less one standard error."""
    held = [
        (each.difference - _error(each), name)
        for name, each in seen.items()
        if each is not None and each.difference > 0.0
    ]
    return {name for _, name in sorted(held, reverse=True)[:MOST_JUDGED]}


def _said(
    log: Logged,
    option: Option,
    loss: Loss | None,
    half: Half,
    margin: float,
    *,
    judged: bool,
) -> Looked:
    verdict = harm(loss, margin=margin)
    size = half.size(option.name)
    outcome, more, says = Outcome.UNTOLD, None, verdict.says
    if loss is None:
        says = f"fewer than {LEAST_REWARDS} rewards on one half of the viewers"
    elif (untried := half.untried(option.name)) > MOST_UNTRIED:
        says = (
            f"{100 * untried:.0f} % of what it would show could not have been shown when this was "
            "logged: only exploration can tell"
        )
    elif size < LEAST_ROWS:
        more = len(log.rows) * (LEAST_ROWS / max(size, 0.5) - 1.0)
        says = f"not enough overlap to say: the rows are worth {size:.0f} for it"
    elif max(-loss.low, loss.high) <= MATTERS * loss.champion:
        outcome, says = Outcome.SAME, f"it is within {100 * MATTERS:g} % of what serves"
    elif verdict.outcome == REFUSED:
        outcome = Outcome.WORSE
    elif judged and verdict.outcome == PASSED and loss.low > 0.0:
        outcome = Outcome.PROPOSED
    elif loss.low > 0.0:
        outcome, says = Outcome.UNPICKED, f"others looked better still; {verdict.says}"
    else:
        more = _more(loss, len(log.rows))
    return Looked(
        option=option,
        outcome=outcome,
        judged=judged,
        loss=loss,
        verdict=verdict,
        size=size,
        unsure=log.unsure[option.name],
        more=more,
        says=says,
    )


def _error(loss: Loss) -> float:
    """Return the standard error behind an interval."""
    return (loss.high - loss.low) / 2.0 / float(ndtri(0.5 + loss.level / 2.0))


def _more(loss: Loss, rows: int) -> float | None:
    """Return how many rows more would show this difference, at the level it was looked at."""
    wanted = rows_to_tell(loss.difference, _error(loss), loss.rows, level=loss.level)
    wanted *= rows / loss.rows
    return max(wanted - rows, 1.0) if np.isfinite(wanted) else None


def _to_bound(looked: Looked, margin: float) -> float:
    """Return how many rows bound an option's loss by the margin with 95 %, if it loses nothing."""
    loss = looked.loss
    if looked.outcome in (Outcome.WORSE, Outcome.SAME):
        return 0.0
    if loss is None or loss.champion <= 0.0:
        return float("inf")
    sure = float(ndtri(0.5 + LEVEL / 2.0))
    return loss.rows * (sure * _error(loss) / (margin * loss.champion)) ** 2


def _with_evidence(looked: Looked, serving: float, needed: float, rows: int) -> Looked:
    """Return the option, no more proposed where it would leave too little to judge others on."""
    share = looked.option.explore_share
    if looked.outcome is not Outcome.PROPOSED or share >= serving:
        return looked
    if (wanted := needed * serving / share) <= rows:
        return looked
    says = (
        f"{looked.says}; but to bound another option's loss by the margin would then take "
        f"{wanted:,.0f} impressions, and there are {rows:,}"
    )
    return replace(looked, outcome=Outcome.NEEDED, says=says)
