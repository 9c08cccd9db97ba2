"""The tables of `keyart evaluate`: a value with its interval below."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Column, Table

from keyart.models.ope.headlines.protocol import Report
from keyart.models.ope.headlines.quality import Quality
from keyart.models.ope.headlines.texts import TextOpinions
from keyart.models.statistics.interval import Interval
from keyart.services.cli.words import counted


def priors_table(said: Sequence[TextOpinions], found: Sequence[Quality], title: str) -> Table:
    """Return a row for each prior: what it found, and what it is over the first."""
    figures = ("top-1, %", "rank", "gain", "top-1 over", "rank over")
    table = Table(
        Column("prior", overflow="fold"),
        *(Column(each, justify="right") for each in figures),
        box=SIMPLE_HEAD,
        title=title,
    )
    for each, one in zip(said, found, strict=True):
        table.add_row(
            each.name,
            _cell(one.top1, 100.0, 1),
            _cell(one.rank, 1.0, 3),
            f"{each.gain:.0f}",
            _cell(one.top1_over, 100.0, 1),
            _cell(one.rank_over, 1.0, 3),
        )
    return table


def creatives_tables(report: Report, taus: Sequence[int]) -> list[Table]:
    """Return every policy over UCB by horizon; then keyart against others, with the mean."""
    cells: dict[tuple[str, ...], dict[int, str]] = {}
    for row in report.rows:
        line = cells.setdefault((row.policy, row.prior), {})
        line[row.tau] = _per_cent(row.over_ucb, row.low, row.high)
    title = f"per cent over UCB, {counted(report.tests, 'test')}"
    tables = [_by_tau(title, ("policy", "prior"), cells, taus)]
    paired: dict[tuple[str, ...], dict[int, str]] = {}
    for each in report.contrasts:
        line = paired.setdefault((f"{each.policy}\nover {each.against}",), {})
        line[each.tau] = _per_cent(each.over, each.low, each.high)
    if paired:
        tables.append(_by_tau("per cent, paired", ("",), paired, [*taus, 0]))
    return tables


def _by_tau(
    title: str,
    names: Sequence[str],
    cells: dict[tuple[str, ...], dict[int, str]],
    taus: Sequence[int],
) -> Table:
    table = Table(*names, title=title, box=SIMPLE_HEAD)
    for tau in taus:
        table.add_column(f"tau {tau}" if tau else "mean", justify="right")
    for named, line in cells.items():
        table.add_row(*named, *(line[tau] for tau in taus))
    return table


def _per_cent(value: float, low: float, high: float) -> str:
    return f"{value:+.2f}\n{low:+.2f}..{high:+.2f}"


def _cell(interval: Interval, scale: float, digits: int) -> str:
    value, low, high = (
        f"{scale * each:.{digits}f}" for each in (interval.estimate, interval.low, interval.high)
    )
    return f"{value}\n{low}..{high}"
