"""Whose pages may ask a service without keys, and how addresses are told apart."""

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from keyart.services.api.addresses import (
    NOWHERE,
    decode_parameters,
    route_by_raw_address,
    spelled,
)
from keyart.services.api.auth import counted_as
from keyart.services.api.origins import Origins


def turned(method: str = "POST", names: tuple[str, ...] = (), **headers: str) -> int:
    scope: Any = {
        "method": method,
        "headers": [(name.encode(), text.encode()) for name, text in headers.items()],
    }
    found = Origins(names).turned_away(scope)
    return found.status if found else 0


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:8650", "localhost", "LOCALHOST:80", "127.8.9.1", "[::1]:8650", "a.localhost:1"],
)
def test_loopbacks_names_are_answered(host: str) -> None:
    assert turned(host=host) == turned("GET", host=host) == 0


@pytest.mark.parametrize(
    "host",
    [
        "evil.test:8650",
        "127.0.0.1.evil.test",
        "localhost.evil.test",
        "192.0.2.1:8650",
        "[2001:db8::1]:8650",
        "0.0.0.0:8650",
        "evil.test#127.0.0.1",
        "[",
        ":8650",
        "x" * 5000,
    ],
)
def test_any_other_name_is_turned_away_whatever_is_asked(host: str) -> None:
    assert turned("GET", host=host) == turned("POST", host=host) == 421


def test_a_proxys_name_is_answered_when_it_is_set() -> None:
    assert turned(names=("keyart.example.org",), host="keyart.example.org") == 0
    own = "https://keyart.example.org"
    assert turned(names=("keyart.example.org",), host="127.0.0.1:8650", origin=own) == 0


@pytest.mark.parametrize(
    "origin",
    ["http://127.0.0.1:18675", "http://evil.test", "null", "file://", "http://localhost:8650.evil"],
)
def test_another_sites_page_changes_nothing(origin: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert turned(method, host="127.0.0.1:8650", origin=origin) == 403
    assert turned("GET", host="127.0.0.1:8650", origin=origin) == 0


def test_its_own_page_and_programs_may() -> None:
    assert turned(host="127.0.0.1:8650", origin="http://127.0.0.1:8650") == 0
    assert turned(host="localhost:8650", origin="http://localhost:8650") == 0
    assert turned() == 0


NO_SURROGATES = st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=256
) | st.sampled_from(["/", ".", "..", "//", "%", "%2F", "+", " ", "a/", "/a", "é", "e\u0301", "\n"])


@given(name=NO_SURROGATES)
def test_an_id_comes_out_of_its_address_as_it_went_in(name: str) -> None:
    sent = quote(name, safe="")
    scope: Any = {"raw_path": f"/v1/viewers/{sent}?x=/".encode(), "path": "decoded"}
    route_by_raw_address(scope)
    first, second, third = scope["path"].split("/")[1:]
    assert (first, second) == ("v1", "viewers")
    held = {"viewer": third}
    scope["path_params"] = held
    decode_parameters(scope)
    assert scope["path_params"] == {"viewer": name}
    assert held == {"viewer": third}, "the router's own is left as it is"


@given(one=NO_SURROGATES, other=NO_SURROGATES)
def test_two_ids_never_share_an_address(one: str, other: str) -> None:
    assume(one != other)
    assert spelled(f"/v1/titles/{quote(one, safe='')}") != spelled(
        f"/v1/titles/{quote(other, safe='')}"
    )


@pytest.mark.parametrize(
    "path",
    [
        "/v1/viewers//ada",
        "/v1/viewers/ada/",
        "//v1/viewers/ada",
        "/v1//viewers/ada",
        "/v1/viewers/%ff",
        "/v1/viewers/%C3",
        "/v1/viewers/\xe9",
        "/v1/viewers/" + "a" * 5000,
    ],
)
def test_what_is_no_address_leads_nowhere(path: str) -> None:
    assert spelled(path) == NOWHERE


def test_one_address_has_one_spelling() -> None:
    assert spelled("/v1/%76iewers/%61da") == "/v1/viewers/ada"
    assert spelled("/docs/") == "/docs" and spelled("/") == "/"


def test_an_ipv6_network_counts_as_one() -> None:
    assert counted_as("2001:db8::1") == counted_as("2001:db8::ffff") != counted_as("2001:db9::1")
    assert counted_as("::ffff:192.0.2.1") == counted_as("192.0.2.1") == "192.0.2.1"
    assert counted_as("fe80::1%eth0") == "fe80::"
