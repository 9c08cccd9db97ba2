"""Topics, lanes and the training log's columns are said once; what reads them agrees."""

import pytest
from msgspec import structs

from keyart.schemas.rewards import Reward
from keyart.schemas.topics import (
    CATALOGUE,
    DEAD_LETTERS,
    DECISIONS,
    EVENTS,
    LANE_OF,
    PERSONAL,
    REWARDS,
    TITLES,
    TOPICS,
    TOPICS_OF,
    VIEWERS,
)
from keyart.schemas.training import BELIEF_COLUMNS, LOGGED, TRAINING, columns
from keyart.streams.archive import archiver, files
from keyart.streams.letters import RETURNABLE
from keyart.streams.valkey.log import READERS


def test_who_reads_which_topic() -> None:
    assert TOPICS_OF == {VIEWERS: (EVENTS, DECISIONS), TITLES: (REWARDS,)}
    assert LANE_OF == {EVENTS: VIEWERS, DECISIONS: VIEWERS, REWARDS: TITLES}


def test_an_erasure_goes_through_every_topic_that_names_a_viewer() -> None:
    assert PERSONAL == (EVENTS, DECISIONS, REWARDS)


def test_the_groups_of_a_running_site_keep_their_names() -> None:
    # a stream's groups hold the positions of a site that runs: another name would begin anew
    assert READERS == {
        EVENTS: ("viewers", "archive"),
        DECISIONS: ("viewers", "archive"),
        REWARDS: ("titles", "archive"),
        CATALOGUE: ("archive",),
        DEAD_LETTERS: (),
    }


def test_all_but_dead_letters_are_archived_and_may_be_sent_again() -> None:
    rest = {topic.name for topic in TOPICS} - {DEAD_LETTERS}
    assert set(archiver.OWNERS) == rest == RETURNABLE
    assert archiver.OWNERS == {
        EVENTS: VIEWERS,
        DECISIONS: VIEWERS,
        REWARDS: TITLES,
        CATALOGUE: None,
    }


def test_the_training_log_has_the_columns_that_old_files_have() -> None:
    # files of a running site were written with exactly these; more may come, none may go
    old = [
        "offset",
        "key",
        "logged_at_ms",
        "record",
        "id",
        "viewer",
        "title",
        "artwork",
        "surface",
        "value",
        "shown_at_ms",
        "closed_at_ms",
        "candidates",
        "propensities",
        "propensity",
        "explored",
        "policy",
        "policy_version",
        "prior_version",
        "features",
        "personal",
        "multiplier",
        "expected",
        "minutes",
        "engaged",
        "definition",
    ]
    assert files.TRAINING.names[: len(old)] == old
    assert files.PLAIN.names == old[:4] == list(LOGGED)


def test_a_column_is_what_a_reward_says() -> None:
    said = {each.name for each in structs.fields(Reward)} | {"propensity"}
    flattened = {"policy_version", "prior_version", "posterior_version", "space"}
    flattened |= {"taste_units", "taste_scales", "watched_values", *BELIEF_COLUMNS}
    assert set(TRAINING) - set(LOGGED) - flattened <= said


def test_a_column_that_is_not_there_is_refused() -> None:
    assert columns("title", "value") == ("title", "value")
    with pytest.raises(KeyError, match="no column 'titel'"):
        columns("titel")
