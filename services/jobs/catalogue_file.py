"""Titles from a file, as `keyart catalogue load` reads them: `keyart.models.intake.titles`."""

from keyart.models.intake.faults import MOST_SHOWN, Fault, WrongFile
from keyart.models.intake.titles import read_titles

__all__ = ["MOST_SHOWN", "Fault", "WrongFile", "read_titles"]
