"""What a planner is."""

from collections.abc import Sequence
from typing import Protocol

from keyart.models.serendipity.histories import History
from keyart.models.serendipity.world import Floats


class Planner(Protocol):
    """Says of every cluster how likely a viewer comes to it next."""

    @property
    def name(self) -> str:
        """What it is called in tables and versions."""
        ...

    def scores(self, histories: Sequence[History]) -> Floats:
        """Return (N, K) scores, higher is likelier; explored clusters are scored like others."""
        ...
