import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyart.schemas.errors import SettingsError
from keyart.services.wiring.addresses import http_address


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:99999",
        "http://127.0.0.1:0",
        "http://127.0.0.1:port",
        "http://[::1",
        "http://",
        "https://:8650",
        "http://a b",
        "http://a\n",
        "http://example.org/\x00",
        "http://" + "a" * 80 + ".org",
        "http://a..b",
        "http://x/" + "y" * 2_000,
        "127.0.0.1:8650",
        "file:///etc/passwd",
        "",
    ],
)
def test_what_is_no_address_is_refused_in_one_line(url: str) -> None:
    with pytest.raises(SettingsError, match="--url: .* is no address of a server") as refused:
        http_address(url, "--url")
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 1_000


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8650", "https://example.org/x", "http://[::1]:1"]
)
def test_what_is_one_is_taken(url: str) -> None:
    assert http_address(url, "--url").geturl() == url


@given(st.text(max_size=40) | st.text(max_size=30).map("http://".__add__))
def test_any_text_is_an_address_or_refused(url: str) -> None:
    with contextlib.suppress(SettingsError):
        parts = http_address(url, "--url")
        assert parts.hostname and parts.scheme in ("http", "https")
        assert parts.port is None or 0 < parts.port < 65_536
