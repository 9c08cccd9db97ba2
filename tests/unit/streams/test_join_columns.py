"""A page in columns goes through the join: rewards say what was known of each candidate."""

import numpy as np
import pyarrow as pa
import pytest
from msgspec import structs

from keyart.schemas import codec
from keyart.schemas.columns import pack_responding, pack_taste, unpack_beliefs, unpack_taste
from keyart.schemas.decisions import DecisionPage
from keyart.schemas.rewards import Reward
from keyart.streams.archive.erase import _without
from keyart.streams.archive.files import table_of
from keyart.streams.ports import LogRecord
from keyart.streams.steps.join import pages
from tests.packing import Belief, columns_of_rows
from tests.unit.streams.join_bench import HOUR, T0, VIEWER, Bench, page, played, seen

rng = np.random.default_rng(0)
TASTE = (rng.normal(size=(6, 64)) / 8).astype(np.float32)


def beliefs(count: int) -> list[Belief]:
    drawn = np.random.default_rng(1).lognormal(0.0, 0.2, (count, 7)).tolist()
    return [(*row,) for row in drawn]


def in_columns(rows: DecisionPage) -> DecisionPage:
    candidates = sum(len(each.candidates) for each in rows.decisions)
    return structs.replace(
        rows,
        decisions=(),
        columns=columns_of_rows(rows.decisions, beliefs(candidates), strength=250.0),
        taste=pack_taste(TASTE),
        segment="s3",
        version=2,
    ).whole()


def test_a_reward_says_what_was_known_of_every_candidate() -> None:
    given = in_columns(page(more=2))
    bench = Bench().give(given, seen(), played(2)).end()
    (reward,) = bench.rewards
    assert reward.version == 2 and reward.segment == "s3" and reward.level == 0.02
    assert reward.strength == 250.0
    np.testing.assert_array_equal(unpack_taste(reward.taste), unpack_taste(pack_taste(TASTE)))
    assert given.columns is not None
    whole = unpack_beliefs(given.columns.beliefs)
    for name, values in unpack_beliefs(reward.beliefs).items():
        np.testing.assert_array_equal(values, whole[name][:2])
    assert bench.left == []


def test_the_reward_is_that_of_the_same_page_one_by_one_otherwise() -> None:
    rows = page(more=3)
    one = Bench().give(rows, seen(), played(2)).end().rewards[0]
    other = Bench().give(in_columns(rows), seen(), played(2)).end().rewards[0]
    assert one.version == 1 and one.beliefs == b""
    plain = structs.replace(
        other, beliefs=b"", taste=b"", segment="", level=0.0, strength=0.0, trust=0.0, version=1
    )
    assert plain.features == pytest.approx(one.features, abs=3e-4)
    assert structs.replace(plain, features=one.features) == one


def test_the_situation_goes_with_titles_that_are_learned_from_alone() -> None:
    rows = page(more=2)
    given = structs.replace(in_columns(rows), situation=(0.25, -0.5))
    assert given.columns is not None
    marked = structs.replace(given.columns, responding=pack_responding([None, None, 0.125]))
    later = seen(1, "d2", id="j", title="t2")
    for columns, told in ((marked, {"t": (), "t2": (0.25, -0.5)}), (given.columns, {})):
        bench = Bench().give(structs.replace(given, columns=columns), seen(), later).end()
        assert {each.title for each in bench.rewards} == {"t", "t2"}
        for each in bench.rewards:
            assert each.situation == told.get(each.title, ())
            assert each.responded == (0.125 if each.situation else 0.0)


def test_decisions_that_come_twice_are_left_out_of_the_page_that_is_kept() -> None:
    rows = page(more=2)
    first = in_columns(structs.replace(rows, decisions=rows.decisions[:1]))
    again = in_columns(rows)
    later = seen(1, "d2", id="j", title="t2")
    bench = Bench().give(first, again, seen(), later).end()
    assert bench.counts["repeat_decisions"] == 1
    assert sorted(each.title for each in bench.rewards) == ["t", "t2"]
    by_title = {each.title: each for each in bench.rewards}
    assert again.columns is not None
    whole = unpack_beliefs(again.columns.beliefs)
    np.testing.assert_array_equal(unpack_beliefs(by_title["t2"].beliefs)["own"], whole["own"][4:6])


def test_a_page_kept_by_the_keyart_before_is_read_after_the_upgrade() -> None:
    """As it was written then: a head of five, and a line for each decision, in JSON, compressed."""
    line = [*("d" * 24, "t", "a"), ["a", "b"], [0.25, 0.75], False, [0.1], 0.0, 1.5, 0.03]
    head = ["home", T0, "keyart", ["p", "n", "1", "s"], "0.05"]
    whole = codec.pack([codec.encode(head), codec.encode(line)])
    record = len(whole).to_bytes(4, "little") + pa.Codec("zstd").compress(whole, asbytes=True)
    found = pages.reward_in(pages.unpack_page(record), 0, viewer=VIEWER, source=3)
    assert (found.title, found.artwork, found.split, found.version) == ("t", "a", "0.05", 1)
    assert found.propensities == (0.25, 0.75) and found.multiplier == 1.5


def test_what_is_kept_of_a_page_is_bounded_by_what_was_logged() -> None:
    rows = page(more=39)
    given = in_columns(rows)
    bench = Bench().give(given)
    kept = sum(
        len(value) for (family, _), value in bench.state.items() if value and family == "pages"
    )
    assert kept < len(codec.encode(structs.replace(given, decisions=())))
    # nobody saw it: once its life is over nothing of it is left
    assert bench.until(24 * HOUR).left == []


def log_record(reward: Reward, number: int = 1) -> LogRecord:
    return LogRecord("rewards", 0, f"{number}-0", reward.title, codec.encode(reward), T0)


def test_the_training_log_has_columns_for_all_of_it_and_nulls_for_older_rewards() -> None:
    new = Bench().give(in_columns(page()), seen(), played(2)).end().rewards[0]
    old = Bench().give(page(), seen(), played(2)).end().rewards[0]
    table = table_of([log_record(old), log_record(new, 2)]).to_pylist()
    assert table[0]["level"] is None and table[0]["taste_factors"] is None
    assert table[0]["taste_units"] is None and table[0]["value"] == 1.0
    row, held = table[1], unpack_beliefs(new.beliefs)
    np.testing.assert_allclose(row["taste_factors"], held["taste"], rtol=1e-6)
    np.testing.assert_allclose(row["takes"], held["taken"], rtol=1e-6)
    units = np.array(row["taste_units"], np.float32).reshape(6, 64)
    scales = np.array(row["taste_scales"], np.float32)
    np.testing.assert_array_equal(units * scales[:, None], unpack_taste(new.taste))
    assert row["space"] == "s" and row["segment"] == "s3" and row["posterior_version"] == "1"


def test_an_erased_viewer_leaves_no_taste_in_the_rewards_that_stay() -> None:
    reward = Bench().give(in_columns(page()), seen(), played(2)).end().rewards[0]
    left = codec.rewards.decode(_without(codec.encode(reward), {VIEWER: T0 + HOUR}))
    assert left.taste == b"" and left.segment == "" and left.viewer == "0" * 32
    assert left.value == reward.value and left.beliefs == reward.beliefs
