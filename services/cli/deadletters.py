"""`keyart deadletters`: records that could not be read, why, and sending them again."""

from typing import Annotated

import typer

from keyart.services.cli.figures import STANDARD_OUTPUT, Json, check_json, write_json
from keyart.services.cli.words import counted

app = typer.Typer(help="Records that could not be read: list, show, retry.", no_args_is_help=True)
SHOWN = 60


@app.command("list")
def show_all(
    most: Annotated[
        int, typer.Option("--most", help="how many, the newest of each partition")
    ] = 50,
    json: Json = None,
) -> None:
    """List dead letters: id, where the record was, and why it could not be read."""
    from collections import deque

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from keyart.services.wiring.logs import letters_of
    from keyart.services.wiring.settings import read_settings
    from keyart.services.wiring.stores import connected
    from keyart.streams.letters import DeadLetter

    check_json(json)
    settings = read_settings().settings
    kept: deque[DeadLetter] = deque(maxlen=most)
    total = 0
    with connected(settings) as client:
        for letter in letters_of(settings, client).read():
            kept.append(letter)
            total += 1
    table = Table("id", "topic", "partition", "offset", "reason", "record")
    for each in kept:
        where = (each.id, each.topic, str(each.partition), each.offset.lstrip("0") or each.offset)
        reason = f"{each.reason} at {each.path}" if each.path else each.reason
        table.add_row(*where, escape(reason), escape(repr(each.value[:SHOWN])))
    Console(stderr=json == STANDARD_OUTPUT).print(table)
    typer.echo(counted(total, "dead letter"), err=json == STANDARD_OUTPUT)
    write_json(json, {"dead_letters": total, "shown": list(kept)})


@app.command()
def show(name: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Print one dead letter, whole, as JSON."""
    import msgspec

    from keyart.services.wiring.logs import letters_of
    from keyart.services.wiring.settings import read_settings
    from keyart.services.wiring.stores import connected
    from keyart.streams.letters import find_letter

    settings = read_settings().settings
    with connected(settings) as client:
        letter = find_letter(letters_of(settings, client).read(), name)
    typer.echo(msgspec.json.format(msgspec.json.encode(letter)).decode())


@app.command()
def retry(
    names: Annotated[list[str] | None, typer.Argument(metavar="ID...")] = None,
    every: Annotated[bool, typer.Option("--all", help="all that hold their whole record")] = False,
) -> None:
    """Send records to their topics again, e.g. after an upgrade that can read them."""
    from keyart.schemas.errors import InvalidRecord, NotFound
    from keyart.services.wiring.logs import letters_of
    from keyart.services.wiring.settings import read_settings
    from keyart.services.wiring.stores import connected
    from keyart.streams.letters import refuse_lossy

    wanted = set(names or ())
    if every == bool(wanted):
        raise typer.BadParameter("give ids, or --all")
    settings = read_settings().settings
    with connected(settings) as client:
        letters = letters_of(settings, client)
        found = [letter for letter in letters.read() if every or letter.id in wanted]
        if missing := wanted - {letter.id for letter in found}:
            raise NotFound(f"no dead letter {', '.join(sorted(missing))}")
        if every:
            whole = []
            for letter in found:
                try:
                    refuse_lossy(letter)
                    whole.append(letter)
                except InvalidRecord as lossy:
                    typer.echo(f"left out: {lossy}")
            found = whole
        typer.echo(f"sent {letters.retry(found)} records again")
