"""From keyart's own log to options of the policy that would have served it better, if any."""

from collections.abc import Container, Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct

from keyart.models.bandits.protocol import Page, Policy
from keyart.models.decide.believed import propensities_of
from keyart.models.decide.experiment import viewer_share
from keyart.models.ope.options import SIBLINGS, Option, options_beside, parameters_of
from keyart.models.ope.reward_model import folds_of
from keyart.models.ope.rows import Array
from keyart.models.ope.tuning import Looked, Outcome, tuned
from keyart.models.ope.tuning_halves import Logged
from keyart.services.jobs.evaluation.own_log import OwnLog, explored, pages, title_model
from keyart.services.jobs.evaluation.priors_on_log import Opinions
from keyart.services.jobs.progress import Tell

PURPOSE: Final = b"tune"
"""Of the hash that deals viewers into two halves: another one than that of any experiment."""
CERTAIN: Final = (
    "{} of {} impressions are left out: their artwork was shown for certain (holdback, a rule, or "
    "no exploration), and say nothing of any other"
)
ONLY_NOW: Final = (
    "what an option would have learned is not in these figures: one that explores less looks "
    "better by what it does not spend"
)


class OptionRow(Struct, frozen=True, kw_only=True):
    """What is said of an option; takes are an impression's, intervals corrected and by viewer.

    `set` are the lines to set it with, `unsure` how much it shows of what it is unsure of (1: as
    what serves does), `more` how many more impressions would tell it from what serves.
    """

    option: str
    outcome: str
    judged: bool
    difference: float | None
    low: float | None
    high: float | None
    level: float | None
    rows: int
    worth_rows: float
    unsure: float
    more: float | None
    gate: str
    says: str
    set: tuple[str, ...]


class TuneReport(Struct, frozen=True, kw_only=True):
    """What `keyart tune` found. `says` is the one sentence; `proposed` an option's name or ""."""

    rows: int
    viewers: int
    policy: str
    options: str
    explore_share: float
    takes: float | None
    proposed: str
    says: str
    looked: list[OptionRow]
    warnings: list[str]


def tune(
    log: OwnLog,
    serving: Policy,
    explore_share: float,
    *,
    opinions: Opinions | None = None,
    siblings: tuple[str, ...] = SIBLINGS,
    seed: int = 0,
    tell: Tell = lambda *_: None,
) -> TuneReport:
    """Return what a log says of options beside those that serve.

    Parameters
    ----------
    serving, explore_share
        The policy with its parameters, and the share of uniform exploration, that serve.
    opinions
        Of the prior that serves; None: of none.
    siblings
        Other policies to look at.

    Raises
    ------
    SettingsError
        A log cannot judge what serves.
    """
    options = options_beside(serving, explore_share, siblings=siblings)
    here = Option(name="", policy=serving, explore_share=explore_share)
    shares, unsure = _replayed(log, [here, *options], opinions, tell)
    certain = (log.logged.max(axis=1) > 1.0 - 1e-9) & (log.rows.allowed.sum(axis=1) > 1)
    kept = np.flatnonzero(~certain)
    warnings = list(log.warnings)
    if certain.any():
        warnings.append(CERTAIN.format(f"{int(certain.sum()):,}", f"{len(certain):,}"))
    if not len(kept):
        return _report(log, 0, 0, here, [], [*warnings, ONLY_NOW])
    judging = np.array([viewer_share(each, PURPOSE) < 0.5 for each in log.viewers])
    of = log.rows.cluster if log.rows.cluster is not None else np.arange(len(log.rows))
    rows = log.rows.at(kept)
    model = title_model(log, folds_of(log.rows, seed=seed))
    found = tuned(
        Logged(
            rows=rows,
            judging=judging[of[kept]],
            logged=log.logged[kept],
            model=model[kept],
            serving=shares.pop("")[kept],
            options={name: each[kept] for name, each in shares.items()},
            unsure=unsure,
            counts=None if log.counts is None else log.counts[kept],
        ),
        options,
        explore_share=explore_share,
        seed=seed,
    )
    return _report(log, len(rows), rows.clusters, here, found, [*warnings, ONLY_NOW])


def siblings_beside(served: Container[str]) -> tuple[str, ...]:
    """Return the policies to look at where these are being compared live already."""
    return tuple(name for name in SIBLINGS if name not in served)


def _replayed(
    log: OwnLog, options: Sequence[Option], opinions: Opinions | None, tell: Tell
) -> tuple[dict[str, Array], dict[str, float]]:
    """Return propensities of each option on the log, and what it shows of what it is unsure of."""
    relative, strength = (
        (None, None) if opinions is None else (opinions.relative, opinions.strength)
    )
    chosen: dict[str, tuple[Policy, Array]] = {
        each.policy.version: (each.policy, np.empty(log.logged.shape)) for each in options
    }
    doubt = np.zeros(log.logged.shape)
    for block, page in pages(log, relative=relative, strength=strength):
        tell("replaying", block.stop, len(log.rows))
        doubt[block] = _doubt(page)
        for policy, into in chosen.values():
            into[block] = propensities_of(policy, page)
    shares = {
        each.name: explored(chosen[each.policy.version][1], log.rows.allowed, each.explore_share)
        for each in options
    }
    shown = {name: float((each * doubt).sum()) for name, each in shares.items()}
    base = max(shown[options[0].name], 1e-12)
    return shares, {name: each / base for name, each in shown.items()}


def _doubt(page: Page) -> Array:
    """Return (N, K) standard deviations of the beliefs, 0 where nothing may be chosen."""
    return np.where(page.mask, np.asarray(page.sd, np.float64), 0.0)


def _report(
    log: OwnLog,
    rows: int,
    viewers: int,
    serving: Option,
    found: Sequence[Looked],
    warnings: list[str],
) -> TuneReport:
    first = found[0] if found else None
    proposed = first if first is not None and first.outcome is Outcome.PROPOSED else None
    base = next((each.loss.champion for each in found if each.loss is not None), None)
    return TuneReport(
        rows=rows,
        viewers=viewers,
        policy=serving.policy.name,
        options=_parameters(serving.policy),
        explore_share=serving.explore_share,
        takes=base,
        proposed=proposed.option.name if proposed is not None else "",
        says=_in_words(proposed, found),
        looked=[_row(each, serving) for each in found],
        warnings=warnings,
    )


def _in_words(proposed: Looked | None, found: Sequence[Looked]) -> str:
    if proposed is not None and proposed.loss is not None:
        loss = proposed.loss
        base = max(loss.champion, 1e-12)
        return (
            f"{proposed.option.name} is proposed: judged by viewers who had no say in picking it, "
            f"{100 * loss.difference / base:.1f} % more takes than with what serves "
            f"({100 * loss.low / base:.1f} to {100 * loss.high / base:.1f}), by what was known "
            "then; that proves nothing of what it would learn"
        )
    if not found:
        return "nothing is proposed: the log has no impression that another option could have had"
    untold = [each for each in found if each.outcome is Outcome.UNTOLD and each.more is not None]
    said = f"nothing is proposed: {len(found)} options were looked at, and none is surely better"
    hopeful = [each for each in untold if each.loss is not None and each.loss.difference > 0.0]
    if not hopeful:
        return said
    best = max(hopeful, key=lambda each: each.loss.difference if each.loss is not None else 0.0)
    return f"{said}; {best.option.name}: cannot tell, about {best.more:,.0f} more impressions would"


def _row(looked: Looked, serving: Option) -> OptionRow:
    loss = looked.loss
    return OptionRow(
        option=looked.option.name,
        outcome=looked.outcome.value,
        judged=looked.judged,
        difference=_finite(loss and loss.difference),
        low=_finite(loss and loss.low),
        high=_finite(loss and loss.high),
        level=loss.level if loss is not None else None,
        rows=loss.rows if loss is not None else 0,
        worth_rows=looked.size,
        unsure=looked.unsure,
        more=looked.more,
        gate=looked.verdict.outcome,
        says=looked.says,
        set=lines_of(looked.option, serving),
    )


def lines_of(option: Option, serving: Option) -> tuple[str, ...]:
    """Return the settings that are other with an option than with what serves."""
    lines = []
    if option.policy.name != serving.policy.name:
        lines.append(f"KEYART_POLICY={option.policy.name}")
    if option.policy != serving.policy:
        lines.append(f"KEYART_POLICY_OPTIONS={_parameters(option.policy)}")
    if option.explore_share != serving.explore_share:
        lines.append(f"KEYART_EXPLORE_SHARE={option.explore_share:g}")
    return tuple(lines)


def _parameters(policy: Policy) -> str:
    return ",".join(
        f"{name}={value:.12g}" if isinstance(value, float | int) else f"{name}={value}"
        for name, value in parameters_of(policy).items()
    )


def _finite(value: Any) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None
