"""How long pictures are kept by surface: what is read of it, what is refused, who goes by it."""

import pytest
from hypothesis import given
from hypothesis import settings as tried
from hypothesis import strategies as st
from msgspec import structs

from keyart.schemas.decisions import DWELL_S
from keyart.schemas.errors import SettingsError
from keyart.services.jobs.eras import making
from keyart.services.wiring.dwell import LONGEST_S, dwell_by_surface, longest_dwell_ms
from keyart.services.wiring.experiment import experiment_of
from keyart.services.wiring.lanes import join_rules
from keyart.services.wiring.settings import Settings
from keyart.streams.ports import VIEWERS
from tests.unit.streams.join_bench import HOUR, MINUTE, Bench, page, seen

names = st.from_regex(r"[a-z][a-z0-9 =/]{0,8}[a-z0-9]", fullmatch=True)


@tried(deadline=None)
@given(
    st.dictionaries(names, st.integers(1, LONGEST_S), max_size=8),
    st.integers(1, LONGEST_S),
    st.sampled_from(("", " ")),
)
def test_what_is_written_is_read(by: dict[str, int], rest: int, space: str) -> None:
    text = f",{space}".join(f"{name}{space}={space}{seconds}" for name, seconds in by.items())
    settings = Settings(dwell_s=rest, dwell_by_surface=text)
    found = dwell_by_surface(settings)
    assert found == {name: seconds * 1000 for name, seconds in by.items()}
    assert longest_dwell_ms(settings) == 1000 * max([rest, *by.values()])
    decider = experiment_of(settings).arm("0" * 32)[2]
    for name in ("never named", *by):
        assert decider.dwell_of(name) == 1000 * by.get(name, rest)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("home", "'home' is not surface=seconds"),
        ("=5", "'=5' is not surface=seconds"),
        ("home=", "'home=' is not surface=seconds"),
        ("home=-5", "'home=-5' is not surface=seconds"),
        ("home=1.5", "'home=1.5' is not surface=seconds"),
        ("home=0", "from 1 to 2592000 seconds"),
        ("home=2592001", "from 1 to 2592000 seconds"),
        (f"home={'9' * 5000}", "from 1 to 2592000 seconds"),
        ("home=5,home=6", "'home' stands twice"),
        (",".join(f"s{at}=5" for at in range(65)), "names 65 surfaces, at most 64"),
    ],
)
def test_what_is_wrong_is_one_line(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        dwell_by_surface(Settings(dwell_by_surface=text))
    assert "KEYART_DWELL_BY_SURFACE" in str(caught.value) and said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_none_is_the_one_time_for_all() -> None:
    assert dwell_by_surface(Settings()) == {}
    assert longest_dwell_ms(Settings()) == DWELL_S * 1000


def test_the_log_is_read_again_with_what_it_was_read_with() -> None:
    text = "home=86400,search=600"
    assert making(Settings(dwell_by_surface=text), VIEWERS)["dwell_by_surface"] == text


@pytest.mark.parametrize("surface", ["home", "search"])
def test_the_join_waits_as_long_as_any_surface_keeps_a_picture(surface: str) -> None:
    """Whatever the surface: what is on screen when its time is over may be seen a little later."""
    rules = join_rules(Settings(dwell_by_surface="home=86400,search=600"))
    for after, rewards in ((5 * MINUTE, 1), (23 * HOUR, 1), (25 * HOUR, 0)):
        bench = Bench(rules).give(structs.replace(page(), surface=surface))
        bench.give(seen(after, surface=surface), received=after).end()
        assert len(bench.rewards) == rewards, (after, bench.counts)
