"""From rewards in the log to a prior that serves, and what the api then believes."""

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from keyart.schemas import codec
from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.decisions import Versions
from keyart.schemas.errors import InvalidRecord, NotFound
from keyart.schemas.priors import Opinion
from keyart.schemas.rewards import Reward
from keyart.schemas.topics import REWARDS
from keyart.services.api.snapshots import Snapshots
from keyart.services.bootstrap import Parts, now_ms
from keyart.services.priors import counted, fit_prior, import_opinions, score_new, serve_prior
from keyart.services.settings import Settings
from keyart.services.telemetry import ApiMetrics
from keyart.streams.ports import Output

GOOD = ("rockets to the moon", "astronauts in space", "a new planet", "stars and galaxies")
BAD = ("filing tax forms", "an office printer", "parking rules", "a tax audit")


@pytest.fixture
def parts(data_dir: Path) -> Iterator[Parts]:
    made = Parts(Settings(data_dir=str(data_dir)))
    made.server.start()
    rng = random.Random(3)
    titles = [
        Title(
            id=f"t{at}",
            name=f"title {at}",
            artworks=(
                Artwork(id="a", description=f"{rng.choice(GOOD)} {at}"),
                Artwork(id="b", description=f"{rng.choice(BAD)} {at}"),
            ),
        )
        for at in range(40)
    ]
    made.catalogue.put(titles, now_ms=now_ms())
    yield made
    made.server.stop()


def reward(at: int, rng: random.Random) -> Reward:
    artwork = rng.choice("ab")
    return Reward(
        id=f"r{at}",
        viewer=f"{at:032x}",
        title=f"t{at % 40}",
        artwork=artwork,
        surface="home",
        value=float(rng.random() < (0.16 if artwork == "a" else 0.04)),
        shown_at_ms=now_ms(),
        closed_at_ms=now_ms(),
        candidates=("a", "b"),
        propensities=(0.5, 0.5),
        explored=True,
        policy="uniform",
        versions=Versions(policy="u", prior="n", posterior="0", space="s"),
        sequence=at + 1,
    )


def lived(parts: Parts, rewards: int) -> None:
    rng = random.Random(5)
    made = [reward(at, rng) for at in range(rewards)]
    parts.log.append([Output(REWARDS, each.title, codec.encode(each)) for each in made])
    parts.driver.open()
    parts.driver.drain()
    parts.archiver.run()


def test_a_prior_learns_from_the_log_what_does_better(parts: Parts) -> None:
    lived(parts, 8000)
    assert counted(parts)["impressions"].sum() == 8000
    found = fit_prior(parts)
    assert (found.titles, found.artworks) == (40, 80)
    assert serve_prior(parts, found.version) == 40
    assert parts.opinions.current == found.version
    opinions = list(parts.opinions.titles(found.version))
    right = [dict(zip(each.artworks, each.relative, strict=True)) for each in opinions]
    assert np.mean([each["a"] > each["b"] for each in right]) > 0.95


def test_a_new_title_is_scored_and_its_artworks_start_where_the_prior_says(parts: Parts) -> None:
    lived(parts, 8000)
    serve_prior(parts, fit_prior(parts).version)
    new = Title(
        id="new",
        artworks=(
            Artwork(id="good", description="a rocket to a new planet"),
            Artwork(id="bad", description="tax forms and parking rules"),
        ),
    )
    parts.catalogue.put([new], now_ms=now_ms())
    assert score_new(parts) == 1
    assert score_new(parts) == 0
    snapshots = Snapshots(Parts(parts.settings), ApiMetrics())
    snapshots.refresh()
    index = snapshots.index
    rows = index.arrays.rows("new")
    beliefs = index.arrays.beliefs["home"][rows]
    assert index.artworks("new") == ("good", "bad")
    assert beliefs[0, 1] > 1.1 * beliefs[1, 1]
    assert beliefs[0, 6] > 0.5


def test_without_rewards_there_is_nothing_to_fit(parts: Parts) -> None:
    with pytest.raises(NotFound, match="nothing to learn from"):
        fit_prior(parts)
    with pytest.raises(NotFound):
        serve_prior(parts, "ridge-00000000")


def test_opinions_of_another_tool_are_taken_over_whole_or_not(parts: Parts) -> None:
    def said(prior: str) -> Opinion:
        return Opinion(
            title="t1", artworks=("a", "b"), relative=(0.3, -0.3), strength=50.0, prior=prior
        )

    assert import_opinions(parts, [said("llm-1")]) == "llm-1" == parts.opinions.current
    with pytest.raises(InvalidRecord, match="exactly one prior"):
        import_opinions(parts, [said("x"), said("y")])
