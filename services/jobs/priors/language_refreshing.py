"""A language model that serves, without training: told what recently worked, measured anew.

Where its template has a place for what recently worked, that is read from the log of now, and it is
asked again about the titles that hear something else. What it says is then measured; of a template
without that place no word changes, and it is asked nothing.
"""

import shutil
import time
from pathlib import Path
from typing import Final

from msgspec import structs

from keyart.models.artifacts.described import write_described
from keyart.models.dataset.lately import NOTHING, Lately, keeping
from keyart.models.llm.scoring.manifest import read_manifest, write_manifest
from keyart.models.llm.scoring.opinions import Opinions, load_opinions
from keyart.models.priors.worth import LEAST_TAKES, LEAST_TITLES
from keyart.schemas.registry import ModelVersion
from keyart.services.jobs.deploy import HELD_OUT_FROM, fetched, register_files
from keyart.services.jobs.priors.fitted_language import (
    LATELY_FILE,
    SAID_FILE,
    Said,
    choosable,
    read_lately,
)
from keyart.services.jobs.priors.language_worth import Measuring
from keyart.services.jobs.priors.learning import CannotRefresh, Learning
from keyart.services.jobs.priors.recent import recent_now

PASSING: Final = "refreshing-llm"


def refresh_language(
    learning: Learning, version: ModelVersion, *, since_ms: int, by: str, most_s: float
) -> str:
    """Tell a language model what recently worked, measure it; return the version with that.

    Graph, tokenizer, template and probes are the same files, and its table of what it said goes
    with them. It is measured on what taught it nothing.

    Parameters
    ----------
    most_s
        Seconds that it is asked anew for, those titles first that are shown most; the others go on
        hearing what they heard.

    Raises
    ------
    CannotRefresh
        It is told nothing new, and there is too little to tell what it is worth.
    """
    folder = fetched(learning.registry, learning.scoring.folder, version)
    measured_ms = max(since_ms, round(version.figures.get(HELD_OUT_FROM, 0.0)))
    learning.scoring.titles.refresh()
    model, table, former = load_opinions(str(folder)), folder / SAID_FILE, read_lately(folder)
    lately, news = NOTHING, False
    if model.prompter.template.tells_lately:
        lately, news = _renewed(learning, model, table, former, since_ms, most_s)
    said = Said(model, table, lately)
    measuring = Measuring(learning=learning, tell=lambda told: None)
    worth = measuring.worth(said, measured_ms)
    if worth is None and not news:
        raise CannotRefresh(
            f"what taught {version.name} nothing is too little to tell what it is worth: "
            f"{LEAST_TAKES} takes of {LEAST_TITLES} titles are needed"
        )
    passing = learning.scoring.folder / PASSING
    shutil.rmtree(passing, ignore_errors=True)
    passing.mkdir(parents=True)
    for name in version.files:
        shutil.copyfile(folder / name, passing / name)
    manifest = read_manifest(folder)
    worth = worth or manifest.worth
    manifest = structs.replace(manifest, worth=worth)
    write_manifest(passing, manifest)
    if lately != NOTHING:
        write_described(passing / LATELY_FILE, lately)
    facts = structs.replace(
        version,
        name=manifest.name,
        made_at_ms=learning.clock(),
        made_by=by,
        parent=version.name,
        figures={**version.figures, **(worth.figures if worth else {})},
        beside=measuring.beside(
            manifest.name, said, worth, since_ms=measured_ms, parent=version.name
        ),
        note=f"refreshed without training: the weights of {version.name}",
    )
    kept = register_files(learning.registry, passing, facts)
    there = fetched(learning.registry, learning.scoring.folder, kept)
    if there != folder:
        shutil.copyfile(table, there / SAID_FILE)
    shutil.rmtree(passing, ignore_errors=True)
    return kept.name


def _renewed(
    learning: Learning,
    model: Opinions,
    table: Path,
    former: Lately,
    since_ms: int,
    most_s: float,
) -> tuple[Lately, bool]:
    """Ask about titles that hear something else now; return what each hears, and if any does."""
    titles = {each.id: choosable(each) for each in learning.scoring.choosable()}
    fresh, order = recent_now(learning, titles, since_ms=since_ms)
    named = [*(each for each in order if each in titles), *sorted(titles.keys() - set(order))]
    changed = [titles[each] for each in named if fresh.of(each) != former.of(each)]
    until = time.monotonic() + most_s
    left = Said(model, table, fresh).within(changed, over=lambda: time.monotonic() > until)
    return keeping(fresh, former, (each.id for each in left)), len(left) < len(changed)
