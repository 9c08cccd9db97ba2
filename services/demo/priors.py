"""A prior for the demo: a table that ships with it, or one of your own."""

from pathlib import Path

from keyart.schemas.errors import UnknownName
from keyart.services.demo.world import DATA
from keyart.services.jobs.priors.taking import read_opinions


def find_prior(prior: str) -> Path:
    """Return where the prior is.

    Parameters
    ----------
    prior
        The name of a table that ships with the demo; a JSON Lines file of opinions, as
        `keyart llm score` writes it; or a folder of `keyart llm distil`.

    Raises
    ------
    UnknownName
        There is nothing of that name.
    InvalidRecord
        A line of the table is no opinion.
    """
    shipped = DATA / f"prior-{Path(prior).name}.jsonl"
    path = shipped if shipped.is_file() else Path(prior)
    if (path / "dual.json").is_file():
        return path
    if not path.is_file():
        names = sorted(each.stem.removeprefix("prior-") for each in DATA.glob("prior-*.jsonl"))
        raise UnknownName(
            f"the demo has no prior {prior!r}: name a table of `keyart llm score` for its titles, "
            f"a folder of `keyart llm distil`, or one of {', '.join(names)}"
        )
    for _ in read_opinions(path):
        pass  # a line that is wrong is named before anything is started
    return path
