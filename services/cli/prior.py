"""`keyart prior`: fit a prior on your own log, let it serve, or serve without one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from keyart.services.bootstrap import Parts

app = typer.Typer(no_args_is_help=True, help="What is expected of artworks before they are seen.")


@app.command()
def fit(
    use: Annotated[bool, typer.Option("--use/--no-use", help="let it serve at once")] = True,
) -> None:
    """Fit a ridge on the embeddings of what was shown and taken; needs keyart[onnx]."""
    from keyart.services.priors import fit_prior, serve_prior

    with _parts() as parts:
        parts.archiver.run()
        found = fit_prior(parts)
        calibration = found.report.calibration
        typer.echo(
            f"{found.version}: fitted on {found.impressions:,.0f} impressions of "
            f"{found.artworks:,} artworks of {found.titles:,} titles"
        )
        typer.echo(
            f"held out: worth {calibration.strength:,.0f} impressions, "
            f"{calibration.gain:+.1f} nats over no opinion, scale {calibration.scale:.2f}"
        )
        if use:
            typer.echo(f"serves; {serve_prior(parts, found.version):,} titles scored")


@app.command()
def use(
    version: Annotated[str, typer.Argument(help="a fitted prior, or `neutral` for none")],
) -> None:
    """Score the catalogue with a fitted prior and let it serve."""
    from keyart.services.priors import serve_prior

    with _parts() as parts:
        typer.echo(f"{version} serves; {serve_prior(parts, version):,} titles scored")


@app.command("import")
def take(
    file: Annotated[Path, typer.Argument(help="opinions as JSON Lines, from `keyart llm score`")],
) -> None:
    """Take over the opinions of another model and let them serve."""
    from keyart.services.demo.opinions import read_opinions
    from keyart.services.priors import import_opinions

    with _parts() as parts:
        opinions = read_opinions(str(file))
        typer.echo(f"{import_opinions(parts, opinions)} serves; {len(opinions):,} opinions")


@app.command("list")
def show() -> None:
    """List the fitted priors and say which one serves."""
    from keyart.services.priors import prior_folder

    with _parts() as parts:
        current = parts.opinions.current
        folder = prior_folder(parts)
        fitted = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        for name in dict.fromkeys([*fitted, current, "neutral"]):
            typer.echo(f"{name}{'  (serves)' if name == current else ''}")


class _parts:
    """The parts, with the embedded server up while they are used."""

    def __enter__(self) -> "Parts":
        from keyart.services.bootstrap import Parts
        from keyart.services.settings import read_settings

        self._parts = Parts(read_settings().settings)
        if not self._parts.settings.redis_url:
            self._parts.server.start()
        return self._parts

    def __exit__(self, *_: object) -> None:
        if not self._parts.settings.redis_url:
            self._parts.server.stop()
