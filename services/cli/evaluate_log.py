"""`keyart evaluate log`: what other policies would have earned on a log, ours or anybody's."""

from pathlib import Path
from typing import Annotated

import typer

from keyart.services.cli.figures import STANDARD_OUTPUT, Json, check_json, write_json


def log(
    log: Annotated[
        Path, typer.Option(help="keyart's archive (a folder), or a table: .csv, .csv.gz, .parquet")
    ],
    policy: Annotated[
        list[str] | None,
        typer.Option(help="a policy by name; may be given several times [default: keyart's own]"),
    ] = None,
    against: Annotated[
        str, typer.Option(help="logged, uniform, first, popularity or a --policy")
    ] = "logged",
    action: Annotated[str, typer.Option(help="column of what was chosen")] = "",
    reward: Annotated[str, typer.Option(help="column of what came of it")] = "",
    propensity: Annotated[
        str, typer.Option(help="column of its probability, one number for all rows, or 'uniform'")
    ] = "",
    viewer: Annotated[str, typer.Option(help="column of viewers: intervals cluster by it")] = "",
    context: Annotated[
        str, typer.Option(help="columns by commas that are context; - for none [default: the rest]")
    ] = "",
    decision: Annotated[
        str, typer.Option(help="of a table with a row a candidate: column of the decision")
    ] = "",
    chosen: Annotated[
        str, typer.Option(help="of such a table: column that is 1 where it was chosen")
    ] = "",
    options: Annotated[
        str, typer.Option(help="parameters of the first --policy, as name=value by commas")
    ] = "",
    rows: Annotated[int, typer.Option(help="rows read at most", min=10)] = 1_000_000,
    seed: Annotated[int, typer.Option(help="of folds, draws and bootstrap", min=0)] = 0,
    html: Annotated[Path | None, typer.Option(help="file for a page with plots")] = None,
    json: Json = None,
) -> None:
    """Ask a log what another policy would have earned, and how sure that is.

    Six estimators with 95 % intervals clustered by viewer, differences on the same rows, and what
    the log is worth for each policy. Named policies learn the log's own columns, each row judged
    by what other viewers' rows have taught (keyart's own log: by what earlier rows have); where the
    log allows it they are also replayed on line, by rejection.
    """
    from rich.console import Console

    from keyart.models.dataset.training_log import is_training_log
    from keyart.services.jobs.evaluation.columns import read_columns
    from keyart.services.jobs.evaluation.judge import judge_own, judge_table
    from keyart.services.jobs.evaluation.logged import context_names, read_log
    from keyart.services.jobs.evaluation.own_log import read_own
    from keyart.services.jobs.evaluation.page import write_page
    from keyart.services.jobs.evaluation.roles import Names
    from keyart.services.jobs.evaluation.screen import tables
    from keyart.services.jobs.progress import progress
    from keyart.services.wiring.settings import read_settings

    check_json(json)
    check_json(html, "--html")
    out, err = Console(stderr=json == STANDARD_OUTPUT), Console(stderr=True)
    wanted = policy or ["optimistic"]
    with progress(err, transient=True) as tell:
        if is_training_log(log):
            # of the settings this alone bears on a log that may be anybody's
            positions = read_settings().settings.position_effect
            held = read_own(log, most=rows, positions=positions)
            report = judge_own(held, wanted, options, against, seed, tell)
        else:
            names = Names(
                action=action,
                reward=reward,
                propensity=propensity,
                viewer=viewer,
                decision=decision,
                chosen=chosen,
                context=context_names(context),
            )
            asked = read_log(read_columns(log), log, names, most=rows)
            report = judge_table(asked, wanted, options, against, seed, tell)
    for table in tables(report):
        out.print(table)
    for warning in report.warnings:
        err.print(warning, highlight=False, soft_wrap=True)
    if html is not None:
        write_page(html, report, title=log.name)
        err.print(f"{html} is written", highlight=False)
    write_json(json, report)
