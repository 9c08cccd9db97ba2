"""Progress of a command: lines where there is no terminal, bars where there is."""

import io

from rich.console import Console

from keyart.services.jobs.progress import progress


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_lines_come_now_and_then_and_once_at_the_end() -> None:
    out, clock = io.StringIO(), Clock()
    with progress(Console(file=out, width=100), clock=clock) as tell:
        for step in range(101):
            clock.now = 10.0 * step
            tell("train", step, 100, "loss 1.2")
        tell("train", 100, 100)
    lines = out.getvalue().splitlines()
    assert lines[0] == "train: 3 of 100, 16 min left, loss 1.2"
    assert lines[-2] == "train: 99 of 100, 10 s left, loss 1.2"
    assert lines[-1] == "train: 100 of 100, in 17 min, loss 1.2"
    assert len(lines) == 34


def test_what_was_done_before_a_stop_does_not_count_as_fast() -> None:
    out, clock = io.StringIO(), Clock()
    with progress(Console(file=out, width=100), clock=clock) as tell:
        tell("score", 90, 100)
        clock.now = 60.0
        tell("score", 92, 100)
    assert out.getvalue() == "score: 92 of 100, 4 min left\n"


def test_a_stage_of_unknown_length_is_counted() -> None:
    out, clock = io.StringIO(), Clock()
    with progress(Console(file=out, width=100), clock=clock) as tell:
        tell("read", 0, 0)
        clock.now = 31.0
        tell("read", 1234, 0)
    assert out.getvalue() == "read: 1,234\n"


def test_a_terminal_gets_a_bar_for_each_stage() -> None:
    out = io.StringIO()
    console = Console(file=out, width=100, force_terminal=True)
    with progress(console) as tell:
        tell("read", 5, 10, "half")
        tell("train", 3, 3)
    assert "read" in out.getvalue() and "5/10" in out.getvalue() and "half" in out.getvalue()
    assert "3/3" in out.getvalue()
