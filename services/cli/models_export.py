"""`keyart models export`: versions in somebody else's store of models, by the same names."""

import re
from typing import Annotated

import typer

from keyart.services.cli.figures import STANDARD_OUTPUT, Json, check_json, write_json
from keyart.services.cli.site import site


def export(
    mlflow: Annotated[
        str,
        typer.Option(help="MLflow's tracking store: http(s)://HOST:PORT, sqlite:///FILE, or other"),
    ],
    versions: Annotated[
        list[str] | None,
        typer.Argument(help="versions or aliases; none: those that an alias stands on"),
    ] = None,
    of: Annotated[str, typer.Option(help="priors, or serendipity (tables)")] = "priors",
    model: Annotated[
        str, typer.Option(help="the registered model there; default: keyart- and what they are of")
    ] = "",
    artifacts: Annotated[
        str,
        typer.Option(
            help="where files go, if the experiment is new; default: as set there, for a "
            "database ./mlruns"
        ),
    ] = "",
    json: Json = None,
) -> None:
    """Copy versions to MLflow: figures as metrics, origin as tags, files, and the aliases.

    What is there already stays; aliases are set as they stand here. Nothing is read back.
    """
    from keyart.schemas.errors import SettingsError, UnknownName
    from keyart.services.jobs.mlflow_export import Exporting, mlflow_client
    from keyart.services.wiring.models import registry_of, tables_of

    check_json(json)
    quiet = json == STANDARD_OUTPUT
    model = model or f"keyart-{of}"
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,128}", model):
        raise SettingsError("--model must be of letters, digits, dots, dashes and underscores")
    if of not in ("priors", "serendipity"):
        raise UnknownName(f"--of must be priors or serendipity, is {of!r}")
    client = mlflow_client(mlflow)
    with site() as its:
        registry = registry_of(its.settings) if of == "priors" else tables_of(its.settings).registry
        exporting = Exporting(registry=registry, client=client, model=model, artifacts=artifacts)
        done = exporting.export(versions or ())
        for each in done:
            made = "exported" if each.made else "was there already"
            typer.echo(f"{each.version}: {model} {each.number}, {made}", err=quiet)
        if not done:
            typer.echo("there is no version to export", err=quiet)
        aliases = {
            alias: name
            for alias, name in registry.aliases().named().items()
            if name in {each.version for each in done}
        }
        for alias, name in aliases.items():
            typer.echo(f"{alias}: {name}", err=quiet)
        write_json(json, {"model": model, "exported": done, "aliases": aliases})
