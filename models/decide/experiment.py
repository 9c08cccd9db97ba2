"""Which policy serves which viewer."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from keyart.models.decide.engine import Decider
from keyart.models.statistics.splits import split_text
from keyart.schemas.errors import SettingsError


class Arm(NamedTuple):
    """A policy and the share of viewers whom it serves, 0 to 1."""

    share: float
    name: str
    decider: Decider


class Experiment:
    """The default policy and those beside it; a viewer stays with one while the shares stay.

    `split` is what is logged with every decision, so that shares are known for the time they were
    in force; the default policy comes first, the holdback last.

    Parameters
    ----------
    arms
        The default policy first; shares sum to 1.
    explore_share
        The share of uniform exploration in every arm, 0 to 1.
    holdback
        Viewers who are shown default artworks, drawn by a hash of their own before the arms share
        out the rest; None for nobody.

    Raises
    ------
    SettingsError
        There is no arm, one stands twice, or shares are not from 0 to 1 and 1 together.
    """

    def __init__(
        self, arms: Sequence[Arm], *, explore_share: float, holdback: Arm | None = None
    ) -> None:
        shares = [arm.share for arm in arms]
        if not arms or abs(sum(shares) - 1.0) > 1e-6 or not all(-1e-9 <= s <= 1.0 for s in shares):
            raise SettingsError("an experiment's shares must be from 0 to 1, and 1 together")
        held_back = [] if holdback is None else [holdback]
        if len({arm.name for arm in (*arms, *held_back)}) != len(arms) + len(held_back):
            raise SettingsError("an experiment has one arm for each policy")
        self.arms = list(arms)
        self._holdback = holdback
        rest = 1.0 - sum(arm.share for arm in held_back)
        logged = {arm.name: max(0.0, arm.share) * rest for arm in arms}
        logged |= {arm.name: arm.share for arm in held_back}
        self.split = split_text(explore_share, logged)

    def arm(self, viewer: str) -> Arm:
        """Return the viewer's arm, by hashes of the pseudonym that no other choice uses."""
        held_back = self._holdback
        if held_back is not None and viewer_share(viewer, b"holdback") < held_back.share:
            return held_back
        if len(self.arms) == 1:
            return self.arms[0]
        place = viewer_share(viewer, b"experiment")
        for arm in self.arms:
            place -= arm.share
            if place < 0.0:
                return arm
        return self.arms[0]


def viewer_share(viewer: str, person: bytes) -> float:
    """Return a number in 0 to 1 for a viewer, evenly spread, another for each purpose.

    Parameters
    ----------
    person
        The purpose, up to 16 bytes. A share that grows only adds viewers.
    """
    digest = hashlib.blake2b(viewer.encode(), digest_size=8, person=person).digest()
    return int.from_bytes(digest) / 2.0**64
