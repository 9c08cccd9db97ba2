"""The experiment that the settings ask for."""

from typing import Final

from keyart.models.bandits.holdback import Holdback
from keyart.models.bandits.registry import build_policy
from keyart.models.decide.engine import Decider
from keyart.models.decide.experiment import Arm, Experiment
from keyart.schemas.errors import SettingsError, UnknownName
from keyart.services.wiring.dwell import dwell_by_surface
from keyart.services.wiring.settings import Settings

JUDGED: Final = ("optimistic", "lola", "thompson", "squarecb", "epsilon_greedy")
"""Policies that can be judged on beliefs alone; uniform, first and popular ones stand beside."""


def experiment_of(settings: Settings) -> Experiment:
    """Return the default policy and those beside it, with the shares of viewers they serve.

    Raises
    ------
    SettingsError
        There is no policy of a name, a share is no number, a parameter is out of its bounds, or
        the shares are above 1 together.
    """
    options = options_of(settings.policy_options)
    shares = pairs(settings.experiment, "KEYART_EXPERIMENT")
    rest = 1.0 - sum(shares.values())
    if rest < -1e-9 or not all(0.0 <= share <= 1.0 for share in shares.values()):
        raise SettingsError("KEYART_EXPERIMENT: shares must be from 0 to 1, and at most 1 together")
    if settings.policy in shares:
        raise SettingsError(
            f"KEYART_EXPERIMENT: {settings.policy} is KEYART_POLICY, and serves the rest"
        )
    first = _decider(settings, settings.policy, "KEYART_POLICY", options)
    beside = [
        Arm(share, name, _decider(settings, name, "KEYART_EXPERIMENT"))
        for name, share in shares.items()
    ]
    return Experiment(
        [Arm(rest, settings.policy, first), *beside],
        explore_share=settings.explore_share,
        holdback=_holdback(settings),
    )


def others_of(settings: Settings) -> tuple[str, ...]:
    """Return the policies that serve nobody and are judged on the log of those that do."""
    serve = {settings.policy, *pairs(settings.experiment, "KEYART_EXPERIMENT")}
    return tuple(name for name in JUDGED if name not in serve)


def _holdback(settings: Settings) -> Arm | None:
    """Return the arm of viewers who are shown default artworks; nothing is explored in it."""
    if not settings.holdback:
        return None
    decider = Decider(
        policy=Holdback(),
        explore_share=0.0,
        dwell_ms=settings.dwell_s * 1000,
        dwell_by_surface=dwell_by_surface(settings),
    )
    return Arm(settings.holdback, Holdback.name, decider)


def _decider(
    settings: Settings, name: str, setting: str, parameters: dict[str, float | str] | None = None
) -> Decider:
    try:
        policy = build_policy(name, **(parameters or {}))
    except UnknownName as wrong:
        raise SettingsError(f"{setting}: {wrong}") from None
    except SettingsError as wrong:
        raise SettingsError(f"KEYART_POLICY_OPTIONS: {wrong}") from None
    return Decider(
        policy=policy,
        explore_share=settings.explore_share,
        dwell_ms=settings.dwell_s * 1000,
        dwell_by_surface=dwell_by_surface(settings),
    )


def options_of(text: str) -> dict[str, float | str]:
    """Return `c=0.5,marginals=gamma` as a dictionary; what reads as a number is one.

    Raises
    ------
    SettingsError
        A part is not name=value.
    """
    found: dict[str, float | str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = (each.strip() for each in part.partition("="))
        if not (name and equals and value):
            raise SettingsError(f"KEYART_POLICY_OPTIONS: {part!r} is not name=value")
        try:
            found[name] = float(value)
        except ValueError:
            found[name] = value
    return found


def pairs(text: str, setting: str) -> dict[str, float]:
    """Return `a=1,b=0.5` as a dictionary.

    Raises
    ------
    SettingsError
        It does not read like that.
    """
    found: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = part.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            raise SettingsError(f"{setting}: {part!r} is not name=number") from None
    return found
