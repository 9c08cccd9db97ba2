"""`keyart evaluate`: whether the opinion helps, and what it costs when it is wrong."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from keyart.models.creatives.protocol import Report

app = typer.Typer(help="Measure policies and priors on real tests.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep `creatives` a command of its own name."""


@app.command("creatives")
def creatives(
    train: Annotated[Path, typer.Option(help="earlier tests: .csv, .csv.gz or .parquet")],
    test: Annotated[
        Path | None, typer.Option(help="tests to play; without it the later part of --train")
    ] = None,
    split: Annotated[
        float, typer.Option(help="without --test: share of the tests that are earlier")
    ] = 0.7,
    prior: Annotated[
        str,
        typer.Option(
            help="encoders joined by + (static, minilm, smollm2, minilm:DIR, llm:DIR), best of "
            "those installed, a trained llm:DIR, or none"
        ),
    ] = "static",
    tau: Annotated[str, typer.Option(help="impressions per creative, by commas")] = "50,200,1000",
    truth: Annotated[str, typer.Option(help="observed or shrunk click rates")] = "observed",
    replications: Annotated[int, typer.Option(help="times that every test is played")] = 16,
    block: Annotated[int, typer.Option(help="tests that run side by side")] = 50,
    seed: Annotated[int, typer.Option(help="of everything random")] = 0,
    test_column: Annotated[str, typer.Option(help="name of the column of tests")] = "",
    text_column: Annotated[str, typer.Option(help="name of the column of texts")] = "",
    impressions_column: Annotated[str, typer.Option(help="name of that column")] = "",
    clicks_column: Annotated[str, typer.Option(help="name of that column")] = "",
    keep_faulty_weeks: Annotated[
        bool, typer.Option(help="keep Upworthy's weeks of faulty randomisation, 201325 to 201402")
    ] = False,
    json: Annotated[Path | None, typer.Option(help="file for the figures")] = None,
) -> None:
    """Play LOLA's protocol on a table of tests: test, text, impressions, clicks.

    The prior is fitted on the training tests; the others are played in the order of time, with the
    prior right, shuffled, inverted and absent. Gains are over UCB, with 95 % bootstrap intervals
    over tests.
    """
    import msgspec
    from rich.console import Console
    from rich.progress import Progress

    from keyart.models.creatives.protocol import Protocol, entries, evaluate
    from keyart.models.creatives.tables import FAULTY_WEEKS, CreativeTable, read_creatives
    from keyart.models.creatives.texts import opinions_on
    from keyart.schemas.errors import SettingsError

    protocol = Protocol(
        taus=_whole_numbers(tau), truth=truth, replications=replications, block=block, seed=seed
    )
    if json is not None and not json.parent.is_dir():
        raise SettingsError(f"--json: there is no folder {json.parent}")
    out, err = Console(), Console(stderr=True)

    def read(path: Path) -> CreativeTable:
        table = read_creatives(
            path,
            test=test_column,
            text=text_column,
            impressions=impressions_column,
            clicks=clicks_column,
            faulty_weeks=None if keep_faulty_weeks else FAULTY_WEEKS,
        )
        err.print(f"{path}: {table.tests} tests, {len(table.texts)} creatives", highlight=False)
        if table.left_out:
            err.print(f"  left out: {table.left_out} (no contest, no click, or a faulty week)")
        return table

    earlier = read(train)
    if test is None:
        if not 0.0 < split < 1.0:
            raise SettingsError(f"--split must be between 0 and 1, is {split}")
        cut = min(max(round(earlier.tests * split), 1), earlier.tests - 1)
        earlier, later = earlier.part(0, cut), earlier.part(cut, earlier.tests)
    else:
        later = read(test)
    began = time.perf_counter()
    with Progress(console=err, transient=True) as progress:
        whole = progress.add_task("fitting the prior", total=None)

        def read_so_far(what: str, done: int, whole_of_it: int) -> None:
            progress.update(whole, description=what, completed=done, total=whole_of_it)

        opinions = opinions_on(prior, earlier, later, told=read_so_far)
        total = len(entries(protocol, opinions.name))
        progress.update(whole, completed=0, total=total)
        finished: set[str] = set()

        def told(name: str, share: float) -> None:
            progress.update(whole, description=name, completed=len(finished) + min(share, 1.0))
            if share >= 1.0:
                finished.add(name)

        report = evaluate(earlier, later, opinions, protocol, told)
    _show(report, out, protocol.taus)
    out.print(f"{time.perf_counter() - began:.0f} s, {protocol.replications} replications")
    if json is not None:
        json.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1))


def _whole_numbers(text: str) -> tuple[int, ...]:
    from keyart.schemas.errors import SettingsError

    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise SettingsError(f"--tau is {text!r}, must be whole numbers with commas") from error


def _show(report: "Report", out: object, taus: Sequence[int]) -> None:
    """Print accuracy and the table: a row for each policy and prior, a column for each horizon."""
    from rich.console import Console
    from rich.table import Table

    assert isinstance(out, Console)
    for name, share in report.top1.items():
        out.print(f"top-1, {name}: {100 * share:.1f} %", highlight=False)
    table = Table("policy", "prior", title=f"per cent over UCB, {report.tests} tests")
    for tau in taus:
        table.add_column(f"tau {tau}", justify="right")
    cells: dict[tuple[str, str], list[str]] = {}
    for row in report.rows:
        text = f"{row.over_ucb:+.2f} ({row.low:+.2f} to {row.high:+.2f})"
        cells.setdefault((row.policy, row.prior), []).append(text)
    for (policy, kind), figures in cells.items():
        table.add_row(policy, kind, *figures)
    out.print(table)
