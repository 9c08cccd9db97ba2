"""From texts to opinions: an encoder and a ridge on top of it, or a language model's own scores."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from keyart.models.artifacts.described import READER_FILE
from keyart.models.dataset.creative_table import CreativeTable
from keyart.models.embed.joined import encode_all
from keyart.models.embed.load import JOINED, installed, load_space
from keyart.models.embed.protocol import FloatArray
from keyart.models.likelihood.calibrate import calibrate
from keyart.models.likelihood.relative import relative_effects
from keyart.models.priors.stack import fit_stack
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
    shares
        What each encoder's ridge weighs in the opinion; of one alone, 1.
    """

    name: str
    train: Array
    test: Array
    strength: float
    gain: float = 0.0
    shares: Mapping[str, float] = field(default_factory=dict)


def opinions_on(
    prior: str,
    train: CreativeTable,
    test: CreativeTable,
    *,
    told: Told = lambda what, done, total: None,
    read: dict[str, FloatArray] | None = None,
    kept: Path | None = None,
) -> TextOpinions:
    """Fit a prior on one table and return its opinions on both.

    Parameters
    ----------
    prior
        What `load_space` takes, with a ridge on top, several joined by `+` as a stack; `llm:DIR`, a
        folder of `keyart llm train` or `export`, whose scores are taken; `best`, the stack of what
        is installed, or the one alone that explains the training tests better; `none`.
    read
        Vectors (N + M, D) of both tables' texts by their encoder's identity: those that are there
        are not made again, those that are made are added.
    kept
        A folder in which vectors of slow encoders are kept from one call to the next.

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
    names = installed() if prior == BEST else prior.split(JOINED)
    texts, size = [*train.texts, *test.texts], len(train.texts)
    blocks = []
    for name in names:
        space = load_space(name, kept=kept)
        if space.identity not in read:
            read[space.identity] = encode_all(space, texts, partial(told, f"{name} reads"))
        blocks.append(read[space.identity])
    told("fitting", 0, 0)
    fit = fit_stack([block[:size] for block in blocks], train.test, train.impressions, train.clicks)
    used = fit.used if prior == BEST else range(len(names))
    return TextOpinions(
        name=JOINED.join(names[at] for at in used) or names[0],
        train=fit.held_out,
        test=fit.prior.relative(np.hstack([block[size:] for block in blocks])),
        strength=fit.prior.strength,
        gain=fit.calibration.gain,
        shares={name: share for name, share in zip(names, fit.shares, strict=True) if share},
    )


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
