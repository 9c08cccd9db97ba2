"""`keyart tune`: which policy options the log speaks for, if any."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keyart.services.cli.figures import STANDARD_OUTPUT, Json, check_json, write_json
from keyart.services.cli.site import site

if TYPE_CHECKING:
    from keyart.services.jobs.evaluation.tune import OptionRow, TuneReport

app = typer.Typer()


@app.command("tune")
def tune(
    log: Annotated[
        Path | None,
        typer.Option(help="keyart's training log: a folder or Parquet [default: this site's own]"),
    ] = None,
    rows: Annotated[
        int, typer.Option(min=400, max=2_000_000, help="impressions read at most, the newest")
    ] = 100_000,
    since_hours: Annotated[
        float, typer.Option(min=0, help="of the last hours only; 0: of all")
    ] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="of folds and bootstrap")] = 0,
    json: Json = None,
) -> None:
    """Propose policy options (exploration, optimism, noise, another policy), if the log can tell.

    Options are compared with what serves on the same impressions. One half of the viewers picks,
    the other judges; intervals are corrected for the number of options, and the gate's veto on harm
    decides. Nothing is set: what to set is printed.
    """
    from rich.console import Console

    from keyart.models.bandits.registry import build_policy
    from keyart.schemas.extras import need_polars
    from keyart.services.jobs.evaluation.own_log import read_own
    from keyart.services.jobs.evaluation.priors_on_log import opinions_on
    from keyart.services.jobs.evaluation.tune import siblings_beside, tune
    from keyart.services.jobs.progress import progress
    from keyart.services.wiring.clock import now_ms
    from keyart.services.wiring.experiment import options_of, pairs
    from keyart.services.wiring.logs import archiver_of
    from keyart.services.wiring.places import archive_dir
    from keyart.services.wiring.priors import bounds_of
    from keyart.services.wiring.stores import opinions_of
    from keyart.streams.registry.registry import NEUTRAL

    need_polars("tuning")
    check_json(json)
    out, err = Console(stderr=json == STANDARD_OUTPUT), Console(stderr=True)
    since_ms = now_ms() - round(since_hours * 3_600_000) if since_hours else 0
    with site() as its:
        settings = its.settings
        serving = build_policy(settings.policy, **options_of(settings.policy_options))
        if log is None:
            archiver_of(*its).run()
        held = read_own(
            log or archive_dir(settings),
            most=rows,
            since_ms=since_ms,
            bounds=bounds_of(settings),
        )
        opinions = opinions_of(*its)
        said = () if opinions.current == NEUTRAL else opinions.titles(opinions.current)
        beside = pairs(settings.experiment, "KEYART_EXPERIMENT")
        with progress(err, transient=True) as tell:
            report = tune(
                held,
                serving,
                settings.explore_share,
                opinions=opinions_on(held, said),
                siblings=siblings_beside(beside),
                seed=seed,
                tell=tell,
            )
    out.print(_table(report))
    for line in _lines(report):
        out.print(line, highlight=False, soft_wrap=True)
    for warning in report.warnings:
        err.print(warning, highlight=False, soft_wrap=True)
    write_json(json, report)


def _table(report: "TuneReport") -> object:
    from rich.box import SIMPLE_HEAD
    from rich.table import Column, Table

    names = ("option", "what is said", "takes, % (interval)", "worth", "unsure", "more")
    columns = [
        Column(each, justify="left" if at < 2 else "right", no_wrap=at < 3)
        for at, each in enumerate(names)
    ]
    title = (
        f"{report.rows:,} impressions of {report.viewers:,} viewers, over what serves: "
        f"{report.policy} {report.options} explore_share={report.explore_share:g}"
    )
    table = Table(*columns, box=SIMPLE_HEAD, title=title, pad_edge=False, padding=(0, 1, 0, 0))
    for each in report.looked:
        more = f"{each.more:,.0f}" if each.more is not None else ""
        said = each.outcome + (" *" if each.judged else "")
        worth, unsure = f"{each.worth_rows:,.0f}", f"{each.unsure:.2f}"
        table.add_row(each.option, said, _takes(each, report.takes), worth, unsure, more)
    return table


def _takes(row: "OptionRow", takes: float | None) -> str:
    if row.difference is None or row.low is None or row.high is None or not takes:
        return "none"
    difference, low, high = (100 * each / takes for each in (row.difference, row.low, row.high))
    return f"{difference:+.1f} ({low:+.1f} to {high:+.1f})"


def _lines(report: "TuneReport") -> list[str]:
    lines = []
    if any(each.judged for each in report.looked):
        lines.append("* judged by viewers who had no say in picking it")
    lines.append(report.says)
    for each in report.looked:
        if each.option == report.proposed:
            lines += ["what to set:", *(f"  {line}" for line in each.set)]
    return lines
