"""The command `keyart`: every group of commands. Heavy imports wait inside the commands."""

import sys

import typer

from keyart.schemas.errors import KeyartError
from keyart.services.cli import (
    catalogue,
    deadletters,
    demo,
    evaluate,
    llm,
    prior,
    records,
    replay,
    run,
    settings,
    topics,
    worker,
)

app = typer.Typer(
    help="keyart chooses, for every viewer and every title, which artwork to show.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for single in (run, worker, demo, replay, settings, records):
    app.registered_commands += single.app.registered_commands
for name, group in (
    ("catalogue", catalogue),
    ("prior", prior),
    ("evaluate", evaluate),
    ("llm", llm),
    ("topics", topics),
    ("deadletters", deadletters),
):
    app.add_typer(group.app, name=name)


def main() -> None:
    """Run the command line; an error of ours is one line, and exit status 1."""
    try:
        app()
    except KeyartError as wrong:
        print(f"keyart: {wrong}", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
