"""The gate as a table of rules, each with its verdict in words.

A gate on a log is a veto on harm and proves no gain: with 5 % uniform traffic it is 5 to 40 times
weaker than a live comparison of the same size. So a rule passes, refuses, or cannot tell; a version
passes when no rule refuses, and what could not be told is left to the canary.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

PASSED: Final = "passed"
REFUSED: Final = "refused"
UNTOLD: Final = "cannot tell"

LEAST_READABLE: Final = 0.9
"""Share of titles for which a version must have an opinion; the published loop halts below it."""
LEAST_SLOPE: Final = 0.25
"""A slope of takes on opinions surely below this: noise, exaggeration, or upside down."""
TOLERANCE: Final = 1e-4
"""Share of its scale that a graph may differ from its weights."""
MOST_BYTES: Final = 4_000_000_000
MOST_SECONDS: Final = 0.005
"""Of scoring one artwork: 10,000 titles of 10 artworks take 8 minutes."""
MARGIN: Final = 0.05
"""Share of the champion's take fraction that a candidate may lose at most, for all that is known"""


class Verdict(Struct, frozen=True, kw_only=True):
    """What one rule says. `outcome` is passed, refused, or cannot tell."""

    rule: str
    outcome: str
    says: str
    figures: dict[str, float | None] = {}


class Judgement(Struct, frozen=True, kw_only=True):
    """What the gate says of a version against a champion."""

    version: str
    champion: str
    passed: bool
    says: str
    verdicts: tuple[Verdict, ...]
    judged_at_ms: int = 0
    rows: int = 0


class Slope(Struct, frozen=True, kw_only=True):
    """Of takes on opinions: 1 is calibrated, 0 says nothing, below 0 is upside down."""

    value: float
    error: float
    rows: int

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.value - 1.96 * self.error

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.value + 1.96 * self.error


def judgement(version: str, champion: str, verdicts: Sequence[Verdict], **more: int) -> Judgement:
    """Return what the rules say together: refused if any refuses."""
    refused = [each for each in verdicts if each.outcome == REFUSED]
    untold = [each.rule for each in verdicts if each.outcome == UNTOLD]
    if refused:
        says = "refused: " + "; ".join(each.says for each in refused)
    elif untold:
        says = f"passed; left to the canary: {', '.join(untold)}"
    else:
        says = "passed"
    return Judgement(
        version=version,
        champion=champion,
        passed=not refused,
        says=says,
        verdicts=tuple(verdicts),
        **more,
    )


def files(fault: str, size: int) -> Verdict:
    """Judge the files: whole, of the kinds that are kept, and not too large."""
    figures: dict[str, float | None] = {"bytes": float(size)}
    if fault:
        return Verdict(rule="files", outcome=REFUSED, says=fault, figures=figures)
    if size > MOST_BYTES:
        says = f"{size:,} bytes are more than {MOST_BYTES:,}"
        return Verdict(rule="files", outcome=REFUSED, says=says, figures=figures)
    says = f"every digest is the one that was kept; {size:,} bytes"
    return Verdict(rule="files", outcome=PASSED, says=says, figures=figures)


def parity(largest: float | None, scale: float, tolerance: float = TOLERANCE) -> Verdict:
    """Judge whether the graph gives the numbers of the weights; `largest` None: only one exists."""
    if largest is None:
        says = "there is one form of it alone: nothing to compare"
        return Verdict(rule="parity", outcome=PASSED, says=says)
    figures: dict[str, float | None] = {"largest": largest, "scale": scale}
    if not largest <= tolerance * max(scale, 1e-6):
        says = f"graph and weights differ by {largest:.2g}, their scale is {scale:.2g}"
        return Verdict(rule="parity", outcome=REFUSED, says=says, figures=figures)
    says = f"graph and weights agree to {largest:.1g}"
    return Verdict(rule="parity", outcome=PASSED, says=says, figures=figures)


def readable(good: int, asked: int) -> Verdict:
    """Judge the form of its answers: an opinion, finite and of every artwork, title by title."""
    share = good / asked if asked else 0.0
    figures: dict[str, float | None] = {"share": share, "titles": float(asked)}
    if share < LEAST_READABLE:
        says = f"readable opinions of {100 * share:.0f} % of {asked} titles; 90 % are needed"
        return Verdict(rule="format", outcome=REFUSED, says=says, figures=figures)
    says = f"readable opinions of {100 * share:.0f} % of {asked} titles"
    return Verdict(rule="format", outcome=PASSED, says=says, figures=figures)


def answers(share: float) -> Verdict:
    """Judge whether a model that answers in text answers at all: with the letter of an option."""
    figures: dict[str, float | None] = {"share": share}
    says = f"{100 * share:.0f} % of held-out questions answered with the letter of an option"
    if share < LEAST_READABLE:
        says += f"; {100 * LEAST_READABLE:.0f} % are needed"
        return Verdict(rule="answers", outcome=REFUSED, says=says, figures=figures)
    return Verdict(rule="answers", outcome=PASSED, says=says, figures=figures)


def latency(seconds: float, artworks: int, most: float = MOST_SECONDS) -> Verdict:
    """Judge how long scoring took, at most so many seconds an artwork; no request waits for it."""
    each = seconds / max(artworks, 1)
    figures: dict[str, float | None] = {
        "seconds_per_artwork": each,
        "artworks": float(artworks),
        "most": most,
    }
    says = f"{1000 * each:.2f} ms an artwork"
    outcome = PASSED if each <= most else REFUSED
    if outcome == REFUSED:
        says += f"; at most {1000 * most:g} ms"
    return Verdict(rule="latency", outcome=outcome, says=says, figures=figures)


def calibration(slope: Slope | None) -> Verdict:
    """Judge whether takes follow its opinions, on artworks drawn with known propensities."""
    if slope is None:
        says = "no reward in the log is of an artwork that it has an opinion about"
        return Verdict(rule="calibration", outcome=UNTOLD, says=says)
    figures: dict[str, float | None] = {
        "slope": slope.value,
        "low": slope.low,
        "high": slope.high,
        "rows": float(slope.rows),
    }
    held = f"{slope.value:.2f} ({slope.low:.2f} to {slope.high:.2f}), 1 is calibrated"
    if slope.high < 0.0:
        says = f"its opinions are upside down: takes follow them with slope {held}"
        return Verdict(rule="calibration", outcome=REFUSED, says=says, figures=figures)
    if slope.high < LEAST_SLOPE:
        says = f"takes do not follow its opinions: slope {held}"
        return Verdict(rule="calibration", outcome=REFUSED, says=says, figures=figures)
    if slope.low <= 0.0:
        says = f"too few rewards to tell whether takes follow its opinions: slope {held}"
        return Verdict(rule="calibration", outcome=UNTOLD, says=says, figures=figures)
    says = f"takes follow its opinions with slope {held}"
    return Verdict(rule="calibration", outcome=PASSED, says=says, figures=figures)


def viewers(gain: float | None, error: float, takes: int) -> Verdict:
    """Judge what a version says to single viewers, in nats a held-out take over a stranger's word.

    The log keeps no viewer's taste as it was, so rules on the log judge what is said to everybody;
    this is of histories, on takes of after what it learned from. `gain` None: nothing was measured.
    """
    rule = "viewers"
    if gain is None:
        says = "too few held-out takes of viewers with a history: what it says to them is not known"
        return Verdict(rule=rule, outcome=UNTOLD, says=says)
    low, high = gain - 1.96 * error, gain + 1.96 * error
    figures: dict[str, float | None] = {
        "gain": gain,
        "low": low,
        "high": high,
        "takes": float(takes),
    }
    held = f"{gain:+.4f} nats a take ({low:+.4f} to {high:+.4f})"
    if high < 0.0:
        says = f"a viewer's history makes its word worse than a stranger's: {held}"
        return Verdict(rule=rule, outcome=REFUSED, says=says, figures=figures)
    if low <= 0.0:
        says = f"too few takes to tell whether a viewer's history helps its word: {held}"
        return Verdict(rule=rule, outcome=UNTOLD, says=says, figures=figures)
    says = f"a viewer's history helps its word: {held}"
    return Verdict(rule=rule, outcome=PASSED, says=says, figures=figures)


class Loss(Struct, frozen=True, kw_only=True):
    """A candidate's take fraction less the champion's, on the same rows, clustered by viewer.

    `level` is the interval's, `champion` the champion's own estimate, and `rows` how many there
    are; `rows_to_bound` is how many in all would bound the loss by the margin if there is none,
    None if these do.
    """

    difference: float
    low: float
    high: float
    champion: float
    rows: int
    rows_to_bound: float | None = None
    level: float = 0.95


def harm(loss: Loss | None, *, margin: float = MARGIN) -> Verdict:
    """Judge off-policy harm: surely worse is refused; a loss that cannot be bounded is said so."""
    rule = "harm"
    if loss is None:
        return Verdict(rule=rule, outcome=UNTOLD, says="there is no log to judge it by")
    figures: dict[str, float | None] = {
        "difference": loss.difference,
        "low": loss.low,
        "high": loss.high,
        "champion": loss.champion,
        "rows": float(loss.rows),
        "rows_to_bound": loss.rows_to_bound,
    }
    base = max(loss.champion, 1e-12)
    held = (
        f"{100 * loss.difference / base:+.1f} % "
        f"({100 * loss.low / base:+.1f} to {100 * loss.high / base:+.1f}) of the champion's takes"
    )
    if loss.high < 0.0:
        says = f"on the log it does worse than the champion: {held}"
        return Verdict(rule=rule, outcome=REFUSED, says=says, figures=figures)
    if loss.low >= -margin * base:
        says = f"it loses at most {100 * margin:.0f} % on the log: {held}"
        return Verdict(rule=rule, outcome=PASSED, says=says, figures=figures)
    says = f"the log cannot bound its loss by {100 * margin:.0f} %: {held}"
    if loss.rows_to_bound is not None:
        says += f"; about {loss.rows_to_bound:,.0f} rewards would, and there are {loss.rows:,}"
    return Verdict(rule=rule, outcome=UNTOLD, says=says, figures=figures)
