"""What a language model that serves is worth, measured anew: it is asked nothing twice."""

import shutil
from typing import Final

from msgspec import structs

from keyart.models.llm.scoring.manifest import read_manifest, write_manifest
from keyart.models.llm.scoring.opinions import load_opinions
from keyart.models.priors.worth import LEAST_TAKES, LEAST_TITLES
from keyart.schemas.registry import ModelVersion
from keyart.services.jobs.deploy import HELD_OUT_FROM, fetched, register_files
from keyart.services.jobs.priors.fitted_language import SAID_FILE, Said
from keyart.services.jobs.priors.language_worth import Measuring
from keyart.services.jobs.priors.learning import CannotRefresh, Learning

PASSING: Final = "refreshing-llm"


def refresh_language(learning: Learning, version: ModelVersion, *, since_ms: int, by: str) -> str:
    """Measure a language model on what taught it nothing; return the version with that worth.

    Graph, tokenizer, template and probes are the same files, and its table of what it said goes
    with them. Its prompt speaks of no viewer and of nothing recent, so no word of it changes.

    Raises
    ------
    CannotRefresh
        There is too little to tell what it is worth.
    """
    folder = fetched(learning.registry, learning.scoring.folder, version)
    since_ms = max(since_ms, round(version.figures.get(HELD_OUT_FROM, 0.0)))
    learning.scoring.titles.refresh()
    said = Said(load_opinions(str(folder)), folder / SAID_FILE)
    measuring = Measuring(learning=learning, tell=lambda told: None)
    worth = measuring.worth(said, since_ms)
    if worth is None:
        raise CannotRefresh(
            f"what taught {version.name} nothing is too little to tell what it is worth: "
            f"{LEAST_TAKES} takes of {LEAST_TITLES} titles are needed"
        )
    passing = learning.scoring.folder / PASSING
    shutil.rmtree(passing, ignore_errors=True)
    passing.mkdir(parents=True)
    for name in version.files:
        shutil.copyfile(folder / name, passing / name)
    manifest = structs.replace(read_manifest(folder), worth=worth)
    write_manifest(passing, manifest)
    facts = structs.replace(
        version,
        name=manifest.name,
        made_at_ms=learning.clock(),
        made_by=by,
        parent=version.name,
        figures={
            **version.figures,
            "gain": worth.gain,
            "strength": worth.strength,
            "scale": worth.scale,
        },
        beside=measuring.beside(manifest.name, said, worth, since_ms=since_ms, parent=version.name),
        note=f"refreshed without training: the weights of {version.name}",
    )
    kept = register_files(learning.registry, passing, facts)
    there = fetched(learning.registry, learning.scoring.folder, kept)
    if there != folder:
        shutil.copyfile(folder / SAID_FILE, there / SAID_FILE)
    shutil.rmtree(passing, ignore_errors=True)
    return kept.name
