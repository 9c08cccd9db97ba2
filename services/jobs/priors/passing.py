"""Folders of unfinished trainings, among those of priors: they hold examples of single viewers."""

import shutil
from pathlib import Path
from typing import Final

PASSING_DUAL: Final = "fitting-dual"
PASSING_LANGUAGE: Final = "fitting-llm"
EXAMPLES: Final = "examples"


def forget_examples(priors: Path) -> None:
    """Remove the examples of trainings that are not finished: a viewer was erased.

    One that runs has read them; one that was stopped begins anew, from a log without the viewer.
    """
    for name in (PASSING_DUAL, PASSING_LANGUAGE):
        shutil.rmtree(priors / name / EXAMPLES, ignore_errors=True)
