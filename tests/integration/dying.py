"""A retraining that ends at one of its stages, as if its process were gone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from keyart.services.jobs.retrain.stages import Folder


class Dies(BaseException):
    """As if the process were gone."""


def dies() -> None:
    raise Dies


@contextmanager
def dying_at(stage: str, *, noted: bool = True, die: Callable[[], object] = dies) -> Iterator[None]:
    """Have it die once the stage is done: after that was noted, or right before."""
    write = Folder.write

    def dying(self: Folder, name: str, what: object) -> None:
        if name == stage and not noted:
            die()
        write(self, name, what)
        if name == stage:
            die()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Folder, "write", dying)
        yield
