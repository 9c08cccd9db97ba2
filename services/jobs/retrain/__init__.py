"""Retraining: from what viewers did to a candidate, in stages that a kill does not undo."""
