"""A site with versions, a gate's report, a canary and a retraining that runs, to be served."""

import random
from pathlib import Path

from msgspec import structs

from keyart.schemas import codec
from keyart.schemas.judged import CurvePoint, Judged, PolicyJudged
from keyart.schemas.registry import ModelVersion
from keyart.schemas.rollout import Look, Rollout
from keyart.services.jobs.retrain.stages import FITTED, JOB, Fit, Job
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.settings import Settings
from keyart.streams.site import Note
from tests.integration.prior_site import sure, titles
from tests.integration.test_priors import learn, reward
from tests.opened import Opened

HOUR_MS = 3_600_000


def _points(slope: float) -> tuple[CurvePoint, ...]:
    expected = [0.02 * at for at in range(1, 9)]
    return tuple(
        CurvePoint(
            expected=each,
            observed=0.08 + slope * (each - 0.08),
            low=0.06 + slope * (each - 0.08),
            high=0.10 + slope * (each - 0.08),
            rewards=375,
        )
        for each in expected
    )


JUDGED = Judged(
    at_ms=now_ms() - HOUR_MS // 2,
    rewards=3000,
    to_ms=now_ms(),
    with_prior=_points(0.9),
    without_prior=_points(0.3),
    gain=3.21,
    low=1.1,
    high=5.32,
    policies=tuple(
        PolicyJudged(
            policy=name,
            value=0.1 + more,
            low=0.09 + more,
            high=0.11 + more,
            more=more,
            more_low=more - 0.01,
            more_high=more + 0.01,
            rows_to_tell=more and 12_345.6,
            effective=900.0,
        )
        for name, more in (("lola", 0.004), ("thompson", -0.02), ("uniform", -0.03))
    ),
    logged=0.1,
)
"""What housekeeping would have found."""


def make(folder: Path) -> str:
    """Make it in a folder; return the version that serves, which a retraining has fitted."""
    with Opened(Settings(data_dir=str(folder), canary_shares="0.2,0.5")) as parts:
        parts.catalogue.put(titles(), now_ms=now_ms())
        rng = random.Random(5)
        learn(parts, [reward(at, rng) for at in range(3000)])
        serves = parts.retraining.run(reason="3,000 new rewards", then="promote").version
        for name in ("by-hand", "before"):
            parts.registry.add(ModelVersion(name=name, kind="table", made_at_ms=now_ms()), {})
            parts.opinions.put(sure(name, 1.0))
        parts.register.write(Note.JUDGED, codec.pack(JUDGED))
        _let_out(parts)
        _begin_another(parts, serves)
    return serves


def _let_out(parts: Opened) -> None:
    """Let one version out and note what looks would have seen; one before it has ended."""
    rollout = parts.canaries.begin("by-hand", by="somebody", why="worth a try")
    parts.register.write(Note.ROLLOUT, codec.pack(_looked(rollout, +0.02)))
    ended = structs.replace(rollout, version="before", looks=())
    parts.register.write(Note.ROLLED, codec.pack(_looked(ended, -0.12)))


def _looked(rollout: Rollout, lift: float) -> Rollout:
    looks = []
    for at in range(1, 9):
        half = 0.6 / at
        says = (
            f"{100 * lift:+.1f} % takes ({100 * (lift - half):+.1f} to {100 * (lift + half):+.1f})"
        )
        looks.append(
            Look(
                at_ms=rollout.since_ms + at * HOUR_MS,
                share=rollout.share,
                rewards=400 * at,
                lift=lift,
                low=lift - half,
                high=lift + half,
                says=says,
            )
        )
    return structs.replace(rollout, looks=tuple(looks))


def _begin_another(parts: Opened, champion: str) -> None:
    """Leave a retraining where it has fitted and not yet asked the gate."""
    folder = parts.retraining.jobs.folder(parts.retraining.jobs.next_number())
    job = Job(
        number=int(folder.path.name),
        reason="drift: how takes follow the prior changed",
        since_ms=0,
        champion=champion,
        started_at_ms=now_ms(),
    )
    folder.write(JOB, job)
    folder.write(FITTED, Fit(version="by-hand", rows=3000, to_ms=now_ms()))
