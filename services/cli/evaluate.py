"""`keyart evaluate`: whether the opinion helps, and what it costs when it is wrong."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keyart.services.cli.bounds import check_seed, check_share
from keyart.services.cli.evaluate_bandit import bandit
from keyart.services.cli.evaluate_log import log
from keyart.services.cli.evaluate_serendipity import serendipity
from keyart.services.cli.figures import STANDARD_OUTPUT, Json, check_json, write_json
from keyart.services.cli.words import counted

if TYPE_CHECKING:
    from keyart.models.bandits.protocol import Policy
    from keyart.models.dataset.creative_table import CreativeTable
    from keyart.models.embed.protocol import FloatArray

app = typer.Typer(
    help="Measure policies and priors on real tests, tables and logs.", no_args_is_help=True
)
app.command("bandit")(bandit)
app.command("log")(log)
app.command("serendipity")(serendipity)


Vectors = Annotated[
    Path | None,
    typer.Option(help="folder in which vectors of slow encoders are kept from run to run"),
]


@app.command("creatives")
def creatives(
    train: Annotated[
        Path, typer.Option(help="earlier tests: .csv, .tsv, .jsonl (also .gz) or .parquet")
    ],
    test: Annotated[
        Path | None, typer.Option(help="tests to play; without it the later part of --train")
    ] = None,
    split: Annotated[
        float, typer.Option(help="without --test: share of the tests that are earlier")
    ] = 0.7,
    prior: Annotated[
        str,
        typer.Option(
            help="encoders stacked by + (static, style, minilm, mpnet, smollm2, st:DIR, hf:DIR), "
            "best of those installed, a trained llm:DIR, or none"
        ),
    ] = "best",
    policy: Annotated[
        str, typer.Option(help="policies of keyart beside the one that serves here, by commas")
    ] = "",
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
    vectors: Vectors = None,
    json: Json = None,
) -> None:
    """Play LOLA's protocol on a table of tests: test, text, impressions, clicks.

    The row "keyart" is the policy that serves here: KEYART_POLICY with its KEYART_POLICY_OPTIONS.
    "ucb", "thompson-paper" and "lola-paper" are those of the literature.
    The prior is fitted on the training tests; the others are played in the order of time, with the
    prior right, shuffled, inverted and absent. Gains are over UCB, with 95 % bootstrap intervals
    over tests.
    """
    from rich.console import Console

    from keyart.models.dataset.creative_files import FAULTY_WEEKS, read_creatives
    from keyart.models.ope.headlines.padded import TRUTHS
    from keyart.models.ope.headlines.protocol import Protocol, entries, evaluate
    from keyart.models.ope.headlines.texts import opinions_on
    from keyart.schemas.errors import UnknownName
    from keyart.services.cli.tables import creatives_tables
    from keyart.services.jobs.progress import progress

    check_json(json)
    check_seed(seed)
    check_share("--split", split)
    protocol = Protocol(
        taus=_whole_numbers(tau),
        truth=truth,
        replications=replications,
        block=block,
        seed=seed,
        policies=_served(policy),
    )
    if truth not in TRUTHS:
        raise UnknownName(f"--truth must be {' or '.join(TRUTHS)}, is {truth!r}")
    out, err = Console(quiet=json == STANDARD_OUTPUT, markup=False), Console(stderr=True)

    def read(path: Path) -> "CreativeTable":
        table = read_creatives(
            path,
            test=test_column,
            text=text_column,
            impressions=impressions_column,
            clicks=clicks_column,
            faulty_weeks=None if keep_faulty_weeks else FAULTY_WEEKS,
        )
        typer.echo(f"{path}: {_size(table)}", err=True)
        return table

    earlier = read(train)
    earlier, later = earlier.split(split) if test is None else (earlier, read(test))
    began = time.perf_counter()
    with progress(err, transient=True) as tell:
        tell("fitting the prior", 0, 0)
        opinions = opinions_on(prior, earlier, later, told=tell, kept=vectors)
        total = len(entries(protocol, opinions.name))
        finished: set[str] = set()

        def told(name: str, share: float) -> None:
            if share >= 1.0:
                finished.add(name)
            played = (len(finished) + (share if share < 1.0 else 0.0)) * later.tests
            tell("tests played", round(played), total * later.tests, name)

        report = evaluate(earlier, later, opinions, protocol, told)
    for name, share in report.top1.items():
        out.print(f"top-1, {name}: {100 * share:.1f} %", highlight=False)
    for shown in creatives_tables(report, protocol.taus):
        out.print(shown)
    times = counted(protocol.replications, "replication")
    out.print(f"{time.perf_counter() - began:.0f} s, {times}")
    write_json(json, report)


@app.command("priors")
def priors(
    train: Annotated[
        Path, typer.Option(help="earlier tests: .csv, .tsv, .jsonl (also .gz) or .parquet")
    ],
    prior: Annotated[
        list[str], typer.Option(help="as for `creatives`; given several times, over the first")
    ],
    test: Annotated[
        Path | None, typer.Option(help="tests to judge on; without it the later part of --train")
    ] = None,
    split: Annotated[
        float, typer.Option(help="without --test: share of the tests that are earlier")
    ] = 0.7,
    without: Annotated[
        Path | None, typer.Option(help="leave out the tests of this other table")
    ] = None,
    seed: Annotated[int, typer.Option(help="of the bootstrap")] = 0,
    vectors: Vectors = None,
    json: Json = None,
) -> None:
    """Judge opinions by themselves on later tests: the best text found, and the order right.

    Texts that stand twice in a test are one. Rank is the mean of Spearman's correlation with the
    click rates, gain what explains the earlier tests better than no opinion, each without its own,
    in nats. 95 % bootstrap intervals over tests; the differences to the first prior are paired.
    """
    from dataclasses import asdict

    from rich.console import Console

    from keyart.models.dataset.creative_files import read_distinct, test_ids
    from keyart.models.ope.headlines.quality import qualities
    from keyart.models.ope.headlines.texts import opinions_on
    from keyart.services.cli.tables import priors_table
    from keyart.services.jobs.progress import progress

    check_json(json)
    check_seed(seed)
    check_share("--split", split)
    out, err = Console(quiet=json == STANDARD_OUTPUT, markup=False), Console(stderr=True)
    unseen = test_ids(without) if without is not None else set()
    earlier = read_distinct(train, without=unseen)
    if test is None:
        earlier, later = earlier.split(split)
    else:
        later = read_distinct(test, without=unseen)
    read: dict[str, FloatArray] = {}
    with progress(err, transient=True) as tell:
        said = [
            opinions_on(name, earlier, later, told=tell, read=read, kept=vectors) for name in prior
        ]
    found = qualities(later, [each.test for each in said], seed=seed)
    judged = f"{counted(later.tests, 'later test')}, fitted on {earlier.tests:,}"
    out.print(priors_table(said, found, judged))
    named = [
        {"prior": e.name, "gain": e.gain, "shares": dict(e.shares), **asdict(q)}
        for e, q in zip(said, found, strict=True)
    ]
    write_json(json, {"tests": later.tests, "fitted_on": earlier.tests, "priors": named})


def _size(table: "CreativeTable") -> str:
    said = f"{counted(table.tests, 'test')}, {counted(len(table.texts), 'creative')}"
    left = [f"{count:,} {why}" for why, count in table.reasons.items()]
    return f"{said}; left out: {', '.join(left)}" if left else said


def _served(beside: str) -> "dict[str, Policy]":
    """Return the policy that serves here, with its options, and those that are named, by default.

    Raises
    ------
    UnknownName, SettingsError
        There is no such policy, or the settings are wrong.
    """
    from keyart.models.bandits.registry import build_policy
    from keyart.models.ope.headlines.protocol import SERVED
    from keyart.services.wiring.experiment import options_of
    from keyart.services.wiring.settings import read_settings

    settings = read_settings().settings
    found = {SERVED: build_policy(settings.policy, **options_of(settings.policy_options))}
    for name in filter(None, (each.strip() for each in beside.split(","))):
        found[name] = build_policy(name)
    return found


def _whole_numbers(text: str) -> tuple[int, ...]:
    from keyart.schemas.errors import SettingsError

    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise SettingsError(f"--tau is {text!r}, must be whole numbers with commas") from None
