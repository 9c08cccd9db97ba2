"""Clusters recover what titles share; names tell them apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyart.models.serendipity.measure.evaluate import vocabulary_of
from keyart.models.serendipity.vocabulary.clustering import cluster, nearest
from keyart.models.serendipity.vocabulary.terms import unit
from keyart.models.serendipity.vocabulary.vocabulary import report_on, unique_names
from keyart.models.serendipity.world import WorldBuilder
from keyart.schemas.errors import InvalidRecord
from tests.unit.models.serendipity.worlds import EACH, GROUPS, pairs_world


def test_groups_are_found_and_named_by_what_they_share() -> None:
    world = pairs_world(5)
    vocabulary, _, labels = vocabulary_of(world, [], clusters=GROUPS)
    groups = [int(name[1:].split("-")[0]) for name in world.titles]
    found = {group: set(labels[np.array(groups) == group]) for group in range(GROUPS)}
    assert all(len(each) == 1 for each in found.values())
    assert len(set.union(*found.values())) == GROUPS
    for group, (label,) in ((group, tuple(each)) for group, each in found.items()):
        assert set(vocabulary.keywords[label]) == {f"tag{group}", f"also{group}"}
    size = report_on(labels, GROUPS)
    assert (size.smallest, size.largest, size.coverage) == (EACH, EACH, 1.0)
    assert size.entropy == pytest.approx(np.log2(GROUPS))


def test_the_same_sayings_have_the_same_identity_and_others_another() -> None:
    first, _, _ = vocabulary_of(pairs_world(5), [], clusters=GROUPS)
    again, _, _ = vocabulary_of(pairs_world(5), [], clusters=GROUPS)
    fewer, _, _ = vocabulary_of(pairs_world(5), [], clusters=GROUPS - 1)
    assert first.identity == again.identity != fewer.identity


def test_a_title_falls_where_its_like_are_and_one_of_unknown_terms_nowhere() -> None:
    world = pairs_world(5)
    vocabulary, _, labels = vocabulary_of(world, [], clusters=GROUPS)
    placed = vocabulary.labels(vocabulary.vectors(vocabulary.count([["tag3"], ["never"], []])))
    assert placed.tolist() == [labels[world.titles.index("t3-0")], -1, -1]


def test_only_those_who_teach_are_heard() -> None:
    into = WorldBuilder()
    for title in "abcd":
        into.said(title, "red" if title in "ab" else "blue", "teacher")
        into.engaged("pupil", title)
    into.said("e", "red", "pupil")
    world = into.build()
    _, _, labels = vocabulary_of(world, [world.viewers.index("teacher")], clusters=2)
    assert labels[world.titles.index("e")] == -1


def test_titles_that_share_nothing_cannot_be_grouped() -> None:
    into = WorldBuilder()
    into.said("a", "red")
    into.said("b", "blue")
    with pytest.raises(InvalidRecord, match="no two titles"):
        vocabulary_of(into.build(), [], clusters=2)


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=4), max_size=12))
def test_names_are_unique(keywords: list[list[str]]) -> None:
    names = unique_names(keywords)
    assert len(set(names)) == len(keywords) == len(names)


@given(st.integers(2, 12), st.integers(0, 5))
def test_no_centre_is_without_a_vector(clusters: int, seed: int) -> None:
    vectors = unit(np.random.default_rng(seed).normal(size=(30, 4)))
    centres = cluster(vectors, clusters, seed=seed)
    assert set(nearest(vectors, centres)) == set(range(len(centres)))
    assert np.allclose(np.linalg.norm(centres, axis=1), 1.0)
