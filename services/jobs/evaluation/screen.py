"""The tables that `keyart evaluate log` prints."""

from rich.box import SIMPLE_HEAD
from rich.table import Column, Table

from keyart.services.jobs.evaluation.judge import LogReport


def tables(report: LogReport) -> list[Table]:
    """Return estimates, differences and replays, a row each."""
    title = f"{report.rows:,} rows, {report.viewers:,} viewers, {report.actions} actions"
    shown = _table(title, "policy", "estimator", "value", "95 % interval", "rows it is worth")
    for each in report.estimates:
        size = report.sizes.get(each["policy"])
        worth = f"{size:,.0f}" if size is not None else ""
        shown.add_row(each["policy"], each["estimator"], *_cells(each), worth)
    made = [shown]
    if report.differences:
        against = report.differences[0]["against"]
        title = f"over {against}, on the same rows"
        over = _table(title, "policy", "estimator", "value", "95 % interval", "rows to tell")
        for each in report.differences:
            wanted = each["rows_to_tell"]
            told = f"{wanted:,.0f}" if wanted is not None else "they do not differ"
            over.add_row(each["policy"], each["estimator"], *_cells(each, sign="+"), told)
        made.append(over)
    if report.replay:
        title = "replayed on line; anytime-valid interval"
        replayed = _table(title, "policy", "rows met", "value", "95 % interval")
        for one in report.replay:
            cells = _cells({"value": one.value, "low": one.low, "high": one.high})
            replayed.add_row(one.policy, f"{one.matched:,}", *cells)
        made.append(replayed)
    return made


def _table(title: str, *names: str) -> Table:
    left = {"policy", "estimator"}
    columns = [Column(each, justify="left" if each in left else "right") for each in names]
    return Table(*columns, box=SIMPLE_HEAD, title=title)


def _cells(each: dict[str, float | None], sign: str = "") -> tuple[str, str]:
    value, low, high = each["value"], each["low"], each["high"]
    if value is None:
        return "none", "no row to tell from"
    if low is None or high is None:
        return f"{value:{sign}.5f}", "none"
    return f"{value:{sign}.5f}", f"{low:{sign}.5f} to {high:{sign}.5f}"
