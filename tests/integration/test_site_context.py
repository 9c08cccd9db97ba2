"""What a site says of the situation: from the request to decision, reward and training log."""

import json
from typing import Any

import pyarrow.parquet as pq

from keyart.models.decide.weights import SITUATED
from keyart.models.taste.features import PERSONAL
from keyart.schemas import codec
from keyart.schemas.context import Context
from keyart.schemas.ids import pseudonym
from keyart.schemas.posterior import SharedSums, TitleSums
from keyart.schemas.rewards import Reward
from keyart.schemas.topics import DECISIONS, REWARDS
from keyart.services.wiring.erasing import erasures_of
from keyart.streams.archive import files
from keyart.streams.families import SHARED, TITLE
from keyart.streams.ports import TITLES, Lane
from tests.integration.test_api import decide, logged, problem
from tests.integration.test_kept_decisions import Site, site

__all__ = ["site"]
CONTEXT: Context = {"device": "tv", "hour": 21.5, "subscribed": True, "campaign": None, "land": "é"}


def taught(site: Site, viewer: str, context: dict[str, Any] | None) -> dict[str, Any]:
    """Decide, see and play one title; return the decision as it was answered."""
    more = {} if context is None else {"context": context}
    answer = decide(site.client, viewer, "t0", **more)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()["decisions"][0]
    site.read(viewer, 1)  # pages are logged beside their answers
    site.send("impression", viewer, made)
    site.send("play", viewer, made, minutes=30)
    return made


def test_it_is_logged_as_given_and_travels_to_the_training_log(site: Site) -> None:
    made, plain = taught(site, "ann", CONTEXT), taught(site, "bob", None)
    pages = [codec.decisions.decode(value) for value in logged(site.parts, DECISIONS)]
    by_viewer = {page.viewer: page for page in pages}
    key = site.parts.viewer_key
    assert by_viewer[pseudonym("ann", key)].context == CONTEXT
    assert by_viewer[pseudonym("bob", key)].context == {}
    rewards = site.rewards()
    assert rewards[made["id"]].context == CONTEXT and rewards[made["id"]].value == 1.0
    assert rewards[plain["id"]].context == {}
    # what does not move choices is not added up
    learned = site.parts.store.read(Lane(TITLES, 0), TITLE, ["t0"])[0]
    assert learned is not None
    assert codec.unpack(learned, TitleSums).responses == {}
    # what all titles learn of it is: its features are logged, and those of a page without are not
    assert len(rewards[made["id"]].features) == SITUATED
    assert len(rewards[plain["id"]].features) == PERSONAL
    shared = site.parts.store.read(Lane(TITLES, 0), SHARED[0], [SHARED[1]])[0]
    assert shared is not None and codec.unpack(shared, SharedSums).dimensions == SITUATED
    assert site.parts.rebuilding.check().differences == []
    site.parts.archiver.run()
    (path,) = files.paths(site.parts.archive_dir, REWARDS)
    table = pq.read_table(path, columns=["id", "context"]).to_pylist()
    told = {row["id"]: row["context"] for row in table}
    assert json.loads(told[made["id"]]) == CONTEXT and told[plain["id"]] is None


def test_it_goes_with_the_viewer_and_stays_with_the_others(site: Site) -> None:
    taught(site, "ann", {"device": "a very special one"})
    taught(site, "bob", {"device": "bobs own"})
    site.rewards()
    erased = site.client.delete("/v1/viewers/ann")
    assert erased.is_success, erased.text
    site.driver.drain()
    erasures_of(site.parts.settings, site.parts.client).finish()
    site.driver.drain()
    erasures_of(site.parts.settings, site.parts.client).finish()
    kept = b"".join(value for topic in (DECISIONS, REWARDS) for value in logged(site.parts, topic))
    archived = [
        record.value
        for topic in (DECISIONS, REWARDS)
        for record in files.read(site.parts.archive_dir, topic, 0)
    ]
    assert b"a very special one" not in kept + b"".join(archived)
    assert b"bobs own" in kept + b"".join(archived)
    nobody = [
        reward
        for reward in map(codec.rewards.decode, archived[-2:])
        if isinstance(reward, Reward) and reward.viewer == "0" * 32
    ]
    assert [reward.context for reward in nobody] == [{}]


WRONG: list[tuple[Any, str, str]] = [
    ({"device": ["tv"]}, "$.context.device", "text, a number, true, false or null"),
    ({"device": {"kind": "tv"}}, "$.context.device", "text, a number, true, false or null"),
    ({"device": "x" * 129}, "$.context.device", "129 characters; at most 128"),
    ({f"n{at}": 1 for at in range(33)}, "$.context", "32"),
    ({"": 1}, "$.context", "length >= 1"),
    ({"line\n": 1}, "$.context", "ends in a newline"),
    (["tv"], "$.context", "object"),
]


def test_what_is_out_of_bounds_is_refused_with_the_place(site: Site) -> None:
    for context, where, what in WRONG:
        found = json.dumps(problem(decide(site.client, "ann", "t0", context=context), 400))
        assert where in found and what in found, (context, found)
    assert logged(site.parts, DECISIONS) == []


def test_a_decision_stands_though_the_context_changes(site: Site) -> None:
    first = decide(site.client, "ann", "t0", context={"device": "tv"}).json()["decisions"][0]
    again = decide(site.client, "ann", "t0", context={"device": "phone"}).json()["decisions"][0]
    assert again["kept"] and again["id"] == first["id"]
