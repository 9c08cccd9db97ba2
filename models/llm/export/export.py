"""From a post-trained folder to one that serves: graphs, tokenizer, template, manifest."""

import shutil
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.artifacts.digests import file_digest
from keyart.models.artifacts.graphs import Graph, Parity
from keyart.models.dataset.examples import Example
from keyart.models.embed.language_models import LanguageModel
from keyart.models.likelihood.temperature import fit_temperature, tempered
from keyart.models.llm.export.onnx_graph import export_graph, into_one
from keyart.models.llm.export.quantise import quantise
from keyart.models.llm.prompt.prompts import Prompter, shuffled
from keyart.models.llm.prompt.template import load_template
from keyart.models.llm.prompt.tokenizing import tokenizer_digest
from keyart.models.llm.scoring.manifest import Manifest, write_manifest
from keyart.models.llm.scoring.onnx_engine import OnnxEngine
from keyart.models.llm.scoring.options import score_options
from keyart.models.llm.scoring.scorer import Scorer
from keyart.models.llm.scoring.span_reader import load_scoring_model
from keyart.models.llm.scoring.torch_engine import TorchEngine
from keyart.models.priors.worth import Worth, measure_worth
from keyart.schemas.errors import InvalidRecord, ModelRejected

BOUNDS: Final = {"fp32": 1e-3, "int8": 0.1, "int4": 0.25}
"""Largest difference of an option's probability from torch's that a graph may show."""


def export(
    model: str,
    examples: Sequence[Example],
    out: Path,
    *,
    name: str,
    template: str = "",
    kinds: Sequence[str] = ("fp32", "int4"),
    serves: str = "",
    shuffles: int = 4,
    prompts: int = 32,
    calibrate_on: int = 400,
    bounds: dict[str, float] | None = None,
    one_file: bool = False,
    cache: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Manifest:
    """Write an exported model to `out` and return its manifest.

    Parameters
    ----------
    model
        Folder of `train`, or what `load_causal_lm` takes.
    examples
        Real, held-out ones: parity is checked on `prompts` of them, and the temperature is fitted
        on all that have an answer.
    name
        What decisions call the prior.
    kinds
        fp32, int8, int4; the first is exported, the others are made from it.
    serves
        The kind that serves by default; by default the first of `kinds`.
    calibrate_on
        Of the latest examples, answered or not, so many measure what the opinions are worth.
    one_file
        Whether a graph holds its weights, as the registry keeps it, or has them beside it.

    Raises
    ------
    ModelRejected
        A graph's option probabilities are further from torch's than `BOUNDS` (or `bounds`) say;
        nothing is left that could be registered.
    InvalidRecord
        There are no examples to check on.
    """
    if not examples:
        raise InvalidRecord("parity is checked on real prompts, and there are no examples")
    own = Path(model) / "template.txt"
    wording = load_template(template or (str(own) if own.is_file() else "choose.v1"))
    loaded = load_scoring_model(model, cache=cache)
    prompter = Prompter(loaded.tokenizer, wording)
    out.mkdir(parents=True, exist_ok=True)
    try:
        graphs = _graphs(
            loaded, prompter, examples[:prompts], out, kinds, bounds or {}, one_file, tell
        )
        loaded.tokenizer.save_pretrained(str(out))
        (out / "template.txt").write_text(wording.text, "utf-8")
        serving = serves or list(kinds)[0]
        tell(f"calibrating {serving}")
        engine = OnnxEngine(out / graphs[serving].file)
        latest = len(examples) - calibrate_on
        asked = [each for at, each in enumerate(examples) if each.answer >= 0 or at >= latest]
        scored = score_options(prompter, Scorer(engine), asked, shuffles=shuffles)
        temperature, worth = calibrated(asked, [one.probabilities for one in scored], calibrate_on)
        manifest = Manifest(
            name=name,
            base=loaded.name,
            template=f"{wording.name}.v{wording.version}",
            template_digest=wording.digest,
            tokenizer_digest=tokenizer_digest(out),
            marks=list(prompter.marks),
            graphs=graphs,
            serves=serving,
            temperature=temperature,
            worth=worth,
            shuffles=shuffles,
            libraries={
                lib: version(lib) for lib in ("torch", "transformers", "onnx", "onnxruntime")
            },
        )
    except ModelRejected:
        shutil.rmtree(out)
        raise
    write_manifest(out, manifest)
    return manifest


def calibrated(
    examples: Sequence[Example], probabilities: Sequence[NDArray[np.float64]], latest: int
) -> tuple[float, Worth | None]:
    """Return the temperature by the answers, and the worth by the latest examples' takes."""
    answers = [
        (probabilities[at], answer, share * (example.weight or 1.0))
        for at, example in enumerate(examples)
        if example.answer >= 0
        for answer, share in _answers(example)
    ]
    temperature = fit_temperature(
        [found for found, _, _ in answers],
        [answer for _, answer, _ in answers],
        [weight for _, _, weight in answers],
    )
    judged = [tempered(each, temperature) for each in probabilities[-latest:]]
    return temperature, measure_worth(examples[-latest:], judged)


def _answers(example: Example) -> list[tuple[int, float]]:
    """Return what was answered, and its share: several of one that several were summed to."""
    if example.summed == 1:
        return [(example.answer, 1.0)]
    return [(at, share) for at, share in enumerate(example.soft) if share > 0]


def _graphs(
    loaded: LanguageModel,
    prompter: Prompter,
    examples: Sequence[Example],
    out: Path,
    kinds: Sequence[str],
    bounds: dict[str, float],
    one_file: bool,
    tell: Callable[[str], None],
) -> dict[str, Graph]:
    scorer = Scorer(TorchEngine(loaded.model, prompter.marks))
    orders = [shuffled(len(each.options), key=each.id, shuffle=0, seed=0) for each in examples]
    prompts = [
        prompter.prompt(each, order, spans=scorer.reads_spans)
        for each, order in zip(examples, orders, strict=True)
    ]
    counts = [len(each.options) for each in examples]
    expected = scorer.score(prompts, counts)
    base = out / "fp32.onnx"
    tell("exporting fp32")
    opset = export_graph(loaded.model, prompter.marks, base)
    graphs = {}
    for kind in kinds:
        path = out / f"{kind}.onnx"
        if kind != "fp32":
            tell(f"quantising to {kind}")
            quantise(base, path, kind=kind)
        if one_file:
            into_one(path)
        tell(f"checking {kind} against torch")
        found = Scorer(OnnxEngine(path)).score(prompts, counts)
        parity = compare(expected, found, bound=bounds.get(kind, BOUNDS[kind]))
        if not parity.largest <= parity.bound:
            raise ModelRejected(f"{kind} does not agree with torch: {parity}")
        files = [each for each in (path, path.with_name(path.name + ".data")) if each.is_file()]
        graphs[kind] = Graph(
            file=path.name,
            digests={each.name: file_digest(each) for each in files},
            opset=opset,
            bytes=sum(each.stat().st_size for each in files),
            parity=parity,
        )
    if "fp32" not in kinds:
        for each in (base, base.with_name(base.name + ".data")):
            each.unlink(missing_ok=True)
    return graphs


def compare(expected: Sequence[Any], found: Sequence[Any], *, bound: float) -> Parity:
    """Return how far option probabilities are apart, given log probabilities (K_i,) of each."""
    gaps = [np.abs(np.exp(a) - np.exp(b)) for a, b in zip(expected, found, strict=True)]
    same = [int(a.argmax()) == int(b.argmax()) for a, b in zip(expected, found, strict=True)]
    return Parity(
        prompts=len(gaps),
        largest=float(np.max([gap.max() for gap in gaps])),
        mean=float(np.concatenate(gaps).mean()),
        same_choice=float(np.mean(same)),
        bound=bound,
    )
