"""What was trained as what is kept: does it answer at all, ONNX, and probes of the catalogue."""

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keyart.models.dataset.examples import Example
from keyart.models.dataset.lately import Lately
from keyart.schemas.catalogue import StoredTitle
from keyart.services.jobs.priors.learning import Tell

if TYPE_CHECKING:
    from keyart.models.llm.scoring.manifest import Manifest

MOST_ANSWERS: Final = 64
"""Held-out questions, the newest: whether it answers them with the letter of an option."""


def readable(trained: Path, template: str, valid: Sequence[Example]) -> float:
    """Return the share of held-out questions that a model on torch answers with a letter."""
    from keyart.models.embed.language_models import load_causal_lm
    from keyart.models.llm.prompt.prompts import Prompter
    from keyart.models.llm.prompt.template import load_template
    from keyart.models.llm.scoring.answers import readable_share

    loaded = load_causal_lm(str(trained))
    prompter = Prompter(loaded.tokenizer, load_template(template))
    return readable_share(loaded, prompter, valid[-MOST_ANSWERS:])


def exported(
    trained: Path,
    out: Path,
    valid: Sequence[Example],
    *,
    graph: str,
    titles: Sequence[StoredTitle],
    lately: Lately,
    tell: Tell,
) -> "Manifest":
    """Export what was trained, with probes that nobody's history is part of; again what is there.

    Parameters
    ----------
    graph
        The form that is kept.
    titles, lately
        Of the catalogue as it is, and what recently worked: what the probes ask.
    """
    from keyart.models.llm.export.export import export
    from keyart.models.llm.scoring.manifest import read_manifest
    from keyart.models.llm.scoring.opinions import load_opinions
    from keyart.models.llm.scoring.probes import MOST, PROBES_FILE, save_probes
    from keyart.models.llm.scoring.table import EVERYBODY, question
    from keyart.services.jobs.priors.fitted_language import choosable

    if (out / PROBES_FILE).is_file():
        return read_manifest(out)
    shutil.rmtree(out, ignore_errors=True)
    # of each operator of torchvision it says that this is not installed: nobody needs it; said
    # here, as torch sets what it logs when it is imported
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    export(
        str(trained),
        valid,
        out,
        name="",
        kinds=(graph,),
        calibrate_on=1,  # what it is worth is measured below, by what it says to everybody
        one_file=True,
        tell=tell,
    )
    ordered = sorted(titles, key=lambda each: each.id)
    asked = [choosable(each) for each in ordered if len(each.choosable) > 1][:MOST]
    questions = [question(each, EVERYBODY, lately.of(each.id)) for each in asked]
    save_probes(out, load_opinions(str(trained)), questions)
    return read_manifest(out)
