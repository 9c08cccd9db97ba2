"""While a version is let out, each process adds how long deciding took to what the site counts."""

from collections.abc import Mapping
from typing import Any

import pytest

from keyart.schemas import codec
from keyart.schemas.errors import StoreAway
from keyart.schemas.rollout import CANARY, Rollout, Step
from keyart.services.api.beside import Beside
from keyart.services.jobs.rollout import times_of, took_of
from keyart.streams.memory.site import MemoryRegister
from keyart.streams.site import Note

OUT = Rollout(
    version="v2", against="v1", phase=CANARY, steps=(Step(share=0.2, since_ms=5),), heard_ms=5
)


class AtTimesAway(MemoryRegister):
    """A register whose store is away when told to be."""

    away = False

    def add_counts(self, name: str, counts: Mapping[str, int]) -> None:
        if self.away:
            raise StoreAway("the store is away")
        super().add_counts(name, counts)


class Prior:
    name = "v2"


class Generation:
    """What decides with v2; nothing of it is asked here."""

    prior, index = Prior(), None


def built(name: str) -> Any:
    return Generation()


def test_times_of_both_are_counted_while_one_is_out_and_never_twice() -> None:
    register = AtTimesAway()
    one, other = Beside(register), Beside(register)
    one.took("v1", 0.001)  # nothing is out yet
    register.write(Note.ROLLOUT, codec.pack(OUT))
    for each in (one, other):
        each.refresh("v1", built)
        for _ in range(50):
            each.took("v1", 0.001)
            each.took("v2", 0.1)
            each.took("another", 9.0)
    other.tell_times()
    register.away = True
    with pytest.raises(StoreAway):
        one.tell_times()
    one.took("v1", 0.001)
    register.away = False
    for _ in range(2):
        one.tell_times()
    counts = register.counts(times_of(OUT))
    assert sum(counts.values()) == 201
    took = took_of(OUT, counts)
    assert took is not None
    assert took.version.estimate == pytest.approx(0.1, rel=0.1)
    assert took.other.estimate == pytest.approx(0.001, rel=0.1)


def test_each_step_counts_anew() -> None:
    register = MemoryRegister()
    beside = Beside(register)
    grown = Rollout(
        version="v2",
        against="v1",
        phase=CANARY,
        steps=(*OUT.steps, Step(share=0.5, since_ms=9)),
        heard_ms=9,
    )
    for rollout in (OUT, grown):
        register.write(Note.ROLLOUT, codec.pack(rollout))
        beside.refresh("v1", built)
        beside.took("v2", 0.01)
        assert took_of(rollout, register.counts(times_of(rollout))) is None
    beside.tell_times()
    assert [sum(register.counts(times_of(each)).values()) for each in (OUT, grown)] == [1, 1]
