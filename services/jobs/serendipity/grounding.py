"""By what titles are taken from a table's clusters: found on viewers held back, kept with it."""

from collections.abc import Sequence
from pathlib import Path

from msgspec import structs

from keyart.models.artifacts.described import write_described
from keyart.models.serendipity.cases import SHARE, Ways
from keyart.models.serendipity.factors import Factors
from keyart.models.serendipity.gate import held_back, labels_of
from keyart.models.serendipity.grounds import Grounds
from keyart.models.serendipity.making import factors_in, fit_titles
from keyart.models.serendipity.measure.grounding import grounds_of
from keyart.models.serendipity.table import MANIFEST, read_table
from keyart.models.serendipity.world import Floats, Ints, World


def use_grounds(
    folder: Path,
    world: World,
    vectors: Floats,
    judging: Sequence[int],
    *,
    seed: int,
    factors: Factors | None = None,
) -> Grounds:
    """Write into a table by what its titles are better taken, as those who judge it say.

    Parameters
    ----------
    vectors
        (T, D) what is said of titles.
    factors
        Fitted without those who judge, where the table's own were fitted with them.
    """
    table = read_table(folder)
    judged = table if factors is None else structs.replace(table, factors=factors)
    ways = Ways(world, labels_of(table, world), seed=seed)
    found = grounds_of(judged, world, vectors, ways, ways.cases(judging, SHARE), seed=seed)
    write_described(folder / MANIFEST, structs.replace(table.manifest, grounds=found))
    return found


def ground_by_all(
    folder: Path,
    world: World,
    labels: Ints,
    vectors: Floats,
    teaching: Sequence[int],
    *,
    seed: int,
) -> Grounds:
    """Do so where all viewers taught the table: every eighth judges factors of the others.

    The clusters that are proposed are the same for both ways, and were taught by all.
    """
    apart = [at for at in teaching if held_back(world.viewers[at])]
    rest = [at for at in teaching if not held_back(world.viewers[at])]
    fitted = fit_titles(world, labels, rest, seed=seed) if apart and rest else None
    if fitted is None:
        return Grounds()
    factors = factors_in(labels, fitted)
    return use_grounds(folder, world, vectors, apart, seed=seed, factors=factors)
