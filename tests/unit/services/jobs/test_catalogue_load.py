"""Titles sent to an api: what stops a load, how far it says that it came, and how it goes on."""

import pytest

from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.errors import KeyartError, SettingsError
from keyart.services.client import ErrorAnswer
from keyart.services.jobs.catalogue_load import MAX_WAIT_S, TRIES, Stopped, send_all, starting_with

TITLES = [Title(id=name, artworks=(Artwork(id="a"),)) for name in ("s1", "movies/it's 123", "s2")]


class Api:
    """Takes titles, and refuses one for so many times."""

    def __init__(self, refuses: str, times: int, error: KeyartError) -> None:
        self.taken: list[str] = []
        self.waited: list[float] = []
        self._refuses, self._times, self._error = refuses, times, error

    def put(self, title: Title) -> None:
        if title.id == self._refuses and self._times:
            self._times -= 1
            raise self._error
        self.taken.append(title.id)


def answer(status: int, retry_s: float = 0.0) -> ErrorAnswer:
    return ErrorAnswer("PUT /v1/titles/x", status, "said", retry_s)


def test_a_load_that_stops_says_how_far_it_came_and_goes_on() -> None:
    api = Api(TITLES[1].id, 1, answer(400))
    with pytest.raises(Stopped) as stopped:
        send_all(TITLES, api.put, wait=api.waited.append)
    assert api.taken == ["s1"] and not api.waited
    said = str(stopped.value)
    assert 'loaded 1 of 3 titles, stopped at "movies/it\'s 123": ' in said and "400 said" in said
    assert said.endswith("""--start 'movies/it'"'"'s 123'""")
    send_all(starting_with(TITLES, TITLES[1].id), api.put)
    assert api.taken == [each.id for each in TITLES]


@pytest.mark.parametrize("error", [answer(503), answer(409), answer(429), KeyartError("away")])
def test_what_passes_is_waited_for(error: KeyartError) -> None:
    api = Api("s2", TRIES - 1, error)
    send_all(TITLES, api.put, wait=api.waited.append)
    assert api.taken == [each.id for each in TITLES]
    assert api.waited == [1.0, 2.0, 4.0, 8.0, 16.0]


def test_the_api_says_how_long_to_wait_up_to_a_bound() -> None:
    api = Api("s1", 2, answer(429, retry_s=10.0))
    send_all(TITLES, api.put, wait=api.waited.append)
    assert api.waited == [10.0, 20.0]
    api = Api("s1", 1, answer(503, retry_s=86_400.0))
    send_all(TITLES, api.put, wait=api.waited.append)
    assert api.waited == [MAX_WAIT_S]


def test_what_does_not_pass_ends_it() -> None:
    api = Api("s1", TRIES, answer(503))
    with pytest.raises(Stopped, match="loaded 0 of 3 titles, stopped at 's1'"):
        send_all(TITLES, api.put, wait=api.waited.append)
    assert api.taken == [] and len(api.waited) == TRIES - 1


def test_a_start_that_is_not_in_the_file_is_an_error() -> None:
    with pytest.raises(SettingsError, match="no title 'none'"):
        starting_with(TITLES, "none")
    assert starting_with(TITLES, "") is TITLES
