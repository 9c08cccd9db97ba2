"""`keyart settings`: every setting, what it may be, whence its value, and if it is right."""

from dataclasses import fields
from typing import TYPE_CHECKING, Annotated

import typer

from keyart.services.wiring.roles import Role

if TYPE_CHECKING:
    from rich.console import Console

    from keyart.services.wiring.settings import Settings

app = typer.Typer()


@app.command("settings")
def show(
    role: Annotated[
        Role | None,
        typer.Option("--for", help="the process to check them for; else what KEYART_LOG asks for"),
    ] = None,
) -> None:
    """Print each setting: value, source, default, bounds and meaning; then check them all."""
    from rich.console import Console
    from rich.markup import escape

    from keyart.services.wiring.checks import check_settings
    from keyart.services.wiring.settings import Settings, bounds_of, read_settings

    sourced, console = read_settings(), Console(highlight=False, soft_wrap=True)
    console.print(f"[bold]KEYART_CONFIG[/bold] = {escape(repr(sourced.file))}")
    console.print("    a TOML file of settings, by the names below in small letters, no KEYART_")
    for each in fields(Settings):
        value = getattr(sourced.settings, each.name)
        hidden = each.metadata["secret"] and value
        shown = "(set, not shown)" if hidden else escape(repr(value) if value == "" else str(value))
        name, source = f"KEYART_{each.name.upper()}", escape(sourced.sources[each.name])
        console.print(f"[bold]{name}[/bold] = {shown}   [dim]({source})[/dim]")
        console.print(
            f"    {each.metadata['about']}; {bounds_of(each)}. Default: {each.default!r}",
            markup=False,
        )
    settings = sourced.settings
    _print_names(console, settings)
    asked = role or (Role.SERVE if settings.log == "embedded" else Role.API)
    check_settings(settings, asked)
    console.print(f"All settings can be used by `keyart {asked}`.")


def _print_names(console: "Console", settings: "Settings") -> None:
    from keyart.models.bandits.registry import POLICIES, policy_parameters
    from keyart.models.sums.declared import read_declared
    from keyart.models.sums.rewards import described_rewards

    console.print("\nPolicies (KEYART_POLICY, KEYART_EXPERIMENT) and their KEYART_POLICY_OPTIONS:")
    for name, kind in sorted(POLICIES.items()):
        console.print(f"  [bold]{name}[/bold]: ", end="")
        console.print((kind.__doc__ or "").partition("\n")[0], markup=False)
        for parameter, (default, bounds) in policy_parameters(name).items():
            console.print(f"      {parameter}: {bounds}; default {default}", markup=False)
    declared = read_declared(
        settings.rewards, window_s=settings.reward_window_s, name="KEYART_REWARDS"
    )
    about_declared = {name: f"declared: {each.words}" for name, each in declared.items()}
    console.print("Rewards (KEYART_REWARD, KEYART_GUARDRAILS):")
    for name, about in (described_rewards() | about_declared).items():
        console.print(f"  [bold]{name}[/bold]: ", end="")
        console.print(about, markup=False)
