"""An example site: a page with keyart.js, and a server that knows who the viewer is.

    keyart serve                                  # in one terminal
    python examples/site/serve.py                 # in another: http://127.0.0.1:8700/

The page asks this server and never keyart: the key stays here, and so does the viewer's id.
"""

import argparse
import json
import secrets
from contextlib import suppress
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.errors import KeyartError
from keyart.services.client import Client

HERE = Path(__file__).parent
SCRIPT = files("keyart.services.page").joinpath("static/keyart.js").read_bytes()
MAX_BODY = 100_000
TITLES = {
    "deep-field": {"stars": "A field of stars above a desert", "crew": "Three astronomers"},
    "small-hours": {"city": "A city at night", "couple": "A couple in the rain"},
    "low-tide": {"boat": "A boat on wet sand", "child": "A child with a crab"},
}
DEFAULTS = {title: next(iter(artworks)) for title, artworks in TITLES.items()}


class Site(BaseHTTPRequestHandler):
    """Answers the page, and passes on what it asks."""

    client: Client
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer the page or the script."""
        if self.path == "/keyart.js":
            self._answer(200, SCRIPT, "text/javascript")
        elif self.path == "/":
            self._answer(200, (HERE / "index.html").read_bytes(), "text/html; charset=utf-8")
        else:
            self._answer(404, b"{}")

    def do_POST(self) -> None:
        """Ask keyart for decisions, or queue events, for the viewer of the cookie."""
        size = int(self.headers.get("Content-Length") or 0)
        if size > MAX_BODY:
            self.close_connection = True
            return self._answer(413, b"{}")
        try:
            asked: dict[str, Any] = json.loads(self.rfile.read(size))
            viewer = self._viewer()
            if self.path == "/v1/decisions":
                page = self.client.decide(
                    viewer,
                    [str(title) for title in asked["titles"]][:200],
                    surface=str(asked.get("surface", "home")),
                    context=asked.get("context"),
                )
                self._answer(200, msgspec.json.encode(page))
            elif self.path == "/v1/events":
                for event in asked["events"]:
                    self.client.queue({**event, "viewer": viewer})
                self._answer(202, b"{}")
            else:
                self._answer(404, b"{}")
        except (KeyartError, ValueError, KeyError, TypeError) as wrong:
            self._answer(400, msgspec.json.encode({"detail": str(wrong)}))

    def _viewer(self) -> str:
        held = SimpleCookie(self.headers.get("Cookie", "")).get("viewer")
        self._new = "" if held else secrets.token_hex(8)
        return held.value if held else self._new

    def _answer(self, status: int, content: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if new := getattr(self, "_new", ""):
            self.send_header("Set-Cookie", f"viewer={new}; HttpOnly; SameSite=Lax")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def main() -> None:
    """Put the titles, then serve until Ctrl-C."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--keyart", default="http://127.0.0.1:8650", help="keyart's address")
    parser.add_argument("--key", default="", help="its key")
    parser.add_argument("--port", type=int, default=8700)
    options = parser.parse_args()
    with Client(options.keyart, key=options.key, defaults=DEFAULTS) as client:
        for title, artworks in TITLES.items():
            drawn = [Artwork(id=name, description=text) for name, text in artworks.items()]
            client.put_title(Title(id=title, default=DEFAULTS[title], artworks=tuple(drawn)))
        Site.client = client
        with ThreadingHTTPServer(("127.0.0.1", options.port), Site) as server:
            print(f"http://127.0.0.1:{server.server_address[1]}/", flush=True)
            with suppress(KeyboardInterrupt):
                server.serve_forever()


if __name__ == "__main__":
    main()
