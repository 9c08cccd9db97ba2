"""`keyart settings`: every setting with its meaning, default and source."""

from dataclasses import fields

import typer

app = typer.Typer()


@app.command("settings")
def show() -> None:
    """Print each setting: its value, where that came from, its default and its meaning."""
    from rich.console import Console

    from keyart.services.settings import Settings, read_settings

    sourced, console = read_settings(), Console(highlight=False, soft_wrap=True)
    for each in fields(Settings):
        value = getattr(sourced.settings, each.name)
        hidden = each.metadata["secret"] and value
        shown = "(set, not shown)" if hidden else (repr(value) if value == "" else value)
        name, source = f"KEYART_{each.name.upper()}", sourced.sources[each.name]
        console.print(f"[bold]{name}[/bold] = {shown}   [dim]({source})[/dim]")
        console.print(f"    {each.metadata['about']}. Default: {each.default!r}", markup=False)
