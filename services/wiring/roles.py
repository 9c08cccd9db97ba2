"""What a process is for, and so which settings it uses."""

from enum import StrEnum


class Role(StrEnum):
    """What a process is for, and so which settings it uses."""

    SERVE = "serve"
    API = "api"
    STEPS = "steps"
    WORKER = "worker"
    HOUSEKEEPING = "housekeeping"

    @property
    def answers(self) -> bool:
        """Whether it, or a process of its own, answers requests."""
        return self in (Role.SERVE, Role.API)
