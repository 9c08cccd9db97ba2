"""A prior for the demo: found by name, file or folder, wrong ones named by line."""

from pathlib import Path

import numpy as np
import pytest

from keyart.models.embed import load_space
from keyart.schemas.errors import InvalidRecord, UnknownName
from keyart.services.demo.priors import find_prior
from keyart.services.demo.world import make_world, read_titles
from keyart.services.jobs.priors.taking import read_opinions

SHIPPED = ("ridge", "llm")


@pytest.mark.parametrize("prior", SHIPPED)
def test_a_shipped_table_matches_the_demos_titles(prior: str) -> None:
    """Every title once, its artworks in their order, and nothing else."""
    opinions = list(read_opinions(find_prior(prior)))
    titles = read_titles()[0]
    assert [opinion.title for opinion in opinions] == [title.id for title in titles]
    for opinion, title in zip(opinions, titles, strict=True):
        assert opinion.prior.split("-")[0] == prior
        assert opinion.artworks == tuple(artwork.id for artwork in title.artworks)
        assert len(opinion.relative) == len(opinion.artworks)
        assert sum(opinion.relative) == pytest.approx(0, abs=1e-3)
        assert opinion.strength > 0


@pytest.mark.parametrize("prior", SHIPPED)
def test_a_shipped_table_is_better_than_nothing_on_titles_it_never_saw(prior: str) -> None:
    audience = make_world(load_space("static"), seed=1, viewers=50).audience
    relative = np.concatenate([opinion.relative for opinion in read_opinions(find_prior(prior))])
    likeness = np.corrcoef(relative, np.log(audience.appeal.relative))[0, 1]
    assert 0.1 < likeness < 0.6


def test_files_and_folders_of_your_own_are_found(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    line = '{"title":"t","artworks":["a"],"relative":[0.0],"strength":9,"prior":"x","more":1}'
    path.write_text(f"{line}\n\n{line}\n")
    assert find_prior(str(path)) == path
    assert [opinion.prior for opinion in read_opinions(path)] == ["x", "x"]
    (tmp_path / "dual.json").touch()
    assert find_prior(str(tmp_path)) == tmp_path


@pytest.mark.parametrize("line", ["{", '{"title": 3}', '{"title":"t"}', "[]"])
def test_a_wrong_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "wrong.jsonl"
    path.write_text(
        '{"title":"t","artworks":["a"],"relative":[0.0],"strength":9,"prior":"x"}\n' + line
    )
    with pytest.raises(InvalidRecord, match="line 2"):
        find_prior(str(path))


@pytest.mark.parametrize("prior", ["nobody", "../data/titles", "/etc"])
def test_an_unknown_prior_is_refused(prior: str) -> None:
    with pytest.raises(UnknownName, match="ridge"):
        find_prior(prior)
