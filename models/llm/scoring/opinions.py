"""A folder of `train` or `export` as something that has opinions."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keyart.models.artifacts.graphs import check_graph
from keyart.models.dataset.examples import Choice, Example
from keyart.models.likelihood.temperature import tempered
from keyart.models.llm.prompt.prompts import Prompter
from keyart.models.llm.prompt.template import load_template
from keyart.models.llm.prompt.tokenizing import load_tokenizer
from keyart.models.llm.scoring.manifest import MANIFEST_FILE, Manifest, read_manifest
from keyart.models.llm.scoring.options import Scored, score_options
from keyart.models.llm.scoring.scorer import Scorer
from keyart.models.priors.opinion import relative_log
from keyart.models.priors.worth import UNMEASURED, Worth
from keyart.schemas.decisions import MAX_ARTWORKS
from keyart.schemas.errors import ModelRejected

TEMPLATE_FILE = "template.txt"
TOGETHER = 64
"""Questions that are asked between two words of progress."""


class Opinions:
    """Scores examples with one model, one template, one way of running it.

    `worth` says what these opinions are worth as a prior: measured when the model was exported,
    else a scale of 1 and a strength of `UNMEASURED`.
    """

    def __init__(
        self,
        *,
        name: str,
        prompter: Prompter,
        scorer: Scorer,
        shuffles: int,
        temperature: float = 1.0,
        worth: Worth | None = None,
        seed: int = 0,
    ) -> None:
        self.name = name
        self.prompter = prompter
        self.scorer = scorer
        self.shuffles = shuffles
        self.temperature = temperature
        self.worth = worth or Worth(scale=1.0, strength=UNMEASURED, gain=0.0, titles=0)
        self._seed = seed

    def scored(self, examples: Sequence[Example]) -> list[Scored]:
        """Return each example's opinion, its probabilities calibrated by the temperature."""
        found = score_options(
            self.prompter, self.scorer, examples, shuffles=self.shuffles, seed=self._seed
        )
        if self.temperature == 1.0:
            return found
        return [
            Scored(probabilities=tempered(one.probabilities, self.temperature), places=one.places)
            for one in found
        ]


def load_opinions(
    model: str,
    *,
    template: str = "",
    device: str = "cpu",
    shuffles: int = 0,
    graph: str = "",
    threads: int = 0,
    batch_tokens: int = 4096,
    cache: Path | None = None,
    seed: int = 0,
) -> Opinions:
    """Return a model's opinions: a folder of `export` runs on ONNX Runtime, all else on torch.

    Parameters
    ----------
    model
        Folder of `export`, folder of `train`, or what `load_causal_lm` takes.
    template
        Shipped name or file; by default the one in the folder, else `choose.v1`.
    device
        `cpu`, `cuda` (asserted) or, exported, `auto`.
    shuffles
        Orders of the options that are averaged; 0: what the manifest says, else 4.
    graph
        Which exported graph (fp32, int8, int4); by default the one that the manifest serves.
    threads
        Threads of ONNX Runtime; 0 lets it choose.
    batch_tokens
        Tokens in one pass at most.

    Raises
    ------
    ModelRejected
        A file is not what the manifest describes, or parity failed.
    """
    folder = Path(model)
    own = folder / TEMPLATE_FILE
    wording = load_template(template or (str(own) if own.is_file() else "choose.v1"))
    if (folder / MANIFEST_FILE).is_file():
        manifest = read_manifest(folder)
        if wording.digest != manifest.template_digest:
            raise ModelRejected(f"{model} was exported with another template")
        prompter = Prompter(load_tokenizer(folder, manifest.tokenizer_digest), wording)
        return Opinions(
            name=manifest.name,
            prompter=prompter,
            scorer=_onnx(folder, manifest, graph, device, threads, batch_tokens),
            shuffles=shuffles or manifest.shuffles,
            temperature=manifest.temperature,
            worth=manifest.worth,
            seed=seed,
        )
    from keyart.models.llm.scoring.span_reader import load_scoring_model
    from keyart.models.llm.scoring.torch_engine import TorchEngine

    loaded = load_scoring_model(model, cache=cache, device=device)
    prompter = Prompter(loaded.tokenizer, wording)
    scorer = Scorer(TorchEngine(loaded.model, prompter.marks), batch_tokens=batch_tokens)
    return Opinions(
        name=loaded.name, prompter=prompter, scorer=scorer, shuffles=shuffles or 4, seed=seed
    )


def _onnx(
    folder: Path, manifest: Manifest, graph: str, device: str, threads: int, batch_tokens: int
) -> Scorer:
    from keyart.models.llm.scoring.onnx_engine import OnnxEngine

    kind = graph or manifest.serves
    if kind not in manifest.graphs:
        raise ModelRejected(f"no {kind} graph in {folder}: {', '.join(manifest.graphs)}")
    path = check_graph(folder, manifest.graphs[kind])
    engine: Any = OnnxEngine(path, device=device, threads=threads)
    return Scorer(engine, batch_tokens=batch_tokens)


def headline_examples(tests: Sequence[Sequence[str]]) -> list[Example]:
    """Return one question a test: which of these texts works, when nobody is known."""
    return [
        Example(
            id=f"test-{at}",
            pair=f"test-{at}",
            title=f"test-{at}",
            options=tuple(
                Choice(artwork=str(place), description=text) for place, text in enumerate(texts)
            ),
            propensities=(1 / len(texts),) * len(texts),
            impressions=(0.0,) * len(texts),
            rewards=(0.0,) * len(texts),
        )
        for at, texts in enumerate(tests)
    ]


def opinions(
    directory: str,
    tests: list[list[str]],
    *,
    told: Callable[[int, int], None] = lambda done, total: None,
) -> list[NDArray[np.float64]]:
    """Return relative log opinions (K_i,) on the texts of each test, by the model in a folder.

    A test of one text, or of more than 40, gets zeros: no opinion. `told` hears tests done and in
    all.
    """
    loaded = load_opinions(directory)
    asked = [at for at, texts in enumerate(tests) if 2 <= len(texts) <= MAX_ARTWORKS]
    found = [np.zeros(len(texts)) for texts in tests]
    for start in range(0, len(asked), TOGETHER):
        told(start, len(asked))
        block = asked[start : start + TOGETHER]
        scored = loaded.scored(headline_examples([tests[at] for at in block]))
        for at, one in zip(block, scored, strict=True):
            found[at] = relative_log(one.probabilities)
    told(len(asked), len(asked))
    return found
