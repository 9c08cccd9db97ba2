"""Which policy serves which viewer."""

import hashlib
from typing import NamedTuple

from keyart.models.bandits.registry import build_policy
from keyart.models.decide.engine import Decider
from keyart.schemas.errors import SettingsError
from keyart.services.settings import Settings


class Arm(NamedTuple):
    """A policy and the share of viewers whom it serves, 0 to 1."""

    share: float
    name: str
    decider: Decider


class Experiment:
    """The default policy and those beside it; a viewer stays with one while the shares stay.

    Raises
    ------
    SettingsError
        A share or a parameter is no number, or the shares are above 1 together.
    UnknownName
        There is no policy of that name.
    """

    def __init__(self, settings: Settings) -> None:
        options = pairs(settings.policy_options, "policy_options")
        shares = pairs(settings.experiment, "experiment")
        rest = 1.0 - sum(shares.values())
        if rest < -1e-9 or not all(0.0 <= share <= 1.0 for share in shares.values()):
            raise SettingsError("experiment: shares must be from 0 to 1, and at most 1 together")
        self.arms = [Arm(rest, settings.policy, _decider(settings, settings.policy, options))]
        self.arms += [Arm(share, name, _decider(settings, name)) for name, share in shares.items()]

    def arm(self, viewer: str) -> Arm:
        """Return the viewer's arm, by a hash of the pseudonym that no other choice uses."""
        if len(self.arms) == 1:
            return self.arms[0]
        digest = hashlib.blake2b(viewer.encode(), digest_size=8, person=b"experiment").digest()
        place = int.from_bytes(digest) / 2.0**64
        for arm in self.arms:
            place -= arm.share
            if place < 0.0:
                return arm
        return self.arms[0]


def _decider(settings: Settings, name: str, parameters: dict[str, float] | None = None) -> Decider:
    return Decider(
        policy=build_policy(name, **(parameters or {})),
        explore_share=settings.explore_share,
        dwell_ms=settings.dwell_s * 1000,
    )


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
