"""Opinions read from a language model's view of the words, by a ridge fitted on a table of tests.

A small model's letters say little of which text works, while its hidden states do: what a text is
like is there, and a ridge learns from the tests' clicks what of it helps. The opinion is the same
for every viewer.
"""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from keyart.models.dataset.catalogue import describe
from keyart.models.dataset.creative_files import read_distinct, test_ids
from keyart.models.priors.opinion import centred
from keyart.models.priors.ridge import RidgeFit, fit_ridge
from keyart.schemas.catalogue import Title
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.priors import Opinion

Encode = Callable[[Sequence[str]], NDArray[np.floating]]


class ReadReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was fitted, and what it is worth held out (`models.likelihood.calibrate`)."""

    prior: str
    tests: int
    left_out: int
    penalty: float
    strength: float
    gain: float
    titles: int


def read_opinions(
    encode: Encode,
    table: Path,
    titles: Sequence[Title],
    *,
    name: str = "",
    without: Path | None = None,
) -> tuple[list[Opinion], ReadReport]:
    """Return an opinion a title, and how the ridge did on the tests that it was not fitted on.

    Parameters
    ----------
    encode
        From N texts to (N, D) vectors.
    table
        Tests: test, text, impressions, clicks, or Upworthy's names.
    titles
        Whose artworks are judged by their words; those with one artwork get no opinion.
    name
        What decisions call the prior; by default `llm-` and a digest of the fitted weights.
    without
        A table whose tests must not be learned from.

    Raises
    ------
    InvalidRecord
        The table has fewer than two tests, or no clicks.
    """
    unseen = test_ids(without) if without is not None else set()
    tests = read_distinct(table, without=unseen)
    asked = [title for title in titles if len(title.artworks) > 1]
    words = [describe(artwork) for title in asked for artwork in title.artworks]
    if not words:
        raise InvalidRecord("no title has two artworks to choose from")
    vectors, size = encode([*tests.texts, *words]), len(tests.texts)
    fit = fit_ridge(vectors[:size], tests.test, tests.impressions, tests.clicks)
    prior = name or f"llm-{blake2b(fit.prior.weights.tobytes(), digest_size=4).hexdigest()}"
    opinions = _opinions(fit, asked, vectors[size:], prior)
    return opinions, ReadReport(
        prior=prior,
        tests=tests.tests,
        left_out=tests.left_out,
        penalty=fit.penalty,
        strength=round(fit.calibration.strength, 1),
        gain=round(fit.calibration.gain, 2),
        titles=len(opinions),
    )


def _opinions(
    fit: RidgeFit, titles: Sequence[Title], vectors: NDArray[np.floating], prior: str
) -> list[Opinion]:
    ends = np.cumsum([len(title.artworks) for title in titles])
    return [
        Opinion(
            title=title.id,
            artworks=tuple(artwork.id for artwork in title.artworks),
            relative=tuple(centred(raw).round(5).tolist()),
            strength=round(fit.prior.strength, 1),
            prior=prior,
        )
        for title, raw in zip(titles, np.split(fit.prior.relative(vectors), ends[:-1]), strict=True)
    ]
