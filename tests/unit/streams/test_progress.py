"""How far time has come for a lane."""

import random

from keyart.streams.lanes.progress import Progress


def test_time_stands_still_until_every_topic_was_looked_at() -> None:
    progress = Progress(("events", "decisions"))
    assert progress.now_ms == 0
    progress.read("events", 1000)
    assert progress.now_ms == 0
    progress.ended("decisions", 700)
    assert progress.now_ms == 700


def test_the_topic_that_lags_most_decides() -> None:
    progress = Progress(("events", "decisions"))
    progress.read("events", 5000)
    progress.read("decisions", 100)
    assert progress.now_ms == 100
    progress.read("decisions", 4000)
    assert progress.now_ms == 4000
    progress.read("decisions", 9000)
    assert progress.now_ms == 5000


def test_a_quiet_topic_comes_as_far_as_its_end_was_seen() -> None:
    progress = Progress(("events", "decisions"))
    progress.read("events", 5000)
    progress.read("decisions", 100)
    progress.ended("decisions", 4900)
    assert progress.now_ms == 4900


def test_time_never_goes_back() -> None:
    rng = random.Random(5)
    progress, before = Progress(("a", "b", "c")), 0
    for _ in range(2000):
        step = progress.read if rng.random() < 0.7 else progress.ended
        step(rng.choice("abc"), rng.randrange(10_000))
        assert progress.now_ms >= before
        before = progress.now_ms
    assert before > 0
