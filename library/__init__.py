"""keyart as a library: a policy that chooses for a context of any kind, and learns.

What stands in `__all__` is stable. Nothing is loaded until it is asked for, so that a site's client
(`keyart.client`) and the commands pay nothing for it. See docs/library.md.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keyart.models.context.policy import Choice, ContextPolicy
    from keyart.schemas.errors import KeyartError

__all__ = ["Choice", "ContextPolicy", "KeyartError"]

_HOME = {
    "Choice": "keyart.models.context.policy",
    "ContextPolicy": "keyart.models.context.policy",
    "KeyartError": "keyart.schemas.errors",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'keyart' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_HOME[name]), name)
    return found


def __dir__() -> list[str]:
    return [*globals(), *__all__]
