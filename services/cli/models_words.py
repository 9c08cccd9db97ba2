"""What `keyart models` says of versions, in words."""

import time
from typing import TYPE_CHECKING, Any

import typer

from keyart.services.cli.words import counted

if TYPE_CHECKING:
    from keyart.schemas.registry import ModelVersion, Move
    from keyart.schemas.rollout import Rollout


def rolled(out: "Rollout") -> str:
    """Return how a version does that is let out or watched."""
    last = f"; {out.looks[-1].says}" if out.looks else ""
    if out.phase == "watch":
        return (
            f"watched: {out.version} serves {100 * out.share:.3g} % of viewers, the others keep "
            f"{out.against}{last}"
        )
    return (
        f"canary: {out.version} serves {100 * out.share:.3g} % of viewers beside "
        f"{out.against}{last}"
    )


def line(version: "ModelVersion", aliases: list[str], serves: str) -> str:
    """Return a version in one line, with its aliases and whether it serves."""
    marks = [*aliases, *(["serves"] if version.name == serves else [])]
    said = f"{version.name}  {version.kind}  {_when(version.made_at_ms)}"
    if version.rows:
        said += f"  {counted(version.rows, 'reward')}"
    if "hit5" in version.figures:
        passes = "passes" if version.figures.get("passes") else "does not pass"
        said += f"  hit@5 {version.figures['hit5']:.3f}, {passes} the gate"
    if "gain" in version.figures:
        said += f"  held out {version.figures['gain']:+.1f} nats"
    return said + (f"  ({', '.join(marks)})" if marks else "")


def facts(version: "ModelVersion") -> dict[str, Any]:
    """Return what is known of a version, by name, without what is empty."""
    told: dict[str, Any] = {
        "version": version.name,
        "kind": version.kind,
        "made": _when(version.made_at_ms),
        "by": version.made_by,
        "parent": version.parent,
        "rewards": f"{version.rows:,}" if version.rows else "",
        "from": _when(version.from_ms),
        "to": _when(version.to_ms),
        "space": version.space,
        "encoders": version.encoders,
        "template": version.template,
        "note": version.note,
    }
    told |= {name: f"{value:g}" for name, value in version.figures.items()}
    told |= {
        name: f"{mark.size:,} bytes, sha256 {mark.sha256[:16]}"
        for name, mark in version.files.items()
    }
    return {name: value for name, value in told.items() if value}


def say_worths(version: "ModelVersion", quiet: bool) -> None:
    """Say what a version is worth beside others; `quiet`: to standard error."""
    from keyart.services.jobs.deploy import HELD_OUT_FROM
    from keyart.services.jobs.priors.worth_words import worth_words

    if version.beside:
        what = (
            "of the log, on what taught it nothing"
            if HELD_OUT_FROM in version.figures
            else ("on the log that it learned from")
        )
        typer.echo(f"{version.name} {what}:", err=quiet)
    for line in worth_words(version.beside):
        typer.echo(f"  {line}", err=quiet)


def moved(move: "Move") -> str:
    """Return who moved an alias when, and why."""
    why = f": {move.why}" if move.why else ""
    return f"{_when(move.moved_at_ms)} {move.act} by {move.by or 'somebody'}{why}"


def _when(at_ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at_ms / 1000)) if at_ms else ""
