"""A prior for the demo: read by name or file, wrong ones named by line."""

from pathlib import Path

import numpy as np
import pytest

from keyart.models.space import load_space
from keyart.schemas.errors import InvalidRecord, UnknownName
from keyart.services.demo.opinions import prior_name, read_opinions
from keyart.services.demo.world import make_world, read_titles


def test_the_shipped_ridge_knows_every_artwork_of_the_demo() -> None:
    opinions = {opinion.title: opinion for opinion in read_opinions("ridge")}
    for title in read_titles()[0]:
        opinion = opinions[title.id]
        assert opinion.prior == "ridge"
        assert opinion.artworks == tuple(artwork.id for artwork in title.artworks)
        assert sum(opinion.relative) == pytest.approx(0, abs=1e-3)


def test_the_shipped_ridge_is_better_than_nothing_on_titles_it_never_saw() -> None:
    audience = make_world(load_space("static"), seed=1, viewers=50).audience
    relative = np.concatenate([opinion.relative for opinion in read_opinions("ridge")])
    likeness = np.corrcoef(relative, np.log(audience.appeal.relative))[0, 1]
    assert 0.1 < likeness < 0.6


def test_a_file_is_known_by_its_stem(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    line = '{"title":"t","artworks":["a"],"relative":[0.0],"strength":9,"prior":"x","more":1}'
    path.write_text(f"{line}\n\n{line}\n")
    assert [opinion.prior for opinion in read_opinions(str(path))] == ["mine", "mine"]
    assert prior_name(str(path)) == "mine"
    assert prior_name("") == ""


@pytest.mark.parametrize("line", ["{", '{"title": 3}', '{"title":"t"}', "[]"])
def test_a_wrong_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "wrong.jsonl"
    path.write_text(
        '{"title":"t","artworks":["a"],"relative":[0.0],"strength":9,"prior":"x"}\n' + line
    )
    with pytest.raises(InvalidRecord, match="line 2"):
        read_opinions(str(path))


@pytest.mark.parametrize("prior", ["nobody", "../data/titles", "/etc"])
def test_an_unknown_prior_is_refused(prior: str) -> None:
    with pytest.raises(UnknownName, match="ridge"):
        read_opinions(prior)
