"""How much of a title's rewards is of the world of now."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyart.models.sums.adding import add_to_title
from keyart.models.sums.days import DAY_MS, DAYS_KEPT, count_day, share_since
from keyart.schemas.posterior import TitleSums
from tests.unit.streams.lane_world import reward

times = st.integers(0, 60 * DAY_MS)


def counted(shown_at_ms: list[int]) -> dict[int, int]:
    days: dict[int, int] = {}
    for at_ms in shown_at_ms:
        count_day(days, at_ms)
    return days


@given(st.lists(times, min_size=1, max_size=80), st.randoms(use_true_random=False))
def test_the_newest_days_are_kept_whatever_the_order(shown: list[int], random: object) -> None:
    days = counted(shown)
    shuffled = list(shown)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert counted(shuffled) == days
    newest = sorted({at_ms // DAY_MS for at_ms in shown})[-DAYS_KEPT:]
    assert days == {day: sum(at_ms // DAY_MS == day for at_ms in shown) for day in newest}


@given(st.lists(times, min_size=1, max_size=80), times)
def test_a_share_is_of_whole_days_after(shown: list[int], since_ms: int) -> None:
    days = counted(shown)
    share = share_since(days, since_ms)
    assert 0.0 <= share <= 1.0
    if since_ms > max(shown) + DAY_MS:
        assert share == 0.0
    if since_ms + DAY_MS <= min(days) * DAY_MS:
        assert share == 1.0


def test_a_day_counts_if_most_of_it_lies_after() -> None:
    days = {3: 10, 4: 30}
    assert share_since(days, 3 * DAY_MS + DAY_MS // 3) == 1.0
    assert share_since(days, 3 * DAY_MS + 2 * DAY_MS // 3) == 0.75
    assert share_since(days, 5 * DAY_MS) == 0.0


@pytest.mark.parametrize(("days", "since_ms"), [({}, 5 * DAY_MS), ({3: 1}, 0)])
def test_what_is_not_known_or_not_asked_counts_in_full(days: dict[int, int], since_ms: int) -> None:
    assert share_since(days, since_ms) == 1.0


def test_a_change_longer_ago_than_is_remembered_is_no_change_any_more() -> None:
    days = dict.fromkeys(range(10, 10 + DAYS_KEPT), 1)
    assert share_since(days, 10 * DAY_MS) == 1.0
    assert share_since(days, 11 * DAY_MS) == 1.0 - 1.0 / DAYS_KEPT


def test_every_reward_of_a_title_is_counted_on_its_day() -> None:
    before = TitleSums(title="t")
    rewards = [reward(at, shown_at_ms=day * DAY_MS + 5) for at, day in enumerate((2, 2, 3))]
    sums = add_to_title(before, rewards, half_life_ms=1e12, bucket_ms=60_000)
    assert sums.days == {2: 2, 3: 1} and before.days == {}
