"""Rules in flat cells are those that JSON has; what `only` held for there it holds for here."""

from datetime import UTC, datetime, timedelta, timezone

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from keyart.models.intake.rule_cells import rules_in
from keyart.schemas import strict
from keyart.schemas.rules import Least, Pin, Rules, Value

zones = st.integers(-56, 56).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))
START = datetime(2026, 1, 1, tzinfo=UTC)
moments = st.builds(
    lambda seconds, zone: (START + timedelta(seconds=seconds)).astimezone(zone),
    st.integers(-(10**8), 10**8),
    zones,
)
shares = st.floats(0.0, 1.0, exclude_min=True)
maybe = st.none() | moments
texts = st.from_regex(r"[a-zé][a-z0-9 .,;\"'-]{0,10}[a-z]", fullmatch=True)
values: st.SearchStrategy[Value] = texts | st.booleans() | st.integers(-999, 999).map(float)
rules = st.builds(
    Rules,
    starts=maybe,
    ends=maybe,
    only=st.dictionaries(
        st.from_regex(r"[a-z][a-z.]{0,8}[a-z]", fullmatch=True),
        st.lists(values, min_size=1, max_size=4, unique_by=repr).map(tuple),
        max_size=3,
    ),
    pin=st.none() | st.builds(Pin, share=shares, starts=maybe, ends=maybe),
    least=st.none() | st.builds(Least, share=shares, impressions=st.floats(0.5, 1e9)),
    most=st.none() | shares,
)


def said(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else f"{value:g}"


def cells_of(rules: Rules) -> dict[str, str]:
    found: dict[str, str] = {}
    for before, part in (("rules.", rules), ("rules.pin.", rules.pin)):
        if part is not None:
            found |= {
                f"{before}{name}": at.isoformat()
                for name, at in (("from", part.starts), ("until", part.ends))
                if at is not None
            }
    for name, its in rules.only.items():
        found[f"rules.only.{name}"] = " | ".join(map(said, its))
    if rules.pin is not None:
        found["rules.pin.share"] = repr(rules.pin.share)
    if rules.least is not None:
        found["rules.least.share"] = repr(rules.least.share)
        found["rules.least.impressions"] = repr(rules.least.impressions)
    if rules.most is not None:
        found["rules.most"] = repr(rules.most)
    return found


@settings(deadline=None)
@given(rules)
def test_cells_say_what_the_rules_say(rules: Rules) -> None:
    cells = {"title": "t", "artwork": "a", "attribute.rules": "x", **cells_of(rules)}
    read = strict.read(rules_in(cells), Rules)
    assert msgspec.structs.replace(read, only={}) == msgspec.structs.replace(rules, only={})
    assert read.only.keys() == rules.only.keys()
    for name, its in rules.only.items():
        kinds = {(type(each), each) for each in read.only[name]}
        assert {(type(each), each) for each in its} <= kinds
        # beside them stand their texts, and nothing else
        assert {each for each in read.only[name] if isinstance(each, str)} == set(map(said, its))
