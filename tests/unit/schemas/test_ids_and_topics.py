"""Pseudonyms, decision ids, and the partitioner that Kafka's Java client shares."""

import pytest

from keyart.schemas.ids import ViewerKey, decision_id, pseudonym
from keyart.schemas.topics import murmur2, partition_of

# from Kafka's own UtilsTest.testMurmur2: the values of the Java client, as signed 32-bit numbers
JAVA = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("key", "signed"), JAVA.items())
def test_murmur2_is_that_of_the_java_client(key: bytes, signed: int) -> None:
    assert murmur2(key) == signed & 0xFFFFFFFF


def test_partitions_are_in_range_and_used_evenly() -> None:
    counts = [0] * 12
    for at in range(12_000):
        counts[partition_of(f"viewer-{at}", 12)] += 1
    assert min(counts) > 800
    assert partition_of("anything", 1) == 0


def test_a_pseudonym_hides_and_depends_on_the_key() -> None:
    one = pseudonym("ada", b"k" * 16)
    assert one == pseudonym("ada", b"k" * 16)
    assert one != pseudonym("ada", b"l" * 16)
    assert one != pseudonym("bob", b"k" * 16)
    assert len(one) == 32
    assert "ada" not in one


def test_a_decision_id_is_one_for_each_assignment() -> None:
    viewer = ViewerKey("0" * 32)
    name = decision_id(viewer, "t", "home", 1)
    assert name == decision_id(viewer, "t", "home", 1)
    others = {
        decision_id(ViewerKey("1" * 32), "t", "home", 1),
        decision_id(viewer, "u", "home", 1),
        decision_id(viewer, "t", "search", 1),
        decision_id(viewer, "t", "home", 2),
    }
    assert len(others | {name}) == 5
