"""`keyart retrain`: from what viewers did to a candidate, once or when it is due."""

from pathlib import Path
from typing import Annotated

import typer

from keyart.services.cli.figures import STANDARD_OUTPUT, Json, check_json, write_json
from keyart.services.cli.site import site

app = typer.Typer()


@app.command("retrain")
def retrain(
    when_due: Annotated[
        bool, typer.Option("--when-due", help="only if schedule, rewards or drift ask for it")
    ] = False,
    then: Annotated[
        str,
        typer.Option(
            help="what passes the gate: propose leaves it as candidate, canary lets it out step "
            "by step, promote lets it serve"
        ),
    ] = "",
    since_hours: Annotated[
        float,
        typer.Option(
            min=0,
            help="learn from the last hours only; 0: since the last change of the world that "
            "was found, from all where there was none",
        ),
    ] = 0.0,
    refresh: Annotated[
        bool,
        typer.Option("--refresh", help="train nothing: measure anew what the one that serves says"),
    ] = False,
    kind: Annotated[
        str,
        typer.Option(
            help="ridge; dual: a dual encoder of viewers and artworks; sft, dpo, sft+dpo or spans: "
            "a language model (KEYART_RETRAIN_LLM_MODEL), taught as `keyart llm train` does. All "
            "but a ridge need torch; "
            "empty: as KEYART_RETRAIN_KIND says"
        ),
    ] = "",
    encoders: Annotated[
        str, typer.Option(help="of a ridge, as `keyart prior fit --encoders`")
    ] = "space",
    reason: Annotated[str, typer.Option(help="why: kept in the registry")] = "asked for",
    json: Json = None,
) -> None:
    """Fit a prior on what viewers did, ask the gate, and propose or deploy it.

    A ridge says the same to everybody; a dual encoder also what this viewer's taste adds to it. A
    language model is asked once a title, never in a request.
    With --refresh the weights stay as they are: scale, worth and the title groups that differ are
    measured anew on the log. One at a time; after a kill the next one goes on where it stopped.
    """
    from keyart.schemas.errors import SettingsError
    from keyart.schemas.extras import need_extra, need_polars
    from keyart.services.jobs.deploy import DUAL, RIDGE
    from keyart.services.jobs.priors.language_fitting import KINDS, can_train
    from keyart.services.jobs.priors.worth_words import worth_words
    from keyart.services.jobs.retrain.run import CANARY, PROMOTE, PROPOSE
    from keyart.services.wiring.clock import now_ms
    from keyart.services.wiring.logs import archiver_of
    from keyart.services.wiring.priors import deployment_of, due_of, retraining_of

    if refresh and kind not in ("", RIDGE):
        raise SettingsError(f"--refresh trains nothing, so no {kind}: leave one of the two out")
    need_polars("retraining")  # before a job is begun that could not be done here
    if encoders != "space":
        need_extra("onnx", "fitting a prior on other encoders")
    check_json(json)
    quiet = json == STANDARD_OUTPUT
    with site() as its:
        settings = its.settings
        wanted = then or settings.retrain_then
        if wanted not in (PROMOTE, PROPOSE, CANARY):
            raise SettingsError(
                f"--then is {wanted!r}: it must be {PROPOSE}, {CANARY} or {PROMOTE}"
            )
        made = kind or settings.retrain_kind
        known = (RIDGE, DUAL, *KINDS)
        if made not in known:
            raise SettingsError(f"--kind is {made!r}: it must be one of {', '.join(known)}")
        if made != RIDGE and not refresh:
            if encoders != "space":
                raise SettingsError(f"--encoders are of a ridge, not of {made}")
            for extra in ("llm", "onnx"):
                need_extra(extra, f"retraining by {made}")
            if made in KINDS:
                can_train(settings.retrain_llm_model)
        if not when_due:  # housekeeping has just archived
            archiver_of(*its).run()
        deployment = deployment_of(*its)
        since_ms = now_ms() - round(since_hours * 3_600_000) if since_hours else 0
        if when_due:
            asks = due_of(settings, deployment).asks(now_ms())
            if asks is None:
                typer.echo("nothing asks for it", err=quiet)
                write_json(json, {"outcome": "not due"})
                return
            reason, since_ms, refresh = asks.reason, asks.since_ms, asks.refresh
        done = retraining_of(settings, its.client, deployment, encoders=encoders).run(
            reason=reason,
            since_ms=since_ms,
            refresh=refresh,
            kind=made,
            then=wanted,
            most_s=settings.retrain_most_s,
            tell=lambda said: typer.echo(said, err=True),
        )
        for line in worth_words(deployment.registry.version(done.version).beside):
            typer.echo(line, err=quiet)
        typer.echo(f"{done.version}: {done.outcome}; {done.says}", err=quiet)
        write_json(json, done)


@app.command("gate")
def gate(
    version: Annotated[str, typer.Argument(help="a version or an alias")] = "candidate",
    log: Annotated[
        Path | None, typer.Option(help="judge on this training log: a Parquet file or a folder")
    ] = None,
    json: Json = None,
) -> None:
    """Ask the gate about a version against what serves, rule by rule; nothing is deployed."""
    from keyart.services.wiring.logs import archiver_of
    from keyart.services.wiring.priors import deployment_of, gate_of

    check_json(json)
    quiet = json == STANDARD_OUTPUT
    with site() as its:
        if log is None:
            archiver_of(*its).run()
        found = gate_of(its.settings, deployment_of(*its)).judge(version, log=log)
        for each in found.verdicts:
            typer.echo(f"{each.rule:12} {each.outcome:12} {each.says}", err=quiet)
        typer.echo(f"{found.version} against {found.champion}: {found.says}", err=quiet)
        write_json(json, found)
    if not found.passed:
        raise typer.Exit(1)
