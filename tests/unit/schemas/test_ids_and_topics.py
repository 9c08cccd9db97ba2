"""Pseudonyms, decision ids, and the partitioner that Kafka's Java client shares."""

import pytest

from keyart.schemas.ids import ViewerKey, decision_id, fits, is_decision_id, pseudonym
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


def test_a_decision_id_says_whose_it_is_and_about_what() -> None:
    viewer, other = ViewerKey("0" * 32), ViewerKey("1" * 32)
    name = decision_id(viewer, "t", 1)
    assert is_decision_id(name) and len(name) == 24
    assert name == decision_id(viewer, "t", 1) != decision_id(viewer, "t", 2)
    assert fits(name, viewer, "t")
    assert not fits(name, other, "t")
    assert not fits(name, viewer, "u")


def test_an_older_decision_id_says_nothing_of_its_viewer() -> None:
    assert is_decision_id("0123456789abcdef")
    assert fits("0123456789abcdef", ViewerKey("0" * 32), "t")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v:" + "0" * 32,
        "0" * 23,
        "0" * 25,
        "0" * 32,
        "A" * 24,
        "0" * 24 + "\n",
        "g" * 16,
        "\u0660" * 16,
    ],
)
def test_other_texts_are_no_decision_ids(text: str) -> None:
    assert not is_decision_id(text)


def test_few_ids_fit_another_viewer_by_chance() -> None:
    names = [decision_id(f"{at:032x}", "t", at * 977) for at in range(3000)]
    assert not any(fits(name, "f" * 32, "t") for name in names)
