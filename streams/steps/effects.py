"""What a step returns: the changes it wants made, and the records it produces. It makes none."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from keyart.streams.ports import Output

Held = Mapping[tuple[str, str], bytes | None]
"""State as read before a step: (family, key) -> bytes, None where there is nothing."""

Wanted = set[tuple[str, str]]
"""The state a step has to see for a batch: (family, key)."""


@dataclass(slots=True)
class Effects:
    """A batch's effects. puts: (family, key) -> bytes, None to delete. counts: what was counted."""

    puts: dict[tuple[str, str], bytes | None] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Effects") -> None:
        """Take in the effects of another step of the same batch."""
        self.puts.update(other.puts)
        self.outputs += other.outputs
        self.counts.update(other.counts)
