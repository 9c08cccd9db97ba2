"""The command `keyart`: every group of commands. Heavy imports wait inside the commands."""

import os
import sys
import traceback
from importlib.metadata import version as version_of
from typing import Annotated

import typer

from keyart.schemas.errors import KeyartError, MissingExtra, SettingsError
from keyart.schemas.extras import LEFT_OUT, left_out
from keyart.services.cli import (
    backup,
    catalogue,
    deadletters,
    demo,
    evaluate,
    models,
    prior,
    records,
    replay,
    retrain,
    run,
    serendipity,
    settings,
    topics,
    tune,
    worker,
)
from keyart.services.cli.llm import app as llm
from keyart.services.processes.family import in_family, join_family, tell_family

# Help is plain text: with markup a name in brackets, as keyart[onnx], would be read as a style.
app = typer.Typer(
    help="keyart chooses, for every viewer and every title, which artwork to show.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for single in (run, worker, demo, replay, retrain, tune, backup, settings, records):
    app.registered_commands += single.app.registered_commands
for name, group in (
    ("catalogue", catalogue),
    ("prior", prior),
    ("models", models),
    ("evaluate", evaluate),
    ("llm", llm),
    ("serendipity", serendipity),
    ("topics", topics),
    ("deadletters", deadletters),
):
    app.add_typer(group.app, name=name)

REFUSED = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
"""What a wrong option or argument raises; typer has it under no name of its own."""
TRACEBACK = "--traceback"


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"keyart {version_of('keyart')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="say which this is"),
    ] = False,
    where: Annotated[
        bool, typer.Option(TRACEBACK, help="of an error that nobody foresaw, say where it arose")
    ] = False,
) -> None:
    """Take what stands before a command."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line. An error is one line, and never a traceback unless it is asked for.

    In a process of `keyart serve` that line is the last of all processes, after they have ended.
    Exit status: 1 after an error, 2 for a wrong option, 130 after Ctrl-C.
    """
    given = sys.argv[1:] if arguments is None else arguments
    join_family()
    try:
        ended = app(given, prog_name="keyart", standalone_mode=False)
        sys.stdout.flush()
    except BaseException as wrong:
        raise SystemExit(_told(wrong, TRACEBACK in given)) from None
    raise SystemExit(ended if isinstance(ended, int) else 0)


def _told(wrong: BaseException, whole: bool) -> int | str | None:
    """Say what went wrong, and return the exit status."""
    if isinstance(wrong, SystemExit):
        return wrong.code
    if isinstance(wrong, BrokenPipeError):
        # who read us has gone: nothing more is written, at the end of the process neither
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    if isinstance(wrong, KeyboardInterrupt | typer.Abort):
        print("keyart: interrupted", file=sys.stderr)
        return 130
    if isinstance(wrong, REFUSED):
        return _refused(wrong)
    if whole or (in_family() and not isinstance(wrong, KeyartError)):
        traceback.print_exception(wrong)
    final = isinstance(wrong, SettingsError | MissingExtra)
    if not tell_family(_line(wrong), final=final):
        print(f"keyart: {_line(wrong)}", file=sys.stderr)
    return 1


def _refused(wrong: BaseException) -> int:
    said = getattr(wrong, "format_message", lambda: str(wrong))()
    context = getattr(wrong, "ctx", None)
    command = getattr(context, "command_path", "keyart")
    if type(wrong).__name__ == "NoArgsIsHelpError":
        print(said, file=sys.stderr)
    else:
        print(f"keyart: {' '.join(said.split())} ({command} --help)", file=sys.stderr)
    return int(getattr(wrong, "exit_code", 2))


def _line(wrong: BaseException) -> str:
    if isinstance(wrong, KeyartError):
        return str(wrong)
    if isinstance(wrong, ModuleNotFoundError) and wrong.name in LEFT_OUT:
        return str(left_out(wrong.name, "this command"))
    if isinstance(wrong, MemoryError):
        return "there is not enough memory for this"
    if isinstance(wrong, OSError) and wrong.strerror:
        return f"{wrong.filename}: {wrong.strerror}" if wrong.filename else wrong.strerror
    said = str(wrong).splitlines()
    return (
        f"unforeseen {type(wrong).__name__}{': ' + said[0][:300] if said else ''} "
        f"(keyart {TRACEBACK} ... says where; please report it)"
    )


if __name__ == "__main__":
    main()
