"""What the page says of pictures that stay, and of places on the page."""

import numpy as np
import pytest

from keyart.models.belief.positions import BANDS, Positions, learn
from keyart.models.decide.keeping import Cost
from keyart.schemas.posterior import BAND_STARTS
from keyart.services.page.keeping import keeping_of
from keyart.services.page.positions import MOST_SURFACES, positions_of


def test_a_cost_is_told_in_takes_of_a_thousand_pictures() -> None:
    unknown = float("nan")
    held = {
        "swaps": Cost(7, 0.4, 0.3, unknown, unknown, unknown),
        "dwell": Cost(2000, 100.0, 95.0, 0.05, 0.03, 0.07),
    }
    dwell, swaps = keeping_of(held)
    assert (dwell.reason, dwell.pictures, dwell.one_in) == ("dwell", 2000, 32)
    assert (dwell.cost, dwell.low, dwell.high) == (0.05, 0.03, 0.07)
    assert dwell.takes_per_1000 == pytest.approx(2.5)
    assert swaps.reason == "swaps"
    assert swaps.cost is swaps.low is swaps.high is swaps.takes_per_1000 is None
    assert keeping_of({}) == ()


def shown(*bands: int, times: float = 1000.0) -> Positions:
    expected = np.zeros((20, BANDS))
    expected[:, list(bands)] = times
    return learn(0.1 * expected, expected)


def test_places_that_were_shown_are_told_the_most_shown_surface_first() -> None:
    held = {"home": shown(0, 2, 7), "search": shown(0, 1, times=9000.0), "poster": shown(0)}
    search, home = positions_of(held, "")
    assert (search.surface, home.surface) == ("search", "home")
    assert [(each.first, each.last) for each in home.places] == [(1, 1), (3, 4), (41, 0)]
    for each in home.places:
        assert each.low < each.factor < each.high and each.impressions == pytest.approx(20_000)
        assert each.factor == pytest.approx(1.0, abs=0.05)
    assert [each.surface for each in positions_of(held, "home")] == ["home"]
    assert positions_of(held, "elsewhere") == ()
    many = {f"s{at}": shown(0, 1) for at in range(MOST_SURFACES + 3)}
    assert len(positions_of(many, "")) == MOST_SURFACES
    assert len(BAND_STARTS) == BANDS
