"""What opinions are worth: measured from takes, none for chance, unknown for too little."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from keyart.models.artifacts.described import read_described, write_described
from keyart.models.dataset.examples import Example
from keyart.models.priors.worth import LEAST_TITLES, Worth, measure_worth
from keyart.schemas.errors import InvalidRecord, NotFound
from tests.unit.models.conftest import example

OPTIONS, SHOWN = 4, 4000


def made_tests(
    titles: int, *, sharpness: float, noise: float, shown: int = SHOWN
) -> tuple[list[Example], list[np.ndarray]]:
    """Tests whose options differ, and opinions: (true effect + noise) made `sharpness` sharper."""
    rng = np.random.default_rng(3)
    made, opinions = [], []
    for at in range(titles):
        effect = rng.normal(0, 0.25, OPTIONS)
        takes = rng.binomial(shown, 0.03 * np.exp(effect))
        made.append(
            example(
                at,
                count=OPTIONS,
                answer=int(takes.argmax()),
                impressions=(float(shown),) * OPTIONS,
                rewards=tuple(float(each) for each in takes),
            )
        )
        logs = sharpness * (effect + rng.normal(0, noise, OPTIONS))
        opinions.append(np.exp(logs) / np.exp(logs).sum())
    return made, opinions


def test_the_scale_undoes_the_sharpness_and_better_opinions_are_worth_more() -> None:
    fair = measure_worth(*made_tests(300, sharpness=1.0, noise=0.1))
    sharp = measure_worth(*made_tests(300, sharpness=5.0, noise=0.1))
    poor = measure_worth(*made_tests(300, sharpness=1.0, noise=0.4))
    assert fair and sharp and poor
    assert fair.scale == pytest.approx(0.25**2 / (0.25**2 + 0.1**2), rel=0.15)
    assert sharp.scale == pytest.approx(fair.scale / 5, rel=0.02)
    assert sharp.strength == pytest.approx(fair.strength, rel=0.02)
    assert poor.strength < fair.strength
    assert poor.scale < fair.scale


def test_an_opinion_that_says_nothing_true_is_worth_nothing() -> None:
    made, opinions = made_tests(120, sharpness=1.0, noise=0.1)
    rng = np.random.default_rng(0)
    shuffled = [opinions[at] for at in rng.permutation(len(opinions))]
    found = measure_worth(made, shuffled)
    assert found is not None
    assert (found.scale, found.strength, found.titles) == (0.0, 0.0, 120)


def test_too_little_is_no_measurement() -> None:
    made, opinions = made_tests(LEAST_TITLES - 1, sharpness=1.0, noise=0.1)
    assert measure_worth(made, opinions) is None
    made, opinions = made_tests(30, sharpness=1.0, noise=0.1, shown=20)
    assert measure_worth(made, opinions) is None


def test_decisions_are_summed_by_artwork() -> None:
    """One impression a row, or all of a title's at once: the same worth."""
    made, opinions = made_tests(20, sharpness=1.0, noise=0.1, shown=120)
    rows, said = [], []
    for test, opinion in zip(made, opinions, strict=True):
        for at in range(OPTIONS):
            for impression in range(int(test.impressions[at])):
                taken = impression < test.rewards[at]
                one = np.eye(OPTIONS)[at]
                row = msgspec.structs.replace(
                    test, impressions=tuple(one.tolist()), rewards=tuple((one * taken).tolist())
                )
                rows.append(row)
                said.append(opinion)
    assert measure_worth(rows, said) == measure_worth(made, opinions)


def test_documents_complain_plainly(tmp_path: Path) -> None:
    path = tmp_path / "worth.json"
    with pytest.raises(NotFound, match="keyart llm export makes it"):
        read_described(path, Worth, made_by="keyart llm export")
    worth = Worth(scale=0.5, strength=100.0, gain=3.0, titles=20)
    write_described(path, worth)
    assert read_described(path, Worth, made_by="x") == worth
    path.write_text('{"scale": 1}')
    with pytest.raises(InvalidRecord, match=r"worth\.json"):
        read_described(path, Worth, made_by="x")
