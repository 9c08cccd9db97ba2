"""Has the take fraction changed? ADWIN over the buckets of the timeline.

ADWIN (Bifet and Gavalda, SIAM SDM 2007) keeps a window that it cuts wherever its two parts differ
by more than chance allows; `river` has it. It is run over the kept timeline each time anew, so its
answer depends on the timeline alone, and nothing has to be stored.
"""

import importlib.util
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import river

from keyart.schemas.posterior import PolicyBucket

LEAST = 100
"""Impressions that are put together to one observation: a few clicks are no fraction."""


def take_drifts(
    buckets: Iterable[tuple[int, PolicyBucket]], *, delta: float = 0.002, least: int = LEAST
) -> list[int]:
    """Return when (ms) the take fraction changed, in the order of time.

    Parameters
    ----------
    buckets
        (start in ms, bucket) of one policy, the oldest first.
    delta
        Confidence of ADWIN: about the chance of a false alarm at a bound, in 0 to 1.
    least
        Impressions that make one observation; buckets with fewer are put together.
    """
    watch = adwin()(delta=delta, clock=1, grace_period=10)
    found: list[int] = []
    count, value = 0, 0.0
    for start_ms, bucket in buckets:
        count += bucket.count
        value += bucket.value
        if count < least:
            continue
        watch.update(value / count)
        if watch.drift_detected:
            found.append(start_ms)
        count, value = 0, 0.0
    return found


@cache
def adwin() -> Any:
    """Return `river.drift.ADWIN`, from its own file.

    The package around it loads data sets, and with them pandas and scikit-learn: seconds of a
    serving process, and 100 MB.
    """
    file = Path(str(river.__file__)).with_name("drift") / "adwin.py"
    spec = importlib.util.spec_from_file_location("keyart_river_adwin", file)
    if spec is None or spec.loader is None or not file.is_file():
        return importlib.import_module("river.drift").ADWIN
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.ADWIN
