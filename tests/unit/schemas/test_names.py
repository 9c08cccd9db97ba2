"""Names of a record are looked at once, of its bytes: no record gets through that has a wrong one.

The oracle looks at each character of each name, in the dictionary before it became JSON.
"""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.ids import is_pseudonym
from keyart.schemas.names import may_be_wrong
from tests.unit.streams.lane_world import reward

VIEWER = "0123456789abcdef" * 2
ODD = '\x00\x1f\n\t\x7f{}"\\/\u2028\x80é漢🎬 n7u0Dd'
NAMES = st.one_of(
    st.text(min_size=1, max_size=20),
    st.text(ODD, min_size=1, max_size=6),
    st.text("ab-é", min_size=1, max_size=6),
)
ENCODERS = [
    lambda record: json.dumps(record).encode(),
    lambda record: json.dumps(record, ensure_ascii=False, indent=1).encode(),
    lambda record: json.dumps(record).replace("/", "\\/").encode(),
    codec.encode,
]


def is_name(text: str) -> bool:
    """Return what the form says in words; one newline may stand at the end."""
    body = text.removesuffix("\n")
    return bool(body) and not any(ord(each) < 32 or each in "\x7f{}" for each in body)


def event(names: list[str]) -> dict[str, Any]:
    told = dict(zip(("id", "title", "surface", "artwork", "decision"), names, strict=True))
    return {"type": "click", "viewer": VIEWER, "occurred_at_ms": 1} | told


def correction(names: list[str]) -> dict[str, Any]:
    concepts = dict.fromkeys(names[1:], 0.5)
    about = {"type": "correction", "viewer": VIEWER, "occurred_at_ms": 1}
    return about | {"id": names[0], "concepts": concepts}


def proposed(names: list[str]) -> dict[str, Any]:
    titles = [{"title": each, "cluster": "{any}", "propensity": 1.0} for each in names[2:]]
    about = {"type": "proposed", "viewer": VIEWER, "occurred_at_ms": 1, "titles": titles}
    return about | {"id": names[0], "surface": names[1], "table": "{}", "dose": 0.1, "random": 0.1}


def page(names: list[str]) -> dict[str, Any]:
    decision = {
        "id": "0" * 24,
        "title": names[1],
        "artwork": names[2],
        "candidates": names[2:],
        "propensities": [1 / 3] * 3,
        "explored": False,
        "terms": {"level": 0.1, "because": "any {text}"},
    }
    versions = dict.fromkeys(("policy", "prior", "posterior", "space"), "v{1}")
    about = {"viewer": VIEWER, "policy": "p", "versions": versions, "decided_at_ms": 1}
    return about | {"surface": names[0], "decisions": [decision]}


def rewarded(names: list[str]) -> dict[str, Any]:
    own = dict(zip(("id", "title", "artwork", "surface"), names, strict=False))
    made: dict[str, Any] = json.loads(codec.encode(reward(1, candidates=tuple(names[:2]))))
    return made | own


KINDS: list[tuple[Any, Any]] = [
    (event, codec.events),
    (correction, codec.events),
    (proposed, codec.events),
    (page, codec.decisions),
    (rewarded, codec.rewards),
]


@settings(max_examples=400, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    names=st.lists(NAMES, min_size=5, max_size=5),
    encoder=st.sampled_from(ENCODERS),
)
@example(kind=KINDS[0], names=["\\n", "a\\u0000", "/", "\\", '"'], encoder=ENCODERS[0])
@example(kind=KINDS[3], names=['","', "{", "a", "b", "c"], encoder=ENCODERS[3])
@example(kind=KINDS[3], names=["a", "b", "c", '"', '"}'], encoder=ENCODERS[0])
def test_a_record_is_read_exactly_if_each_of_its_names_is_one(
    kind: tuple[Any, Any], names: list[str], encoder: Any
) -> None:
    make, reader = kind
    record = make(names)
    told = {correction: [*record.get("concepts", ()), names[0]], rewarded: names[:4]}.get(
        make, names
    )
    data = encoder(record)
    if all(map(is_name, told)):
        reader.decode(data)
    else:
        with pytest.raises(InvalidRecord, match="matching regex"):
            reader.decode(data)


@pytest.mark.parametrize(
    ("make", "at", "path"),
    [
        (event, 1, r"\$\.title"),
        (event, 3, r"\$\.artwork"),
        (proposed, 3, r"\$\.titles\[1\]\.title"),
        (page, 4, r"\$\.decisions\[0\]\.candidates\[2\]"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(make: Any, at: int, path: str) -> None:
    names = ["a", "b", "c", "d", "e"]
    names[at] = "a{b"
    reader: Any = codec.decisions if make is page else codec.events
    with pytest.raises(InvalidRecord) as refused:
        reader.decode(codec.encode(make(names)))
    assert refused.value.path.replace(".", r"\.") and refused.match("matching regex")
    assert refused.value.path == path.replace("\\", "")


@pytest.mark.parametrize(
    "viewer", ["", "0" * 31, "0" * 33, "0" * 31 + "G", "A" * 32, "0" * 32 + "\n"]
)
def test_a_viewer_is_a_pseudonym(viewer: str) -> None:
    assert not is_pseudonym(viewer)
    with pytest.raises(InvalidRecord) as refused:
        codec.events.decode(codec.encode(event(["a"] * 5) | {"viewer": viewer}))
    assert refused.value.path == "$.viewer"


def test_what_everybody_sends_is_not_looked_at_name_by_name() -> None:
    assert not may_be_wrong(codec.encode(event(["a", "é/%+. ", "漢", "c", "d"])))
    assert not may_be_wrong(
        codec.encode(page(["a"] * 5)).replace(b"{text}", b"").replace(b"{1}", b"")
    )
    assert not may_be_wrong(json.dumps(event(["é", "漢", "c", "d", "e"])).encode())
