"""What a table knows of people beyond pairs: the blend's own arrays, and what followed what.

With it a table answers for a viewer's whole history, exactly as the planner that was measured.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from keyart.models.artifacts.arrays import check_arrays, read_arrays
from keyart.models.artifacts.whole import appearing
from keyart.models.serendipity.comings import Counted
from keyart.models.serendipity.histories import History
from keyart.models.serendipity.planners.opinions import NAMES, Opinions
from keyart.models.serendipity.scorer import Scorer, scorer_of
from keyart.models.serendipity.world import Floats
from keyart.schemas.errors import ModelRejected


@dataclass(frozen=True, kw_only=True)
class Collective:
    """Of K clusters: opinions, (P,) what each weighs, and (K, K) comings after one cluster."""

    opinions: Opinions
    trust: Floats
    after: Counted

    def scores(self, history: History) -> Floats:
        """Return (K,): how likely the viewer of a history, who must have one, comes to each."""
        made: Floats = self.opinions.of([history])[0] @ self.trust
        return made

    @cached_property
    def scorer(self) -> Scorer:
        """What picks among proposals."""
        return scorer_of(self.after)


def write_collective(path: Path, held: Collective) -> None:
    """Write it as safetensors, whole."""
    with appearing(path) as passing:
        save_file(
            {
                "reach": held.opinions.reach.astype(np.float32),
                "given": held.opinions.given.astype(np.float32),
                "weights": held.opinions.weights.astype(np.float32),
                "trust": np.asarray(held.trust, np.float64),
                "people": held.after.people.astype(np.uint32),
                "came": held.after.came.astype(np.uint32),
            },
            passing,
        )


def read_collective(path: Path, clusters: int) -> Collective:
    """Return what stands in a file.

    Raises
    ------
    ModelRejected
        It is not of so many clusters, or a number is none.
    """
    held = read_arrays(path)
    square = (clusters, clusters)
    shapes: dict[str, tuple[int, ...]] = {"reach": (clusters,), "trust": (len(NAMES),)}
    shapes |= dict.fromkeys(("given", "weights", "people", "came"), square)
    check_arrays(held, shapes, path=path, of=f"{clusters} clusters")
    if not ((held["reach"] > 0.0) & (held["reach"] < 1.0)).all() or (held["given"] < 0.0).any():
        raise ModelRejected(f"{path.name}: a share is none")
    return Collective(
        opinions=Opinions(reach=held["reach"], given=held["given"], weights=held["weights"]),
        trust=held["trust"],
        after=Counted(held["people"].astype(np.int64), held["came"].astype(np.int64)),
    )
