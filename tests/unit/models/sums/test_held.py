"""Which rewards serving held back: the same as the sums say, whatever came."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyart.models.sums.adding import add_to_title
from keyart.models.sums.bursts import held_in
from keyart.models.sums.held import Seen, held_of
from keyart.schemas.decisions import Versions
from keyart.schemas.posterior import Cell, TitleSums
from keyart.schemas.rewards import Reward

HOUR, DAY = 3_600_000, 86_400_000
START = 1_700_000_000_000
RATES = {"a0": 0.10, "a1": 0.05, "a2": 0.05}


def seen_of(seed: int, waves: list[tuple[int, int, float]], step_ms: int) -> list[Seen]:
    """Honest viewers, a third of them new, and after each wave of them one that is made up."""
    rng = random.Random(seed)
    rows: list[tuple[str, float, bool]] = []
    for honest, made_up, lie in waves:
        for _ in range(honest):
            artwork = rng.choice(list(RATES))
            rows.append((artwork, float(rng.random() < RATES[artwork]), rng.random() < 1 / 3))
        rows += [
            ("a1", 1.0, True) if rng.random() < lie else ("a0", 0.0, True) for _ in range(made_up)
        ]
    times = [START + at * step_ms + rng.randrange(50) for at in range(len(rows))]
    return [
        Seen(at, artwork, value, 1.0 + 0.5 * rng.random(), new, time, time + 10)
        for at, ((artwork, value, new), time) in enumerate(zip(rows, times, strict=True))
    ]


def served(rows: list[Seen], half_life_ms: float) -> TitleSums:
    made = [
        Reward(
            id=f"{row.number:024x}",
            viewer="0" * 32,
            title="t",
            artwork=row.artwork,
            surface="home" if row.number % 2 else "search",
            value=row.value,
            shown_at_ms=row.shown_at_ms,
            closed_at_ms=row.logged_at_ms,
            candidates=tuple(RATES),
            propensities=(0.4, 0.3, 0.3),
            explored=False,
            policy="p",
            versions=Versions(policy="p", prior="", posterior="", space="s"),
            multiplier=row.multiplier,
            fresh=row.fresh,
        )
        for row in rows
    ]
    sums = TitleSums(title="t")
    for at in range(0, len(made), 50):
        batch = made[at : at + 50]
        sums = add_to_title(sums, batch, half_life_ms=half_life_ms, bucket_ms=HOUR)
    return sums


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**30),
    waves=st.lists(
        st.tuples(st.integers(50, 300), st.integers(0, 150), st.floats(0.0, 1.0)),
        min_size=1,
        max_size=3,
    ),
    step_ms=st.sampled_from([40, 20_000]),
    days=st.sampled_from([0.5, 60.0]),
)
def test_what_is_named_is_what_the_sums_hold_and_lack(
    seed: int, waves: list[tuple[int, int, float]], step_ms: int, days: float
) -> None:
    rows = seen_of(seed, waves, step_ms)
    sums = served(rows, days * DAY)
    found = held_of(rows, half_life_ms=days * DAY)
    assert len(set(found)) == len(found)
    fresh = sums.fresh
    assert fresh is not None
    assert held_in(sums) <= len(found) <= held_in(sums) + fresh.open.rewards
    held = [rows[at] for at in found]
    assert all(row.fresh for row in held)
    gone = {artwork: sum(row.artwork == artwork for row in held) for artwork in RATES}
    kept = {artwork: of(sums, artwork).count for artwork in RATES}
    shown = {artwork: sum(row.artwork == artwork for row in rows) for artwork in RATES}
    assert kept == {artwork: shown[artwork] - gone[artwork] for artwork in RATES}


def of(sums: TitleSums, artwork: str) -> Cell:
    cells = sums.artworks.get(artwork, {}).values()
    return Cell(sum(cell.count for cell in cells))


def test_a_flood_is_named_and_honest_viewers_are_not() -> None:
    rows = seen_of(3, [(1500, 300, 0.5)], 1000)
    found = held_of(rows, half_life_ms=60 * DAY)
    assert len(found) > 250
    assert sum(at < 1500 for at in found) <= 60, "windows before the flood that it was judged with"
    assert held_of(rows[:1500], half_life_ms=60 * DAY) == []


@pytest.mark.parametrize("ahead_ms", [0, 400 * DAY])
def test_a_clock_that_was_ahead_for_a_while_hides_no_flood(ahead_ms: int) -> None:
    rows = seen_of(3, [(1500, 300, 0.5)], 1000)
    rows[200] = rows[200]._replace(shown_at_ms=rows[200].shown_at_ms + ahead_ms)
    assert len(held_of(rows, half_life_ms=60 * DAY)) > 250
