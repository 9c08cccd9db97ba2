"""`keyart evaluate bandit`: any classification table as a bandit, keyart beside others."""

from pathlib import Path
from typing import Annotated

import typer

from keyart.services.cli.figures import STANDARD_OUTPUT, Json, check_json, write_json


def bandit(
    table: Annotated[Path, typer.Option(help="a table: .csv, .csv.gz or .parquet")],
    label: Annotated[str, typer.Option(help="the column whose value is the right answer")],
    policy: Annotated[
        str,
        typer.Option(help="policies of keyart's, by commas; the one that serves is called keyart"),
    ] = "optimistic,squarecb,thompson",
    shuffles: Annotated[int, typer.Option(help="times that the rows are played", min=1)] = 5,
    rows: Annotated[
        int, typer.Option(help="rows played of a longer table, drawn at random", min=10)
    ] = 20_000,
    alone: Annotated[
        bool, typer.Option("--alone", help="leave out other people's bandits")
    ] = False,
    seed: Annotated[int, typer.Option(help="of shuffles and draws", min=0)] = 0,
    json: Json = None,
) -> None:
    """Play a table as a bandit: one action a class, reward 1 for the right one.

    Every row is first answered, then learned. Regret is the share of wrong answers, with a 95 %
    interval over rows. All learners get the same features: columns of numbers scaled, categories
    counted, gaps told. Beside keyart's policies stand Vowpal Wabbit and MABWiser where they are
    installed (`keyart[bench]`), an even draw, and the ceiling of a learner that is told every
    right answer.
    """
    import numpy as np
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Column, Table

    from keyart.models.bandits.registry import DEFAULT_POLICY, build_policy
    from keyart.models.context.table import ceiling, keyart_maker, labelled, play, regret
    from keyart.services.jobs.evaluation.columns import read_columns
    from keyart.services.jobs.evaluation.others import installed, missing
    from keyart.services.jobs.progress import progress

    check_json(json)
    out, err = Console(stderr=json == STANDARD_OUTPUT), Console(stderr=True)
    ours = dict.fromkeys(name.strip() for name in policy.split(",") if name.strip())
    players = [
        ("keyart" if name == DEFAULT_POLICY else f"keyart {name}", keyart_maker(build_policy(name)))
        for name in ours
    ]
    if not alone:
        players += list(installed())
    held = labelled(read_columns(table), label)
    count, warnings = len(held.label), []
    if held.left_out:
        warnings.append(f"{held.left_out} rows without a label are left out")
    if count > rows:
        warnings.append(f"{rows} of {count} rows are played in each shuffle, drawn at random")
    if not alone and (absent := missing()):
        warnings.append(f"not installed, so not compared with: {', '.join(absent)}")
    orders = [np.random.default_rng([seed, at]).permutation(count)[:rows] for at in range(shuffles)]
    wrong = {name: np.full((shuffles, count), np.nan) for name, _ in players}
    wrong |= {"uniform": np.full((shuffles, count), 1.0 - 1.0 / len(held.classes))}
    wrong |= {"supervised ceiling": np.full((shuffles, count), np.nan)}
    with progress(err, transient=True) as tell:
        for done, (name, make) in enumerate(players):
            for at, order in enumerate(orders):
                tell("tables played", done * shuffles + at, len(players) * shuffles, name)
                wrong[name][at, order] = play(held, make, order, seed + at)
        for at, order in enumerate(orders):
            wrong["supervised ceiling"][at, order] = ceiling(held, order)
        tell("tables played", len(players) * shuffles, len(players) * shuffles)
    found = {name: regret(each, seed=seed) for name, each in wrong.items()}
    shown = Table(
        Column("policy"),
        Column("wrong, %", justify="right"),
        Column("95 % interval", justify="right"),
        box=SIMPLE_HEAD,
        title=f"{min(count, rows)} rows, {len(held.classes)} arms, {shuffles} shuffles",
    )
    for name, each in sorted(found.items(), key=lambda pair: pair[1].estimate):
        low, high = 100 * each.low, 100 * each.high
        shown.add_row(name, f"{100 * each.estimate:.2f}", f"{low:.2f} to {high:.2f}")
    out.print(shown)
    for line in warnings:
        err.print(line, highlight=False)
    policies = [
        {"name": name, "regret": each.estimate, "low": each.low, "high": each.high}
        for name, each in found.items()
    ]
    report = {"rows": min(count, rows), "arms": len(held.classes), "policies": policies}
    write_json(json, {**report, "warnings": warnings})
