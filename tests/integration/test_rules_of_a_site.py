"""Rules over HTTP: who is a candidate, what is marked, logged and kept, and what is refused."""

import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from litestar.testing import TestClient

from keyart.models.decide.explain import explain
from keyart.models.intake.faults import WrongFile
from keyart.schemas import codec
from keyart.schemas.ruled import NARROWED
from keyart.schemas.rules import Pin, Rules
from keyart.schemas.topics import DECISIONS
from keyart.services.jobs.catalogue_file import read_titles
from tests.integration.live import stored
from tests.integration.test_kept_decisions import Site, site

__all__ = ["site"]

Client = TestClient[Any]
WORDS = tuple(enumerate(("a wedding", "a storm", "two dogs")))


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with stored(tmp_path_factory.mktemp("rules")) as made:
        yield made


@pytest.fixture(scope="module")
def client(parts: Any) -> Iterator[Client]:
    with TestClient(parts.app(), base_url="http://127.0.0.1:8650") as found:
        yield found


def put(client: Client, name: str, *artworks: dict[str, Any], **more: Any) -> None:
    body = {"artworks": [{"id": f"a{at}", **each} for at, each in enumerate(artworks)], **more}
    answer = client.put(f"/v1/titles/{name}", json=body)
    assert answer.status_code == 200, answer.text


def decide(client: Client, viewer: str, *titles: str, **more: Any) -> dict[str, Any]:
    answer = client.post("/v1/decisions", json={"viewer": viewer, "titles": titles, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def logged(parts: Any, decision: str) -> Any:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:  # decisions are logged beside the answers
        for record in parts.log.read(DECISIONS, 0, after=None, count=100_000):
            for each in codec.decisions.decode(record.value).whole().decisions:
                if each.id == decision:
                    return each
        time.sleep(0.02)
    raise AssertionError("not logged")


def test_what_is_denied_is_no_candidate_and_propensities_are_over_the_rest(
    client: Client, parts: Any
) -> None:
    put(client, "r1", {"attributes": {"rating": "18"}}, {}, {"attributes": {"rating": "6"}})
    for at in range(20):
        page = decide(client, f"kid {at}", "r1", deny={"attributes": {"rating": ["18"]}})
        (choice,) = page["decisions"]
        assert choice["artwork"] in ("a1", "a2") and choice["rule"] == ""
    entry = logged(parts, choice["id"])
    assert set(entry.candidates) == {"a1", "a2"}
    assert sum(entry.propensities) == pytest.approx(1.0, abs=1e-6)


def test_a_rule_that_takes_a_kept_artwork_away_is_followed_at_once(client: Client) -> None:
    put(client, "r2", {}, {})
    (first,) = decide(client, "ann", "r2")["decisions"]
    (again,) = decide(client, "ann", "r2")["decisions"]
    assert again["kept"] and again["artwork"] == first["artwork"]
    deny = {"artworks": [first["artwork"]]}
    (other,) = decide(client, "ann", "r2", deny=deny)["decisions"]
    assert not other["kept"] and other["artwork"] != first["artwork"]


def test_the_default_stands_in_marked_and_without_one_nothing_does(
    client: Client, parts: Any
) -> None:
    put(client, "r3", {}, {}, {}, default="a2")
    put(client, "r4", {}, {})
    page = decide(client, "bob", "r3", "r4", allow={"artworks": ["other"]})
    (choice,) = page["decisions"]
    assert (choice["artwork"], choice["rule"], choice["propensity"]) == ("a2", "default", 1.0)
    assert "default" in choice["why"] and page["unknown"] == ["r4"]
    entry = logged(parts, choice["id"])
    assert entry.candidates == ("a2",) and entry.terms.because == "default"


def test_a_pin_is_drawn_as_often_as_it_says_marked_and_told(client: Client, parts: Any) -> None:
    put(client, "r5", {}, {"rules": {"pin": {"share": 0.5}}}, {})
    chosen = [decide(client, f"p {at}", "r5")["decisions"][0] for at in range(60)]
    pinned = [each for each in chosen if each["rule"] == "pinned"]
    assert 12 <= len(pinned) <= 48
    assert {each["artwork"] for each in pinned} == {"a1"}
    entry = logged(parts, pinned[0]["id"])
    assert entry.propensity > 0.5 and not entry.explored
    assert explain(entry, policy="optimistic").startswith("Pinned")


def test_what_rules_did_goes_with_the_reward_to_the_page(site: Site) -> None:
    artworks: list[dict[str, Any]] = [{"id": f"a{at}", "description": word} for at, word in WORDS]
    artworks[0]["rules"] = {"until": "2020-01-01T00:00:00Z"}
    body = {"artworks": artworks}
    assert site.client.put("/v1/titles/ruled", json=body).is_success
    made = [site.decide(f"v{at}", "ruled")["ruled"] for at in range(5)]
    plain = site.decide("v0", "t0")["t0"]
    site.send("impression", "v0", plain)
    for at, each in enumerate(made):
        site.send("impression", f"v{at}", each)
    site.read("v0", 2)
    for at in range(1, 5):
        site.read(f"v{at}", 1)
    rewards = site.rewards()
    assert rewards[plain["id"]].ruled is None
    changed = 0.0
    for each in made:
        ruled = rewards[each["id"]].ruled
        assert ruled is not None and ruled.how == NARROWED and 0.0 < ruled.changed < 1.0
        changed += ruled.changed
        lost = dict(zip(ruled.artworks, ruled.forgone, strict=True))
        assert lost["a0"] == pytest.approx(ruled.changed, abs=1e-4)  # taste is not known yet
        assert sum(lost.values()) == pytest.approx(0.0, abs=1e-4)
    view = site.client.get("/v1/insight/titles/ruled").json()
    assert view["ruled"]["impressions"] == view["ruled"]["touched"] == 5
    assert view["ruled"]["narrowed"] == 5
    assert view["ruled"]["changed"] == pytest.approx(changed)
    assert view["ruled"]["low"] <= view["ruled"]["cost"] <= view["ruled"]["high"]
    (rule,) = view["rules"]
    assert (rule["artwork"], rule["state"]) == ("a0", "over")
    assert site.client.get("/v1/insight/titles/t0").json()["ruled"] is None
    assert site.parts.rebuilding.check().differences == []


def test_where_and_when_follow_surface_and_context(client: Client) -> None:
    put(
        client,
        "r6",
        {"rules": {"only": {"device": ["tv"]}}},
        {"rules": {"until": "2020-01-01T00:00:00Z"}},
        {"rules": {"only": {"surface": ["row"]}}},
    )
    (tv,) = decide(client, "cid", "r6", context={"device": "tv"})["decisions"]
    (row,) = decide(client, "cid", "r6", surface="row", context={"device": "web"})["decisions"]
    assert (tv["artwork"], row["artwork"]) == ("a0", "a2")
    assert decide(client, "cid", "r6", context={})["unknown"] == ["r6"]


def test_no_two_of_a_slate_are_alike_and_what_stands_comes_first(
    client: Client, parts: Any
) -> None:
    moods = ("dark", "bright", "calm")
    for name in ("s1", "s2", "s3"):
        put(client, name, *({"attributes": {"mood": mood}} for mood in moods))
    put(client, "s4", {"attributes": {"mood": "dark"}}, {"attributes": {"mood": "dark"}})
    slate = {"alike": {"mood": 1.0}}

    def mood(choice: dict[str, Any]) -> str:
        return "dark" if choice["title"] == "s4" else moods[int(choice["artwork"][1:])]

    for at in range(10):
        (first,) = decide(client, f"sl{at}", "s2")["decisions"]
        page = decide(client, f"sl{at}", "s1", "s2", "s3", slate=slate)["decisions"]
        assert len({mood(each) for each in page}) == 3
        assert page[1]["kept"] and page[1]["id"] == first["id"]
        assert all(each["rule"] == "" for each in page)
    entry = logged(parts, page[2]["id"])
    assert entry.propensity == pytest.approx(1.0) and len(entry.candidates) == 3
    (*_, alike) = decide(client, "sly", "s1", "s2", "s3", "s4", slate=slate)["decisions"]
    assert alike["rule"] == "alike" and "too much so" in alike["why"]
    wrongs: tuple[dict[str, Any], ...] = (
        *({}, {"alike": {}}, {"alike": {"mood": 2}}, {"alike": {"mood": 1}, "least": 1}),
    )
    for wrong in wrongs:
        body = {"viewer": "v", "titles": ["s1"], "slate": wrong}
        assert client.post("/v1/decisions", json=body).status_code == 400


def test_no_two_of_a_slate_show_the_same_by_their_vectors(client: Client, parts: Any) -> None:
    scenes = ("a castle at night in the fog", "friends laugh on a sunny beach", "a red racing car")
    for name in ("v1", "v2", "v3"):
        put(client, name, *({"description": scene} for scene in scenes))
    put(client, "v4", *({"description": scenes[0]} for _ in range(2)))
    slate = {"cosine": 0.95}
    for at in range(10):
        (first,) = decide(client, f"ve{at}", "v2")["decisions"]
        page = decide(client, f"ve{at}", "v1", "v2", "v3", slate=slate)["decisions"]
        assert len({each["artwork"] for each in page}) == 3
        assert page[1]["kept"] and page[1]["id"] == first["id"]
    assert logged(parts, page[2]["id"]).propensity == pytest.approx(1.0)
    (*_, alike) = decide(client, "vey", "v1", "v2", "v3", "v4", slate=slate)["decisions"]
    assert alike["rule"] == "alike"
    wrongs: tuple[dict[str, Any], ...] = ({"cosine": 1.5}, {"cosine": -0.1}, {"cosine": None})
    for wrong in wrongs:
        body = {"viewer": "v", "titles": ["v1"], "slate": wrong}
        assert client.post("/v1/decisions", json=body).status_code == 400


def test_one_artwork_is_answered_and_logged(client: Client, parts: Any) -> None:
    put(client, "r7", {"rules": {"most": 0.2}})
    (choice,) = decide(client, "dora", "r7")["decisions"]
    assert choice["propensity"] == 1.0 and logged(parts, choice["id"]).artwork == "a0"


@pytest.mark.parametrize(
    ("rules", "place"),
    [
        ({"most": 2}, "$.artworks[0].rules.most"),
        ({"form": "2026-01-01T00:00:00Z"}, "$.artworks[0].rules.form"),
        ({"least": {"share": 0.5}, "most": 0.1}, "$.artworks[0].rules"),
    ],
)
def test_wrong_rules_are_refused_with_their_place(
    client: Client, rules: dict[str, Any], place: str
) -> None:
    body = {"artworks": [{"id": "a", "rules": rules}]}
    refused = client.put("/v1/titles/wrong", json=body)
    assert refused.status_code == 400
    assert [fault["where"] for fault in refused.json()["faults"]] == [place]


def test_a_request_with_too_much_to_deny_is_refused(client: Client) -> None:
    body = {"viewer": "v", "titles": ["r1"], "deny": {"artworks": ["x"] * 1001}}
    assert client.post("/v1/decisions", json=body).status_code == 400


def test_a_catalogue_file_holds_rules_and_names_what_is_wrong(tmp_path: Any) -> None:
    file = tmp_path / "titles.jsonl"
    good = {"id": "t", "artworks": [{"id": "a", "rules": {"pin": {"share": 0.5}}}]}
    file.write_bytes(msgspec.json.encode(good))
    (read,) = read_titles(file)
    assert read.artworks[0].rules == Rules(pin=Pin(share=0.5))
    wrong = {"id": "t", "artworks": [{"id": "a", "rules": {"least": {"share": 1}, "most": 0.1}}]}
    file.write_bytes(msgspec.json.encode(wrong))
    with pytest.raises(WrongFile, match="least is above most"):
        read_titles(file)
