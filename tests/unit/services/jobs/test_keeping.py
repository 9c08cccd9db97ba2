"""A round of housekeeping without a server: what fails keeps nothing else from being done."""

from pathlib import Path

import pytest

from keyart.schemas.errors import KeyartError, LogAway, StoreAway
from keyart.services.jobs.how_it_goes import how_it_goes
from keyart.services.jobs.idle import DAY_MS, IdleTastes
from keyart.services.jobs.keeping import Chores, Keeper
from keyart.streams.memory.site import MemoryRegister
from keyart.streams.ports import VIEWERS, Lane
from keyart.streams.room import Room
from keyart.streams.site import Note

NAMES = (
    "let_idle_go",
    "archive",
    "erase",
    "rewrite",
    "follow",
    "canary",
    "retrain",
    "refresh",
    "report",
    "judge",
    "score",
)


class Server:
    """A server of which only the room is asked."""

    rewriting = False
    rewritten = True

    def __init__(self, used: int) -> None:
        self.used = used

    def check_access(self) -> None:
        raise AssertionError

    def room(self) -> Room:
        return Room(self.used, 100)

    def begin_rewrite(self) -> None:
        raise AssertionError

    def snapshot(self, to: Path) -> None:
        raise AssertionError


class House:
    """A keeper, what it has done, and what is to fail."""

    def __init__(self, folder: Path, *, used: int = 1) -> None:
        self.done: list[str] = []
        self.fails: dict[str, Exception] = {}
        self.at_ms = 5_000
        self.register = MemoryRegister()
        self.keeper = Keeper(
            folder=folder,
            archive=folder / "archive",
            register=self.register,
            server=Server(used),
            chores=Chores(
                **{name: self._chore(name) for name in NAMES},
                stop=lambda: self.done.append("stop"),
            ),
            clock=lambda: self.at_ms,
        )

    def _chore(self, name: str):  # type: ignore[no-untyped-def]
        def act() -> int:
            self.done.append(name)
            if name in self.fails:
                raise self.fails[name]
            return 7

        return act


def test_a_round_does_everything_in_its_order_and_says_so(tmp_path: Path) -> None:
    house = House(tmp_path)
    assert house.keeper.round() == 7
    assert house.done == list(NAMES)
    found = how_it_goes(house.register)
    assert found is not None
    assert (found.round_ms, found.done_ms, found.failures, found.reason) == (5_000, 5_000, 0, "")


@pytest.mark.parametrize("name", NAMES)
def test_what_fails_is_told_and_the_rest_is_done(tmp_path: Path, name: str) -> None:
    house = House(tmp_path)
    house.keeper.round()
    house.fails, house.at_ms, house.done = {name: LogAway("nobody there")}, 6_000, []
    with pytest.raises(KeyartError, match="nobody there"):
        house.keeper.round()
    assert house.done == list(NAMES)
    found = how_it_goes(house.register)
    assert found is not None
    assert (found.round_ms, found.done_ms, found.failures) == (6_000, 5_000, 1)
    assert "nobody there" in found.reason
    house.fails = {}
    assert house.keeper.round() == 7
    again = how_it_goes(house.register)
    assert again is not None and (again.failures, again.reason) == (0, "")


def test_what_nobody_foresaw_ends_no_round(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.fails = {"archive": ValueError("odd"), "score": StoreAway("gone")}
    with pytest.raises(KeyartError, match=r"archiving: ValueError\('odd'\); scoring.*gone"):
        house.keeper.round()
    assert house.done == list(NAMES)


def test_a_server_that_is_nearly_full_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    House(tmp_path, used=50).keeper.round()
    assert "nearly full" not in caplog.text
    House(tmp_path, used=99).keeper.round()
    assert "nearly full" in caplog.text


def test_stopping_reaches_what_runs_beside(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.keeper.stop()
    assert house.done == ["stop"]


class Tastes:
    """Tastes of which it is remembered how they were looked through."""

    def __init__(self) -> None:
        self.asked: list[tuple[Lane, int]] = []

    def forget_idle_tastes(self, lane: Lane, since_ms: int) -> int:
        self.asked.append((lane, since_ms))
        return 2


def idle(register: MemoryRegister, tastes: Tastes, *, kept_ms: int, at_ms: int) -> IdleTastes:
    return IdleTastes(
        register=register, tastes=tastes, partitions=3, kept_ms=kept_ms, clock=lambda: at_ms
    )


def test_tastes_are_looked_through_once_a_day_up_to_when_they_are_kept() -> None:
    register, tastes = MemoryRegister(), Tastes()
    start, kept = 400 * DAY_MS, 10 * DAY_MS
    assert idle(register, tastes, kept_ms=kept, at_ms=start).let_go() == 0
    assert tastes.asked == [], "the first look only notes when it was"
    noted = int(register.read(Note.IDLE_UPTO) or 0)
    assert noted > 0
    assert idle(register, tastes, kept_ms=kept, at_ms=start + 1000).let_go() == 0
    assert tastes.asked == []
    later = idle(register, tastes, kept_ms=kept, at_ms=start + 2 * DAY_MS)
    assert later.let_go() == 6
    upto = int(register.read(Note.IDLE_UPTO) or 0)
    assert noted < upto <= start + 2 * DAY_MS
    assert tastes.asked == [(Lane(VIEWERS, each), upto - kept) for each in range(3)]


def test_tastes_that_are_kept_for_ever_are_never_looked_through() -> None:
    register, tastes = MemoryRegister(), Tastes()
    for days in (400, 402, 404):
        assert idle(register, tastes, kept_ms=0, at_ms=days * DAY_MS).let_go() == 0
    assert tastes.asked == [] and register.read(Note.IDLE_UPTO) is None
