"""From texts to opinions: an encoder and a ridge on top of it, or a language model's own scores."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from keyart.models.artifacts.described import READER_FILE
from keyart.models.dataset.creative_table import CreativeTable
from keyart.models.embed.encoders import (
    SideBySide,
    TextEncoder,
    encode_all,
    installed,
    text_encoder,
)
from keyart.models.embed.protocol import FloatArray
from keyart.models.likelihood.calibrate import calibrate
from keyart.models.likelihood.relative import relative_effects
from keyart.models.priors.ridge import RidgeFit, fit_ridge
from keyart.schemas.errors import MissingExtra

Array = NDArray[np.float64]
Told = Callable[[str, int, int], None]
"""Hears what is being read, how much of it, and how much there is."""

BEST = "best"
CALIBRATED_ON = 400
"""Training tests, the latest, that a language model is asked about to calibrate its opinions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextOpinions:
    """What a prior says about two tables.

    Parameters
    ----------
    name
        Of the prior; of `best`, the encoders that were best.
    train
        (N,) opinions on the training creatives, each made without its own test.
    test
        (M,) opinions on the creatives that are played, log relative rates.
    strength
        What an opinion is worth, in impressions.
    gain
        Log likelihood over no opinion on the training tests, each without its own, in nats.
    """

    name: str
    train: Array
    test: Array
    strength: float
    gain: float = 0.0


def opinions_on(
    prior: str,
    train: CreativeTable,
    test: CreativeTable,
    *,
    told: Told = lambda what, done, total: None,
    read: dict[str, FloatArray] | None = None,
) -> TextOpinions:
    """Fit a prior on one table and return its opinions on both.

    Parameters
    ----------
    prior
        What `text_encoder` takes, with a ridge on top; `llm:DIR`, a folder of `keyart llm train` or
        `export`, whose scores are taken; `best`, of the encoders that are installed the one that
        explains the training tests best, each without its own; `none`.
    read
        Vectors (N + M, D) of both tables' texts by their encoder's identity: those that are there
        are not made again, those that are made are added.

    Raises
    ------
    UnknownName
        The prior is none of these.
    MissingExtra
        It needs an optional dependency.
    ModelRejected
        Its files are not there.
    """
    kind, _, where = prior.partition(":")
    if kind == "llm" and where and not _is_encoder(where):
        return _language_model(prior, where, train, test, told)
    if prior == "none":
        nothing = np.zeros(len(train.texts)), np.zeros(len(test.texts))
        return TextOpinions(name=prior, train=nothing[0], test=nothing[1], strength=0.0)
    read = {} if read is None else read
    found = {
        spec: _ridge(spec, train, test, told, read)
        for spec in (installed() if prior == BEST else (prior,))
    }
    name = max(found, key=lambda spec: found[spec][0].calibration.gain)
    fit, said = found[name]
    return TextOpinions(
        name=name,
        train=fit.held_out,
        test=said,
        strength=fit.prior.strength,
        gain=fit.calibration.gain,
    )


def _ridge(
    spec: str, train: CreativeTable, test: CreativeTable, told: Told, read: dict[str, FloatArray]
) -> tuple[RidgeFit, Array]:
    """Return the fit on one table, and what it says of the other, (M,)."""
    texts, size = [*train.texts, *test.texts], len(train.texts)
    encoder = text_encoder(spec)
    parts: Sequence[TextEncoder] = encoder.parts if isinstance(encoder, SideBySide) else [encoder]
    for name, part in zip(spec.split("+"), parts, strict=True):
        if part.identity not in read:
            read[part.identity] = encode_all(part, texts, partial(told, f"{name} reads"))
    vectors = np.hstack([read[part.identity] for part in parts])
    fit = fit_ridge(vectors[:size], train.test, train.impressions, train.clicks)
    return fit, fit.prior.relative(vectors[size:])


def _is_encoder(folder: str) -> bool:
    """Whether the folder holds a model without a head, as `keyart llm encoder` writes one."""
    config = Path(folder) / "config.json"
    if not config.is_file() or (Path(folder) / READER_FILE).is_file():
        return False
    kinds = msgspec.json.decode(config.read_bytes()).get("architectures") or [""]
    return not any("CausalLM" in str(kind) for kind in kinds)


def _language_model(
    name: str, folder: str, train: CreativeTable, test: CreativeTable, told: Told
) -> TextOpinions:
    """Return calibrated scores; the calibration is fitted on the latest training tests.

    A model that was trained on those very tests is calibrated too well; the trust that is learned
    on the stream corrects that.
    """
    try:
        from keyart.models.llm.scoring.opinions import opinions
    except ImportError as error:
        raise MissingExtra("llm", "a language model's opinions") from error
    late = train.part(max(train.tests - CALIBRATED_ON, 0), train.tests)
    scores = opinions(
        folder,
        [*_by_test(late), *_by_test(test)],
        told=lambda done, total: told(f"{name} reads", done, total),
    )
    held = np.concatenate(scores[: late.tests])
    found = calibrate(held, relative_effects(late.test, late.impressions, late.clicks))
    padding = np.zeros(len(train.texts) - len(held))
    return TextOpinions(
        name=name,
        train=np.concatenate([padding, held * found.scale]),
        test=np.concatenate(scores[late.tests :]) * found.scale,
        strength=found.strength,
        gain=found.gain,
    )


def _by_test(table: CreativeTable) -> list[list[str]]:
    out: list[list[str]] = [[] for _ in range(table.tests)]
    for at, text in zip(table.test, table.texts, strict=True):
        out[at].append(text)
    return out
