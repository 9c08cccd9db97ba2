"""How much an event says about a viewer's taste, on the scale on which `update` moves it.

A finish or a like is the unit: the strongest thing a viewer can say for a title, as a hide is the
strongest against it. A play below `QUALITY_MINUTES` (what rewards call no take) is hardly more than
a touch; from there on it says more with every minute until `LONG_PLAY_MINUTES`, an episode, when it
says as much as a finish. A click without a play stands between the two. The numbers are design, not
fitted: what they are worth relative to the prior is learned (`decide/weights.py`), so they only
order events and set how many of one kind weigh up one of another.
"""

from typing import Final

from keyart.schemas.events import Click, Engagement, Finish, Hide, Like, Play

QUALITY_MINUTES: Final = 2.0
LONG_PLAY_MINUTES: Final = 30.0
SHORT_PLAY: Final = 0.1
CLICK: Final = 0.3
QUALITY_PLAY: Final = 0.4
"""Of a play of just `QUALITY_MINUTES`, less what its minutes add."""
MOST: Final = 1.0


def strength_of(event: Engagement) -> float:
    """Return how much an engagement says about taste, -1 to 1."""
    match event:
        case Play(minutes=minutes) if minutes < QUALITY_MINUTES:
            return SHORT_PLAY
        case Play(minutes=minutes):
            return QUALITY_PLAY + (MOST - QUALITY_PLAY) * min(1.0, minutes / LONG_PLAY_MINUTES)
        case Click():
            return CLICK
        case Finish() | Like():
            return MOST
        case Hide():
            return -MOST
