"""The names of what is stored: a running site's keys are found again after an upgrade."""

from keyart.streams import families
from keyart.streams.ports import TITLES, VIEWERS, Lane
from keyart.streams.valkey.keys import Keys


def test_stored_names_never_change() -> None:
    assert families.OF_VIEWERS == ("taste", "assigned", "explored")
    assert {"taste", "assigned", "explored", "title"} == families.BY_KEY
    assert {"title"} == families.ANNOUNCED
    assert set(families.HASHES) == {"join", "visits", "pages", "windows", "meta", "timeline"}
    assert not families.BY_KEY & set(families.HASHES)
    assert families.JOIN_META == ("meta", "join")
    assert families.ERASED == ("meta", "erased")
    assert families.SHARED == ("meta", "shared")
    assert families.TITLES_META == ("meta", "titles")


def test_keys_of_a_lane_share_a_slot_and_keep_their_shape() -> None:
    keys = Keys("site.")
    assert keys.item(Lane(VIEWERS, 3), families.TASTE, "ada") == "site.{v3}taste:ada"
    assert keys.lane(Lane(TITLES, 0), families.META) == "site.{t0}meta"
