"""The registry as a state machine: whatever is done in whatever order, against a plain model."""

from hypothesis import settings, strategies
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from keyart.schemas.errors import Fenced, InvalidRecord
from keyart.schemas.registry import ModelVersion
from keyart.streams.registry.objects import MemoryObjects
from keyart.streams.registry.registry import Registry

FENCES = strategies.integers(0, 4)


class Machine(RuleBasedStateMachine):
    """Several movers on one registry; `serving` and `former` are what should be."""

    versions = Bundle("versions")

    def __init__(self) -> None:
        super().__init__()
        objects = MemoryObjects()
        self.movers = [Registry(objects, lambda: 1) for _ in range(2)]
        self.registry = self.movers[0]
        self.serving, self.candidate, self.former = "", "", list[str]()
        self.count = self.moves = self.fence = 0

    @rule(target=versions)
    def add(self) -> str:
        self.count += 1
        name = f"v{self.count}"
        self.movers[self.count % 2].add(ModelVersion(name=name, kind="k", made_at_ms=1), {})
        return name

    def fenced(self, fence: int) -> bool:
        return 0 < fence < self.fence

    def moved(self, fence: int) -> None:
        self.moves += 1
        self.fence = max(self.fence, fence)

    @rule(version=versions, fence=FENCES, mover=strategies.integers(0, 1))
    def promote(self, version: str, fence: int, mover: int) -> None:
        try:
            self.movers[mover].promote(version, by="b", why="w", fence=fence)
        except Fenced:
            assert self.fenced(fence)
            return
        except InvalidRecord:
            assert version == self.serving
            return
        assert not self.fenced(fence) and version != self.serving
        if self.serving:
            self.former.append(self.serving)
        self.serving = version
        self.candidate = "" if self.candidate == version else self.candidate
        self.moved(fence)

    @rule(version=versions, fence=FENCES)
    def propose(self, version: str, fence: int) -> None:
        try:
            self.registry.propose(version, by="b", why="w", fence=fence)
        except Fenced:
            assert self.fenced(fence)
            return
        except InvalidRecord:
            assert version == self.serving
            return
        assert not self.fenced(fence) and version != self.serving
        self.candidate = version
        self.moved(fence)

    @rule(fence=FENCES)
    def rollback(self, fence: int) -> None:
        try:
            self.registry.rollback(by="b", why="w", fence=fence)
        except Fenced:
            assert self.fenced(fence)
            return
        except InvalidRecord:
            assert not self.former
            return
        assert not self.fenced(fence)
        self.serving = self.former.pop()
        self.moved(fence)

    @invariant()
    def stands_as_it_should(self) -> None:
        for each in self.movers:
            held = each.aliases()
            assert (held.champion, held.candidate) == (self.serving, self.candidate)
            assert list(held.former) == self.former
        moves = self.registry.moves()
        assert [move.number for move in moves] == list(range(1, self.moves + 1))
        assert self.registry.version("champion").name == self.serving if self.serving else True


Machine.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestRegistry = Machine.TestCase
