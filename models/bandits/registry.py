"""Policies by name, with their parameters.

A policy is a class of this package that is a `Bandit` with a name, or one that another package
names under the entry point group `keyart.policies`. Nothing else lists them: what is here is
served, evaluated, told by `keyart settings`, explained and held by the contract suite.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import fields
from importlib.metadata import entry_points
from inspect import isclass
from typing import Final, TypeGuard

from keyart.models import bandits
from keyart.models.bandits.bandit import Bandit
from keyart.models.bandits.optimistic import Optimistic
from keyart.models.bandits.parameters import bounds_of
from keyart.models.bandits.protocol import Policy
from keyart.schemas.errors import SettingsError, UnknownName

GROUP: Final = "keyart.policies"
"""Entry points of this group are policies; a name of the package's own cannot be taken."""


def discover() -> dict[str, type[Bandit]]:
    """Return the policies of this package and of those that are installed beside it, by name.

    Raises
    ------
    SettingsError
        Two policies have one name, or an entry point names no policy.
    """
    found: dict[str, type[Bandit]] = {}
    for kind in (*_own(), *_installed()):
        if kind.name in found and found[kind.name] is not kind:
            raise SettingsError(f"two policies are called {kind.name!r}")
        found[kind.name] = kind
    return found


def _own() -> Iterator[type[Bandit]]:
    for module in sorted(each.name for each in pkgutil.iter_modules(bandits.__path__)):
        if module == "registry":
            continue
        loaded = importlib.import_module(f"{bandits.__name__}.{module}")
        for kind in vars(loaded).values():
            if _is_policy(kind) and kind.__module__ == loaded.__name__:
                yield kind


def _installed() -> Iterator[type[Bandit]]:
    for each in entry_points(group=GROUP):
        kind = each.load()
        if not _is_policy(kind):
            raise SettingsError(f"{each.value} (entry point {each.name} of {GROUP}) is no policy")
        yield kind


def _is_policy(kind: object) -> TypeGuard[type[Bandit]]:
    return isclass(kind) and issubclass(kind, Bandit) and hasattr(kind, "name")


POLICIES: Final = discover()
DEFAULT_POLICY: Final = Optimistic.name


def build_policy(name: str = DEFAULT_POLICY, **parameters: float | str) -> Policy:
    """Return the policy of that name.

    Parameters
    ----------
    name
        One of `POLICIES`.
    **parameters
        Fields of that policy's class.

    Raises
    ------
    UnknownName
        No policy is called that.
    SettingsError
        A parameter does not exist or is out of its range.
    """
    if name not in POLICIES:
        raise UnknownName(f"no policy is called {name!r}; there are {', '.join(sorted(POLICIES))}")
    kind = POLICIES[name]
    known = [each.name for each in fields(kind)]
    for parameter in parameters:
        if parameter not in known:
            raise SettingsError(
                f"{name} has no parameter {parameter!r}; it has {', '.join(known) or 'none'}"
            )
    built: Policy = kind(**parameters)
    return built


def policy_parameters(name: str) -> dict[str, tuple[float | str, str]]:
    """Return each parameter of a policy: its default, and in words what it may be."""
    built = build_policy(name)
    return {
        each.name: (getattr(built, each.name), bounds_of(each)) for each in fields(POLICIES[name])
    }
