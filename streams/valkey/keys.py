"""Names of keys in Valkey or Redis. The braces put all keys of one lane into one hash slot."""

from dataclasses import dataclass

from keyart.streams.ports import Lane


@dataclass(frozen=True, slots=True)
class Keys:
    """Key names under one prefix."""

    prefix: str

    def lane(self, lane: Lane, name: str) -> str:
        """Return the key of one of the lane's records, e.g. `offsets` or a whole family."""
        return f"{self.prefix}{{{lane.kind[0]}{lane.partition}}}{name}"

    def item(self, lane: Lane, family: str, key: str) -> str:
        """Return the key of one item of a family that is read by key (`taste`, `title`)."""
        return f"{self.prefix}{{{lane.kind[0]}{lane.partition}}}{family}:{key}"

    def stream(self, topic: str, partition: int) -> str:
        """Return the stream of one partition of a topic."""
        return f"{self.prefix}{topic}:{partition}"

    def shared(self, name: str) -> str:
        """Return a key that belongs to no lane, e.g. the catalogue."""
        return f"{self.prefix}{name}"
