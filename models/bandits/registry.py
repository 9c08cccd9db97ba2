"""Policies by name, with their parameters."""

from dataclasses import fields
from typing import Final

from keyart.models.bandits.linucb import LinUCB
from keyart.models.bandits.lola import Lola
from keyart.models.bandits.optimistic import Optimistic
from keyart.models.bandits.parameters import bounds_of
from keyart.models.bandits.protocol import Policy
from keyart.models.bandits.simple import EpsilonGreedy, PriorOnly, Uniform
from keyart.models.bandits.squarecb import SquareCB
from keyart.models.bandits.thompson import Thompson
from keyart.schemas.errors import SettingsError, UnknownName

POLICIES: Final = {
    policy.name: policy
    for policy in (
        Uniform,
        EpsilonGreedy,
        LinUCB,
        Lola,
        SquareCB,
        Thompson,
        PriorOnly,
        Optimistic,
    )
}
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
    known = kind.__dataclass_fields__
    for parameter in parameters:
        if parameter not in known:
            raise SettingsError(
                f"{name} has no parameter {parameter!r}; it has {', '.join(known) or 'none'}"
            )
    built: Policy = kind(**parameters)  # type: ignore[arg-type]
    return built


def policy_parameters(name: str) -> dict[str, tuple[float | str, str]]:
    """Return each parameter of a policy: its default, and in words what it may be."""
    built = build_policy(name)
    return {
        each.name: (getattr(built, each.name), bounds_of(each)) for each in fields(POLICIES[name])
    }
