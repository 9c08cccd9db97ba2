from hypothesis import given
from hypothesis import strategies as st

from keyart.streams.idle import DAY_MS, MOST_AT_ONCE_MS, looked_upto

TIMES = st.integers(1, 4_000_000_000_000)


def test_the_first_look_ends_nothing() -> None:
    assert looked_upto(0, 77) == 77


@given(before_ms=TIMES, now_ms=TIMES)
def test_no_look_is_ahead_of_the_clock_nor_far_ahead_of_the_last(
    before_ms: int, now_ms: int
) -> None:
    upto_ms = looked_upto(before_ms, now_ms)
    assert upto_ms <= max(now_ms, before_ms)
    assert upto_ms - before_ms <= MOST_AT_ONCE_MS
    assert upto_ms in (before_ms, now_ms, before_ms + MOST_AT_ONCE_MS)
    assert (upto_ms == before_ms) == (0 <= now_ms - before_ms < DAY_MS)


@given(off_days=st.integers(2, 400))
def test_a_site_that_was_off_for_long_catches_up(off_days: int) -> None:
    now_ms = 10**12 + off_days * DAY_MS
    upto_ms = 10**12
    for _ in range(off_days // 2 + 1):
        upto_ms = looked_upto(upto_ms, now_ms)
    assert now_ms - upto_ms < DAY_MS
