"""`keyart prior`: fit a prior on your own log, take one over, let it serve, or do without."""

import getpass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keyart.services.cli.figures import STANDARD_OUTPUT, Json, check_json, write_json
from keyart.services.cli.site import site
from keyart.services.cli.words import counted

if TYPE_CHECKING:
    from keyart.services.jobs.priors.fitted import Fitted

app = typer.Typer(no_args_is_help=True, help="What is expected of artworks before they are seen.")


@app.command()
def fit(
    use: Annotated[bool, typer.Option("--use/--no-use", help="let it serve at once")] = True,
    encoders: Annotated[
        str,
        typer.Option(
            help="what reads the descriptions: space (keyart's own vectors), static, style, "
            "minilm, mpnet, smollm2, st:DIR, hf:DIR, onnx:DIR, stacked by +; best: the stack of "
            "what is installed, or the one alone, whichever explains the log better held out"
        ),
    ] = "best",
    json: Json = None,
) -> None:
    """Fit a ridge on the descriptions of what was shown and taken; needs keyart[onnx]."""
    from keyart.schemas.extras import need_extra
    from keyart.services.jobs.progress import progress
    from keyart.services.wiring.logs import archiver_of
    from keyart.services.wiring.priors import deployment_of, fitting_of

    if encoders != "space":
        need_extra("onnx", "fitting a prior on other encoders than keyart's own: --encoders space")
    check_json(json)
    quiet = json == STANDARD_OUTPUT
    with site() as its:
        archiver_of(*its).run()
        deployment = deployment_of(*its)
        with progress(transient=True) as tell:
            tell("reading the log", 0, 0)
            found = fitting_of(its.settings, deployment).fit(encoders=encoders, told=tell)
        say = partial(typer.echo, err=quiet)
        for name, gain in sorted(found.gains.items(), key=lambda item: -item[1]):
            say(f"  {name}: {gain:+.1f} nats over no opinion, held out")
        for name, licence in found.licences.items():
            weighs = f", weighs {found.shares[name]:.2f}" if len(found.shares) > 1 else ""
            say(f"  read by {name}: licence {licence}{weighs}")
        calibration = found.report.calibration
        say(
            f"{found.version} ({found.encoders}): fitted on "
            f"{counted(found.impressions, 'impression')} of "
            f"{counted(found.artworks, 'artwork')} of {counted(found.titles, 'title')}"
        )
        if found.unknown:
            say(
                f"left out: {counted(found.unknown, 'impression')} of artworks that the catalogue "
                "does not know"
            )
        if found.held or found.bounded >= 0.5:
            say(
                f"left out: {counted(found.held, 'impression')} of bursts that were held back, and "
                f"{counted(round(found.bounded), 'impression')} beyond the share of a viewer or an "
                "hour"
            )
        say(
            f"held out: worth {calibration.strength:,.0f} impressions, "
            f"{calibration.gain:+.1f} nats over no opinion, scale {calibration.scale:.2f}"
        )
        for name, worth in found.groups.items():
            say(
                f"  group {name}: worth {worth.strength:,.0f} impressions, "
                f"scale {worth.factor:.2f} of the others'"
            )
        scored = None
        if use:
            by = getpass.getuser()
            scored = deployment.promote(found.version, by=by, why="keyart prior fit")
        if scored is not None:
            say(f"serves; {counted(scored, 'title')} scored")
        write_json(json, _figures(found, scored))


def _figures(found: "Fitted", scored: int | None) -> dict[str, object]:
    calibration = found.report.calibration
    return {
        "version": found.version,
        "encoders": found.encoders,
        "impressions": found.impressions,
        "unknown": found.unknown,
        "held": found.held,
        "bounded": found.bounded,
        "artworks": found.artworks,
        "titles": found.titles,
        "strength": calibration.strength,
        "gain": calibration.gain,
        "scale": calibration.scale,
        "groups": found.groups,
        "gains": found.gains,
        "shares": found.shares,
        "licences": found.licences,
        "scored": scored,
    }


@app.command()
def use(
    version: Annotated[str, typer.Argument(help="a fitted prior, or `neutral` for none")],
) -> None:
    """Score the catalogue with a fitted prior and let it serve: `keyart models promote`, short."""
    from keyart.services.wiring.priors import deployment_of

    with site() as its:
        scored = deployment_of(*its).promote(version, by=getpass.getuser(), why="keyart prior use")
        typer.echo(f"{version} serves; {counted(scored, 'title')} scored")


@app.command()
def score() -> None:
    """Let the prior that serves score the titles that it has not seen as they are now."""
    from keyart.services.wiring.priors import scoring_of

    with site() as its:
        typer.echo(f"{counted(scoring_of(*its).score_new(), 'title')} scored")


@app.command("import")
def take(
    source: Annotated[
        Path,
        typer.Argument(
            help="opinions as JSON Lines, from `keyart llm score`; or a folder of `keyart llm "
            "distil`: a prior for any viewer and artwork"
        ),
    ],
    segments: Annotated[
        Path | None,
        typer.Option(help="taste segments of the opinions; default: the file beside them, if any"),
    ] = None,
) -> None:
    """Take over the opinions of another model and let them serve."""
    from keyart.services.jobs.priors.taking import take_prior
    from keyart.services.wiring.priors import deployment_of

    with site() as its:
        taken = take_prior(deployment_of(*its), source, segments)
        said = (
            f"{counted(taken.opinions, 'opinion')}, {counted(taken.segments, 'segment')} beside "
            "everybody"
        )
        typer.echo(f"{taken.name} serves; {said if taken.opinions else 'for any viewer'}")


@app.command("list")
def show(json: Json = None) -> None:
    """List the fitted priors, what each was worth on titles held out, and which one serves."""
    from keyart.models.priors.manifest import MANIFEST_FILE, read_manifest
    from keyart.services.wiring.places import priors_dir
    from keyart.services.wiring.stores import opinions_of

    check_json(json)
    with site() as here:
        current = opinions_of(*here).current
        paths = sorted(priors_dir(here.settings).glob(f"*/{MANIFEST_FILE}"))
        fitted = {path.parent.name: read_manifest(path) for path in paths}
        names = list(dict.fromkeys([*fitted, current, "neutral"]))
        for name in names:
            mark = "  (serves)" if name == current else ""
            worth = ""
            if (its := fitted.get(name)) is not None:
                worth = f"  held out: worth {its.strength:,.0f} impressions, {its.gain:+.1f} nats"
                worth += "" if its.folds else "; judged on what it was fitted on: fit it anew"
            typer.echo(f"{name}{mark}{worth}", err=json == STANDARD_OUTPUT)
        worths = {
            name: {"strength": its.strength, "gain": its.gain, "held_out": bool(its.folds)}
            for name, its in fitted.items()
        }
        write_json(json, {"priors": names, "serves": current, "worth": worths})


@app.command()
def drop(version: Annotated[str, typer.Argument(help="a prior that does not serve")]) -> None:
    """Forget a prior's opinions in the store; its folder stays, and `use` scores them again."""
    from keyart.services.jobs.priors.serving import drop_prior
    from keyart.services.wiring.stores import opinions_of

    with site() as its:
        drop_prior(opinions_of(*its), version)
        typer.echo(f"{version}: opinions forgotten")
