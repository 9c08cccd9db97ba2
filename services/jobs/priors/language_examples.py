"""What a language model is taught with: the newest of the log, as many as it takes."""

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from keyart.models.dataset.examples import Example, read_examples, write_examples
from keyart.models.dataset.prepare import prepare_log
from keyart.models.dataset.training_log import read_rewards
from keyart.services.jobs.priors.dual_fitting import TEST, VALID
from keyart.services.jobs.priors.learning import Learning
from keyart.services.jobs.priors.recent import Recent, recent_for

MOST_REWARDS: Final = 200_000
"""The newest rewards of which examples are made: as many as the gate judges on."""
MOST_HELD_OUT: Final = 5_000
"""Held-out takes, the newest, that say when to stop and at which temperature."""
HISTORY: Final = 0
"""Entries of a viewer's past in a prompt: it is asked for everybody, so it is taught so."""


class Window(NamedTuple):
    """Of what was shown when examples are made, how many teach, and how many of those are takes."""

    from_ms: int
    to_ms: int
    taught: int
    takes: int


def make_examples(
    learning: Learning, data: Path, *, since_ms: int, takes: int, lately: bool = False
) -> Recent | None:
    """Write the examples of a site's log, and leave as many as are learned from.

    Parameters
    ----------
    data
        A folder, made if it is not there.
    since_ms
        What was shown before makes none.
    takes
        That teach at most, the newest; 0: all of the newest `MOST_REWARDS` rewards.
    lately
        Whether prompts say what had recently worked; that is returned then.

    Raises
    ------
    NotFound, InvalidRecord
        As `prepare_log`.
    """
    learning.scoring.titles.refresh()
    titles = {name: each.whole for name, each in learning.scoring.titles.view.titles.items()}
    rows, _ = read_rewards(learning.archive, (), newest=MOST_REWARDS)
    since_ms = max(since_ms, int(rows["shown_at_ms"].to_numpy().min()))
    recent = recent_for(learning, titles, since_ms=since_ms) if lately else None
    prepare_log(
        learning.archive,
        titles,
        data,
        valid=VALID,
        test=TEST,
        entries=HISTORY,
        lately=recent.told if recent else None,
        bounds=learning.bounds,
        since_ms=since_ms,
    )
    _keep_newest(data / "train.jsonl", answered=takes)
    _keep_newest(data / "valid.jsonl", answered=MOST_HELD_OUT)
    # of what judges the last time alone is read
    _keep_newest(data / "test.jsonl", most=1)
    return recent


def window_of(data: Path) -> Window:
    """Return what the examples in a folder are of."""
    taught = [(each.shown_at_ms, each.answer >= 0) for each in read_examples(data / "train.jsonl")]
    (last,) = deque(read_examples(data / "test.jsonl"), 1)
    takes = sum(answered for _, answered in taught)
    return Window(taught[0][0], last.shown_at_ms, len(taught), takes)


def _keep_newest(path: Path, *, answered: int = 0, most: int = 0) -> None:
    """Leave the newest examples of a file: so many answered ones, or so many in all; 0 is all."""
    total, wanted = 0, 0
    for each in read_examples(path):
        total += 1
        wanted += each.answer >= 0
    skip = max(total - most, 0) if most else 0
    spare = max(wanted - answered, 0) if answered else 0

    def left() -> Iterator[Example]:
        passed = 0
        for at, each in enumerate(read_examples(path)):
            if at >= skip and passed >= spare:
                yield each
            passed += each.answer >= 0

    fresh = path.with_suffix(".fresh")
    write_examples(fresh, left())
    fresh.replace(path)
