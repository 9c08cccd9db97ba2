"""Attacks by requests: what a caller of the api can send."""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.hostile.awkward import BODIES, NAMES, VALUES, in_path, mutated
from tests.hostile.honest import Honest
from tests.hostile.site import TITLES, Site

Attack = Callable[[Site, Honest, random.Random, float], None]
"""Takes the site, the honest load, chance, and its size: 1 is whole, less is a part of it."""
FIELDS = (
    *("decision", "version", "artwork", "surface", "id", "minutes", "occurred_at_ms", "type"),
    *("title", "viewer"),
)
KINDS = ("impression", "click", "play", "finish", "like", "hide")


def event(rng: random.Random, **more: Any) -> dict[str, Any]:
    """Return a right event of a viewer whom nobody knows."""
    name = f"{rng.random()}"
    made = {"type": rng.choice(KINDS), "id": f"x-{name}", "viewer": name}
    made |= {"title": rng.choice(TITLES), "artwork": "pasta", **more}
    return {"minutes": 9.0, **made} if made["type"] == "play" else made


def post(site: Site, *events: dict[str, Any]) -> None:
    """Send events."""
    site.ask("POST", "/v1/events", {"events": list(events)})


def poison(site: Site, honest: Honest, rng: random.Random, size: float) -> None:
    """Send events whose fields hold anything, each alone, and among right ones."""
    pseudonyms = [f"v:{rng.getrandbits(128):032x}" for _ in range(20)]
    likely: list[Any] = [*pseudonyms, *NAMES, "0" * 24, "0" * 16, "g" * 24, "0" * 23 + "\n"]
    for value in rng.sample(likely, int(len(likely) * size)):
        wrong = event(rng, decision=value)
        post(site, wrong)
        post(site, event(rng), wrong | {"id": "again"}, event(rng))
    now = int(time.time() * 1000)
    for field in FIELDS:
        for value in rng.sample(VALUES, int(len(VALUES) * size)):
            post(site, event(rng, **{field: value}))
        for value in (2, 2**31, now - 6 * 86_400_000, now + 500_000, now - 8 * 86_400_000):
            post(site, event(rng, **{field: value}))


def malformed(site: Site, honest: Honest, rng: random.Random, size: float) -> None:
    """Change what the OpenAPI document says of each route, at random, and send it."""
    answer = site.ask("GET", "/docs/openapi.json")
    if answer is None or answer.status_code != 200:
        site.tally.fault("the OpenAPI document is not there")
        return
    for path, item in answer.json()["paths"].items():
        for method, operation in item.items():
            for _ in range(int(40 * size)):
                once(site, rng, method.upper(), path, operation)


def once(site: Site, rng: random.Random, method: str, path: str, operation: Any) -> None:
    """Send one wrong request to a route."""
    query = []
    for each in operation.get("parameters", ()):
        if each["in"] == "path":
            # names of its own: whoever may withdraw titles and erase viewers may do that
            path = path.replace(f"{{{each['name']}}}", in_path(f"m{rng.choice(NAMES)}"))
        elif rng.random() < 0.7:
            query.append(f"{each['name']}={in_path(str(rng.choice(VALUES)))}")
    if rng.random() < 0.2:
        query.append(f"{in_path(rng.choice(NAMES))}={in_path(rng.choice(NAMES))}")
    address = f"{path}?{'&'.join(query)}" if query else path
    body = operation.get("requestBody")
    if body is None:
        raw = rng.choice(BODIES) if rng.random() < 0.2 else None
        site.ask(method, address, raw=raw)
    elif rng.random() < 0.25:
        site.ask(method, address, raw=rng.choice(BODIES))
    else:
        site.ask(method, address, mutated(body["content"]["application/json"]["example"], rng))


def big_titles(site: Site, honest: Honest, rng: random.Random, size: float) -> None:
    """Put titles as large as may be, and edit them until their past is larger than the store."""
    for title in ("big-0", "big-1")[: max(1, round(2 * size))]:
        for _ in range(max(3, round(12 * size))):
            words = "".join(rng.choices("abcdefgh 🎬é", k=200))
            artworks = [
                {"id": f"a{at}", "description": (f"{at} {rng.random()} " + words * 20)[:4000]}
                for at in range(40)
            ]
            site.ask("PUT", f"/v1/titles/{title}", {"artworks": artworks})
        site.ask("POST", "/v1/decisions", {"viewer": "x", "titles": [title]})
        site.ask("GET", f"/v1/titles/{title}")


def surfaces(site: Site, honest: Honest, rng: random.Random, size: float) -> None:
    """Name a new surface with every page, and have its artworks seen and played."""
    for at in range(round(150 * size)):
        viewer, surface = f"{rng.random()}", f"surface {at} {rng.getrandbits(16)}"
        answer = site.ask(
            "POST", "/v1/decisions", {"viewer": viewer, "surface": surface, "titles": TITLES}
        )
        if answer is not None and answer.status_code == 200:
            post(site, *seen_and_played(answer.json(), viewer, rng, surface=surface))


def seen_and_played(
    page: Any, viewer: str, rng: random.Random, **more: Any
) -> Iterator[dict[str, Any]]:
    """Yield the events of a viewer who sees and plays a whole page."""
    for each in page["decisions"]:
        about = {"decision": each["id"], "title": each["title"], "artwork": each["artwork"]}
        for kind in ("impression", "play"):
            yield event(rng, type=kind, viewer=viewer, **about, **more)


def made_up(site: Site, honest: Honest, rng: random.Random, size: float) -> None:
    """Make up viewers, all at once, who like one artwork."""

    def one(name: str) -> None:
        answer = site.ask("POST", "/v1/decisions", {"viewer": name, "titles": TITLES[:1]})
        if answer is not None and answer.status_code == 200:
            chance = random.Random(name)
            post(site, *seen_and_played(answer.json(), name, chance))

    with ThreadPoolExecutor(8) as crowd:
        list(crowd.map(one, [f"made up {rng.random()}" for _ in range(round(300 * size))]))


def foreign(site: Site, honest: Honest, rng: random.Random, size: float) -> None:
    """Send events that name other viewers' decisions, other titles, artworks and titles unknown."""
    theirs = list(honest.recent)
    for each in rng.sample(theirs, min(len(theirs), round(100 * size))):
        about = {"decision": each["id"], "title": each["title"], "artwork": each["artwork"]}
        thief = f"thief {rng.random()}"
        post(
            site,
            *(event(rng, type=kind, viewer=thief, **about) for kind in ("impression", "play")),
            event(rng, **(about | {"title": rng.choice(TITLES)})),
            event(rng, **(about | {"artwork": "derby"})),
            event(rng, title=f"a title nobody knows {rng.random()}"),
        )


def names(site: Site, honest: Honest, rng: random.Random, size: float) -> None:
    """Use ids with slashes, dots, percent signs and newlines in every address and body."""
    for name in rng.sample(NAMES, round(len(NAMES) * size)):
        title, viewer = in_path(name), in_path(name)
        site.ask("PUT", f"/v1/titles/{title}", {"artworks": [{"id": name}, {"id": "b"}]})
        site.ask("GET", f"/v1/titles/{title}")
        asked = {"viewer": name, "surface": name, "titles": [name]}
        site.ask("POST", "/v1/decisions", asked)
        post(site, event(rng, viewer=name, title=name, artwork=name))
        site.ask("GET", f"/v1/insight/titles/{title}")
        site.ask("PATCH", f"/v1/viewers/{viewer}", {"concepts": {name: 1}})
        site.ask("DELETE", f"/v1/viewers/{viewer}")
        site.ask("DELETE", f"/v1/titles/{title}")
        for start in ("/v1/viewers//", "//v1/titles/", "/page/", "/page/../../"):
            site.ask("GET", start + title)


def erased(site: Site, honest: Honest, rng: random.Random, size: float) -> None:
    """Erase viewers while they play."""

    def one(name: str) -> None:
        chance = random.Random(name)
        for turn in range(3):
            answer = site.ask("POST", "/v1/decisions", {"viewer": name, "titles": TITLES})
            if answer is None or answer.status_code != 200:
                return
            sent = list(seen_and_played(answer.json(), name, chance))
            post(site, *sent[::2])
            if turn != 1:
                site.ask("DELETE", f"/v1/viewers/{name}")
            post(site, *sent[1::2])

    with ThreadPoolExecutor(4) as crowd:
        list(crowd.map(one, [f"erased-{rng.random()}" for _ in range(round(40 * size))]))


def other_sites(site: Site, honest: Honest, rng: random.Random, size: float) -> None:
    """Ask as another site's page in a browser would; nothing of it may be done."""
    own = f"http://127.0.0.1:{site.port}"
    origins = ("http://evil.test", "null", f"{own}0", "https://evil.test", "file://", "x")
    asks = (
        ("POST", "/v1/events", {"events": [event(rng)]}),
        ("POST", "/v1/decisions", {"viewer": "x", "titles": TITLES}),
        ("PUT", f"/v1/titles/{TITLES[0]}", {"artworks": [{"id": "evil"}]}),
        ("DELETE", f"/v1/titles/{TITLES[0]}", None),
        ("DELETE", "/v1/viewers/x", None),
    )
    for method, path, body in asks:
        for origin in origins:
            expect(site, 403, method, path, body, {"origin": origin})
        for host in ("evil.test", f"127.0.0.1.evil.test:{site.port}"):
            expect(site, 421, method, path, body, {"host": host})
        if body:
            for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
                expect(site, 415, method, path, body, {"content-type": kind})


def expect(
    site: Site, status: int, method: str, path: str, body: Any, headers: dict[str, str]
) -> None:
    """Ask, and note an answer that is another one."""
    answer = site.ask(method, path, body, headers=headers)
    if answer is not None and answer.status_code != status:
        said = f"{method} {path} with {headers} was answered {answer.status_code}, not {status}"
        site.tally.fault(said)


def wrong_keys(site: Site, honest: Honest, rng: random.Random, size: float) -> None:
    """Guess keys, of a site that has one."""
    if not site.headers:
        pytest.fail("a site without keys has none to guess")
    own = site.headers["authorization"]
    guesses = [own[:-1], f"{own}x", own.upper(), "Basic YTpi", "Bearer", "Bearer é", ""]
    guesses += [f"Bearer {rng.getrandbits(128):032x}" for _ in range(round(20 * size))]
    for guess in guesses:
        body = {"viewer": "x", "titles": TITLES}
        answer = site.ask("POST", "/v1/decisions", body, headers={"authorization": guess})
        if answer is not None and answer.status_code not in (401, 429):
            site.tally.fault(f"a wrong key was answered {answer.status_code}")
