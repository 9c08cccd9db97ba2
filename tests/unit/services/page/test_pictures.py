from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyart.schemas.catalogue import Artwork
from keyart.services.page.pictures import Pictures
from keyart.services.page.routes import content_policy

SITE = "https://images.example.org"


@pytest.mark.parametrize("image", ["/pictures/a.jpg", "data:image/png;base64,AAAA"])
def test_pictures_of_this_service_are_loaded(image: str) -> None:
    assert Pictures().of("T", Artwork(id="a", image=image)) == image


@pytest.mark.parametrize(
    "image",
    [
        "",
        "keyart:poster/t/a",
        f"{SITE}/a.jpg",
        "//evil.example/a.jpg",
        "/\\evil.example/a.jpg",
        "/\t/evil.example/a.jpg",
        "\t//evil.example/a.jpg",
        "/\n/evil.example/a.jpg",
        "/\r\\evil.example/a.jpg",
        " //evil.example/a.jpg",
        "javascript:alert(1)",
        "data:text/html,<script>",
        "http://[broken",
    ],
)
def test_everything_else_is_drawn(image: str) -> None:
    address = Pictures().of("T & <i>", Artwork(id="a", image=image, description="a dog & a cat"))
    parts = urlsplit(address)
    assert (parts.netloc, parts.path) == ("", "/page/poster")
    assert parse_qs(parts.query) == {"title": ["T & <i>"], "artwork": ["a dog & a cat"]}


def test_pictures_of_a_named_origin_are_loaded_and_allowed() -> None:
    pictures = Pictures((SITE,))
    assert pictures.of("T", Artwork(id="a", image=f"{SITE}/a.jpg")) == f"{SITE}/a.jpg"
    assert pictures.of("T", Artwork(id="a", image=f"{SITE}.evil.example/a")).startswith("/page/")
    assert f"img-src 'self' data: {SITE};" in content_policy((SITE,))
    assert "https:" not in content_policy()


@given(image=st.text(max_size=60))
def test_no_reference_leads_elsewhere(image: str) -> None:
    address = Pictures().of("T", Artwork(id="a", image=image))
    assert address.startswith("data:image/") or not urlsplit(address).netloc
