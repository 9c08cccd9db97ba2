"""What a site is rewarded by: the definition that teaches, those watched, those it declares."""

from typing import Final

from keyart.models.sums.declared import MOST_DEFINITIONS, read_declared
from keyart.models.sums.reward_plugins import load_plugin, plugin_identity
from keyart.models.sums.rewards import RewardRules, is_plugin, reward_names
from keyart.schemas.errors import SettingsError
from keyart.services.wiring.settings import Settings

DECLARED: Final = "KEYART_REWARDS"
WATCHED: Final = "KEYART_GUARDRAILS"


def reward_rules(settings: Settings) -> RewardRules:
    """Return how what was seen is valued.

    Raises
    ------
    SettingsError
        A definition is not known or says what cannot be, there are too many, or the one that is to
        teach only takes away.
    """
    declared = read_declared(settings.rewards, window_s=settings.reward_window_s, name=DECLARED)
    if taken := sorted(declared.keys() & set(reward_names())):
        raise SettingsError(f"{DECLARED}: {taken[0]!r} is the name of another reward already")
    watched = tuple(filter(None, (each.strip() for each in settings.guardrails.split(","))))
    if 1 + len(watched) > MOST_DEFINITIONS:
        raise SettingsError(
            f"{WATCHED} names {len(watched)} rewards, at most {MOST_DEFINITIONS - 1}: with the one "
            f"that teaches {MOST_DEFINITIONS}"
        )
    for at, name in enumerate(watched):
        if name in watched[:at]:
            raise SettingsError(f"{WATCHED}: {name!r} stands twice")
        if name == settings.reward:
            raise SettingsError(f"{WATCHED}: {name!r} is the reward that teaches")
    known = (*reward_names(), *declared)
    for name, setting in (
        (settings.reward, "KEYART_REWARD"),
        *((each, WATCHED) for each in watched),
    ):
        if name not in known:
            raise SettingsError(f"{setting} is {name!r}, and must be one of {', '.join(known)}")
        if is_plugin(name):
            load_plugin(name)
    if settings.reward in declared and not declared[settings.reward].gives:
        raise SettingsError(
            f"KEYART_REWARD is {settings.reward!r}, which only takes away and can teach nothing: "
            f"name it in {WATCHED}"
        )
    return RewardRules(
        definition=settings.reward,
        window_ms=round(settings.reward_window_s * 1000),
        minutes=settings.reward_minutes,
        watched=watched,
        declared={
            name: each for name, each in declared.items() if name in (settings.reward, *watched)
        },
    )


def plugins_of(settings: Settings) -> str:
    """Return which code of other packages values what was seen; "" where none does.

    Raises
    ------
    SettingsError
        As `reward_rules`.
    """
    rules = reward_rules(settings)
    names = (rules.definition, *rules.watched)
    return "; ".join(
        f"{name}: {plugin_identity(name)}"
        for name in names
        if name not in rules.declared and is_plugin(name)
    )
