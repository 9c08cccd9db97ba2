"""Why an impression, an engagement or a decision did not teach: counter -> plain words.

Whoever shows or alarms on what was lost reads it here: the join counts under these names alone,
and a test holds that it counts under no other.
"""

from typing import Final, Literal, NamedTuple

Of = Literal["impressions", "plays", "decisions"]
"""What a counter counts; `plays` are engagements of every kind: clicks, plays, finishes, likes."""


class Reason(NamedTuple):
    """Why something did not teach.

    `sentence` goes on after "..., because "; `lost` is False for what is as it should be (a repeat,
    a decision that nobody saw): nobody needs to be alarmed by it.
    """

    of: Of
    sentence: str
    lost: bool = True


REASONS: Final[dict[str, Reason]] = {
    "repeat_impressions": Reason(
        "impressions", "the picture had been seen before in this decision", lost=False
    ),
    "foreign_impressions": Reason(
        "impressions", "they name a decision made for another viewer or another title"
    ),
    "other_artwork_impressions": Reason(
        "impressions", "they name another artwork than the decision they belong to"
    ),
    "orphaned_impressions": Reason(
        "impressions", "no decision that they could belong to came in time"
    ),
    "crowded_impressions": Reason(
        "impressions", "too many events, of the viewer or of all, waited for their decisions"
    ),
    "erased_impressions": Reason(
        "impressions", "the viewer was erased before their decision came", lost=False
    ),
    "repeat_plays": Reason("plays", "the same event was sent before", lost=False),
    "foreign_plays": Reason(
        "plays", "they name a decision made for another viewer or another title"
    ),
    "other_artwork_plays": Reason(
        "plays", "they name another artwork than the decision they belong to"
    ),
    "orphaned_plays": Reason("plays", "no decision that they could belong to came in time"),
    "unasked_plays": Reason(
        "plays", "they name no decision, and none stood for their title: nobody asked", lost=False
    ),
    "crowded_plays": Reason(
        "plays", "too many events, of the viewer, of one decision or of all, were waiting"
    ),
    "erased_plays": Reason("plays", "the viewer was erased before their decision came", lost=False),
    "unseen_plays": Reason("plays", "their picture was never reported as seen"),
    "late_plays": Reason("plays", "they came after the decision's window had closed"),
    "outside_window_plays": Reason(
        "plays", "they happened outside the decision's window", lost=False
    ),
    "repeat_decisions": Reason("decisions", "they had been logged before", lost=False),
    "unseen": Reason("decisions", "nobody saw the picture", lost=False),
    "erased": Reason("decisions", "the viewer was erased", lost=False),
    "limited": Reason("decisions", "the viewer had taught the most that one may in an hour"),
    "beyond_bound": Reason(
        "decisions", "the viewer has more open decisions than are remembered of one"
    ),
    "clock_doubt": Reason(
        "decisions",
        "the clocks of the viewer's devices leave open whether a play was within the window",
    ),
    "reward_failed": Reason(
        "decisions", "the site's own definition of reward failed; the log of the steps says how"
    ),
    "held_back": Reason(
        "decisions",
        "so many new viewers said of one title what cannot be luck that it was held back",
    ),
    "rewarded_already": Reason("decisions", "their reward is in the log already", lost=False),
}
"""By counter, in the order in which they are told."""

WAITED: Final = ("early_impressions", "early_plays")
"""Counted as well, and nothing lost: events that came before their decision, and wait for it."""

TAUGHT: Final = "rewards"
"""Counted for each decision that became a reward."""


def counter(what: str, *, impression: bool) -> str:
    """Return the counter of an event that did not teach, e.g. `late_plays` for ("late", False)."""
    return f"{what}_impressions" if impression else f"{what}_plays"


def losses(counts: dict[str, int], of: Of) -> list[tuple[int, str]]:
    """Return (how many, why) of what was lost of one kind, the most first.

    >>> losses({"late_plays": 3, "repeat_plays": 9}, "plays")
    [(3, "they came after the decision's window had closed")]
    """
    found = [
        (counts.get(name, 0), reason.sentence)
        for name, reason in REASONS.items()
        if reason.of == of and reason.lost
    ]
    return sorted((each for each in found if each[0]), key=lambda each: -each[0])
