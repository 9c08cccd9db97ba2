"""The cheap step between trainings: what the opinions that serve are worth, measured anew.

Weights stay as they are, to the byte. On the log of now, of titles that they were not fitted on,
the scale, the strength and the title groups that differ are estimated again; that takes seconds
where a fit may take an hour. What comes of it is a version of its own, whose parent is what served.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from msgspec import structs

from keyart.models.artifacts.described import write_described
from keyart.models.likelihood.calibrate import calibrate
from keyart.models.likelihood.groups import worth_by_group
from keyart.models.likelihood.relative import relative_effects
from keyart.models.priors.manifest import FITTED, MANIFEST_FILE, REFRESHED, RidgeManifest
from keyart.models.priors.onnx_file import SavedRidge
from keyart.models.priors.worth import LEAST_TAKES, LEAST_TITLES
from keyart.schemas.registry import ModelVersion
from keyart.services.jobs.deploy import LANGUAGE, RIDGE, fetched, register_files
from keyart.services.jobs.priors.language_refreshing import refresh_language
from keyart.services.jobs.priors.learning import CannotRefresh, Learning
from keyart.services.jobs.priors.logged import logged
from keyart.services.jobs.priors.worths import Worths, said_by

PASSING: Final = "refreshing"


@dataclass(frozen=True, kw_only=True)
class Refreshing(Learning):
    """Measures anew what a site's ridges and language models are worth.

    Parameters
    ----------
    ask_s
        Seconds that a language model may be asked anew for, told what recently worked.
    """

    ask_s: float = 900.0

    def refresh(self, name: str, *, since_ms: int = 0, by: str) -> str:
        """Measure a version on the log; return the version with the same weights and that worth.

        Parameters
        ----------
        name
            A ridge or a language model; it becomes the parent.
        since_ms
            What was shown before is not measured on.
        by
            Who measures, for the registry.

        Raises
        ------
        NotFound
            There are no rewards yet, or no such version.
        CannotRefresh
            It is neither, or there is too little to tell what it is worth.
        """
        version = self.registry.version(name)
        if version.kind == LANGUAGE:
            return refresh_language(self, version, since_ms=since_ms, by=by, most_s=self.ask_s)
        if version.kind != RIDGE:
            raise CannotRefresh(
                f"{version.name} is of kind {version.kind}: a ridge is refreshed, "
                "or a language model"
            )
        log = logged(self.scoring, self.archive, self.bounds, since_ms)
        titles, takes = len(log.titles), float(log.takes.sum())
        if titles < LEAST_TITLES or takes < LEAST_TAKES:
            raise CannotRefresh(
                f"{takes:,.0f} takes of {titles:,} titles are too few to tell what {version.name} "
                f"is worth: {LEAST_TAKES} of {LEAST_TITLES} are needed"
            )
        passing, held = self._unscaled(version)
        vectors = self.scoring.ridge(version.name).read(log.rows, log.texts)
        effects = relative_effects(log.title, log.impressions, log.takes)
        said = said_by(SavedRidge(passing), vectors, log)
        found = calibrate(said, effects)
        manifest = structs.replace(
            held,
            scale=round(found.scale, 4),
            strength=round(found.strength, 1),
            gain=round(found.gain, 2),
            spread=round(found.spread, 4),
            groups=worth_by_group(
                said * found.scale,
                found.spread,
                group=log.group,
                title=log.title,
                impressions=log.impressions,
                takes=log.takes,
            ),
            version=REFRESHED,
        )
        write_described(passing / MANIFEST_FILE, manifest)
        ridge = SavedRidge(passing)
        worths = Worths(registry=self.registry, scoring=self.scoring)
        facts = structs.replace(
            version,
            name=ridge.version,
            made_at_ms=self.clock(),
            made_by=by,
            parent=version.name,
            from_ms=log.from_ms,
            to_ms=log.to_ms,
            since_ms=max(version.since_ms, since_ms),
            rows=int(log.rewards.sum()),
            figures={
                **version.figures,
                "gain": manifest.gain,
                "strength": manifest.strength,
                "scale": manifest.scale,
                "spread": manifest.spread,
                "titles": float(titles),
                "artworks": float(len(log.texts)),
                "held back": float(log.held),
                "bounded": round(log.bounded, 1),
            },
            beside=worths.beside(ridge, vectors, log, parent=version.name),
            note=f"refreshed without training: the weights of {version.name}",
        )
        kept = register_files(self.registry, passing, facts)
        fetched(self.registry, self.scoring.folder, kept)
        shutil.rmtree(passing, ignore_errors=True)
        return kept.name

    def _unscaled(self, version: ModelVersion) -> tuple[Path, RidgeManifest]:
        """Return a copy of a ridge that says what its weights do, and its manifest.

        One whose scale is 0 by now is measured by what it would say, so that it may come back.
        """
        folder = fetched(self.registry, self.scoring.folder, version)
        passing = self.scoring.folder / PASSING
        shutil.rmtree(passing, ignore_errors=True)
        passing.mkdir(parents=True)
        for name in version.files:
            shutil.copyfile(folder / name, passing / name)
        plain = structs.replace(SavedRidge(folder).manifest, scale=1.0, groups={}, version=FITTED)
        write_described(passing / MANIFEST_FILE, plain)
        return passing, plain
