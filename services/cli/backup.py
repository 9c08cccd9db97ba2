"""`keyart backup` and `keyart restore`: a whole embedded site in a folder or a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from keyart.streams.compare import Check

app = typer.Typer()


@app.command("backup")
def backup(
    to: Annotated[Path, typer.Argument(help="a new folder, or a file that ends in .tar")],
    check: Annotated[
        bool, typer.Option(help="restore it to a passing folder and compare its state with its log")
    ] = True,
) -> None:
    """Back up the embedded site, also while it runs: state, log, archive, priors and viewer key.

    It holds the key that ties viewers to their pseudonyms: keep it as secret as that. Ends with the
    status of `keyart replay --check` on the backup.
    """
    from keyart.services.jobs.backup import back_up, check_backup, check_site_is_there
    from keyart.services.wiring.rebuilding import check_site
    from keyart.services.wiring.settings import read_settings
    from keyart.services.wiring.stores import admin_of, running

    settings = read_settings().settings
    check_site_is_there(settings)
    with running(settings) as client:
        manifest = back_up(settings, admin_of(client), to)
    typer.echo(f"backed up {len(manifest.files)} files with {manifest.size:,} bytes to {to}")
    if manifest.has_key:
        typer.echo("it holds the viewer key: only you may read it, and so should it stay")
    else:
        typer.echo("it holds no viewer key: keep KEYART_VIEWER_KEY, or viewers are strangers again")
    if check:
        _tell(check_backup(to, settings, check_site))


@app.command("restore")
def restore(
    source: Annotated[Path, typer.Argument(help="what `keyart backup` wrote", exists=True)],
    check: Annotated[bool, typer.Option(help="compare the state with the log")] = True,
) -> None:
    """Make a site of a backup in the data folder, which must be empty; then start it.

    Ends with the status of `keyart replay --check` on the site.
    """
    from keyart.services.jobs.backup import restore as restore_site
    from keyart.services.wiring.rebuilding import check_site
    from keyart.services.wiring.settings import read_settings

    settings = read_settings().settings
    manifest = restore_site(source, settings)
    typer.echo(f"restored {len(manifest.files)} files to {settings.data_dir}")
    if not manifest.has_key and not settings.viewer_key:
        typer.echo("the backup holds no viewer key: set KEYART_VIEWER_KEY to the site's")
    if check:
        _tell(check_site(settings))


def _tell(found: "Check") -> None:
    from keyart.services.cli.replay import status, told

    for line in told(found):
        typer.echo(line)
    raise typer.Exit(status(found))
