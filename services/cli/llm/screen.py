"""The tables that the commands show."""

from typing import Final

from rich.box import SIMPLE_HEAD
from rich.table import Table

from keyart.models.ope.choices.table import Evaluation, Row
from keyart.models.statistics.interval import Interval

MEASURES: Final = ("accuracy", "ips", "snips")


def evaluation_tables(found: Evaluation) -> list[Table]:
    """Return the table against the incumbent, in the literature's shape, and the plain figures."""
    width = f"{found.level:.0%}"
    against = Table(
        box=SIMPLE_HEAD,
        title=f"over the incumbent, per cent, {width} paired bootstrap over {found.clusters}",
    )
    for column in ("opinion", "accuracy", "IPS", "SNIPS"):
        against.add_column(column, justify="left" if column == "opinion" else "right")
    for row in found.rows:
        if row.opinion != "incumbent":
            against.add_row(row.opinion, *(_cell(row, measure) for measure in MEASURES))
    plain = Table(
        box=SIMPLE_HEAD, title=f"{found.examples} examples, {found.answered} with an answer"
    )
    for column in ("opinion", "accuracy", "IPS", "SNIPS", "log-lik.", "ECE", "place bias"):
        plain.add_column(column, justify="left" if column == "opinion" else "right")
    for row in found.rows:
        bias = found.position_bias.get(row.opinion)
        plain.add_row(
            row.opinion,
            f"{row.accuracy:.4f}",
            f"{row.ips:.5f}",
            f"{row.snips:.5f}",
            f"{row.likelihood:.4f}",
            f"{row.calibration:.4f}",
            "" if bias is None else f"{bias:.3f}",
        )
    return [against, plain]


def _cell(row: Row, measure: str) -> str:
    interval: Interval | None = row.over.get("incumbent", {}).get(measure)
    if interval is None:
        return ""
    return f"{interval.estimate:+.1f} [{interval.low:+.1f}, {interval.high:+.1f}]"
