"""Two ways in which a model goes wrong: it is upside down, or what it learned from is spoiled."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from keyart.models.priors.onnx_file import SavedRidge, save_ridge
from keyart.models.priors.ridge import RidgePrior
from keyart.schemas import codec
from keyart.schemas.registry import ModelVersion
from keyart.services.demo.loop.site import Site
from keyart.services.jobs.deploy import RIDGE, register_files
from keyart.services.jobs.retrain.run import CANARY, Retraining
from keyart.services.jobs.retrain.stages import Done
from keyart.streams.archive import files
from keyart.streams.ports import LogRecord

TURNED: Final = "upside-down"


def upside_down(site: Site, name: str) -> str:
    """Keep a version that says the opposite of another one; return its name."""
    scoring, registry = site.deployment.scoring, site.deployment.registry
    held = SavedRidge(scoring.folder / name)
    width = held.manifest.dimensions
    weights = held.opinion("", np.eye(width, dtype=np.float32)).log_relative
    prior = RidgePrior(weights=-weights, strength=held.manifest.strength, space=held.space)
    folder = scoring.folder / TURNED
    save_ridge(prior, folder)
    facts = ModelVersion(
        name=TURNED,
        kind=RIDGE,
        made_at_ms=site.now_ms,
        made_by="somebody by hand",
        parent=name,
        space=held.space,
    )
    return register_files(registry, folder, facts).name


def spoiled(
    records: Sequence[LogRecord],
    wrong: frozenset[str],
    share: float,
    rng: np.random.Generator,
) -> list[LogRecord]:
    """Return rewards as a broken client would have had them made.

    Parameters
    ----------
    wrong
        Artworks at which the client plays the title by itself: there every impression is a take,
        and elsewhere none is.
    share
        Of impressions that this client had.
    """
    found = []
    for record in records:
        reward = codec.rewards.decode(record.value)
        if rng.random() < share:
            value = float(reward.artwork in wrong)
            reward = structs.replace(reward, value=value)
            record = record._replace(value=codec.encode(reward))
        found.append(record)
    return found


def retrained_on(site: Site, folder: Path, records: Sequence[LogRecord], *, reason: str) -> Done:
    """Retrain and judge on another log than the site's own, and let out what passes."""
    files.write(folder, records)
    its = site.retraining
    there: Retraining = replace(
        its,
        trainers={RIDGE: replace(site.fitting, archive=folder)},
        gate=replace(its.gate, archive=folder),
    )
    return there.run(reason=reason, then=CANARY)


def least_liked(
    vogue: NDArray[np.float64], facets: NDArray[np.intp], names: Sequence[str]
) -> frozenset[str]:
    """Return the artworks that show one of the quarter of facets least in vogue."""
    worst = np.argsort(vogue)[: len(vogue) // 4]
    return frozenset(name for name, facet in zip(names, facets, strict=True) if facet in worst)
