"""What versions were worth on one log, in words that say no more than the figures do."""

import pytest

from keyart.schemas.registry import WorthOnLog
from keyart.services.jobs.priors.worth_words import worth_words

NOW = WorthOnLog(version="v2", role="itself", strength=420.0, gain=35.2, scale=0.97)
NEUTRAL = WorthOnLog(version="neutral", role="untrained")


def parent(gain: float, *, scale: float = 0.6, missing: str = "") -> WorthOnLog:
    return WorthOnLog(
        version="v1", role="parent", strength=300.0, gain=gain, scale=scale, missing=missing
    )


def test_each_has_a_line_and_so_has_each_change() -> None:
    assert worth_words([NOW, parent(20.0), NEUTRAL]) == [
        "it: worth 420 impressions, +35.2 nats over no opinion; said about as it came (scale 0.97)",
        "its parent (v1): worth 300 impressions, +20.0 nats over no opinion; said too loudly "
        "(scale 0.60)",
        "untrained (neutral): no opinion, worth nothing",
        "what it learned makes what happened likelier than its parent (v1) did, by 15.2 nats; "
        "worth 420 impressions against 300",
        "what it learned makes what happened likelier than untrained (neutral) did, by 35.2 nats; "
        "worth 420 impressions against 0",
    ]


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        (33.0, "made no difference that can be told"),
        (37.0, "made no difference that can be told"),
        (60.0, "makes what happened less likely"),
    ],
)
def test_a_difference_is_named_only_where_it_is_one(gain: float, words: str) -> None:
    assert words in worth_words([NOW, parent(gain)])[-1]


def test_what_is_missing_says_why_and_is_compared_with_nothing() -> None:
    said = worth_words([NOW, parent(0.0, missing="there is no version 'v1'")])
    assert said[1:] == ["its parent (v1): cannot be told: there is no version 'v1'"]


@pytest.mark.parametrize(
    ("scale", "words"), [(0.0, "do not help"), (1.3, "too softly"), (1.2, "about as it came")]
)
def test_how_loudly_it_was_said_is_told(scale: float, words: str) -> None:
    assert words in worth_words([NOW, parent(9.0, scale=scale)])[1]


def test_a_version_of_before_has_nothing_to_say() -> None:
    assert worth_words([]) == []
