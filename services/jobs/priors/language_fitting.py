"""From the training log to a language model that is kept: examples, training, ONNX, registry."""

import hashlib
import logging
import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct, structs

from keyart.models.artifacts.described import read_described, write_described
from keyart.models.dataset.lately import NOTHING
from keyart.models.dataset.prepare import Dataset, read_dataset, read_split
from keyart.models.dataset.summed import summed
from keyart.models.embed.language_models import find_causal_lm
from keyart.models.llm.prompt.template import load_template
from keyart.models.llm.training.settings import Method, TrainReport, TrainSettings
from keyart.schemas.errors import InvalidRecord, ModelRejected, NotFound, SettingsError
from keyart.schemas.extras import need_extra
from keyart.schemas.registry import ModelVersion
from keyart.services.jobs.deploy import ANSWERS, HELD_OUT_FROM, LANGUAGE, fetched, register_files
from keyart.services.jobs.priors.language_examples import make_examples, window_of
from keyart.services.jobs.priors.language_export import exported, readable
from keyart.services.jobs.priors.learning import Learning, Tell
from keyart.services.jobs.priors.passing import EXAMPLES, PASSING_LANGUAGE
from keyart.services.jobs.priors.recent import Recent

if TYPE_CHECKING:
    from keyart.models.llm.scoring.manifest import Manifest

TRAINED, EXPORTED = "trained", "exported"
ASKED_FILE: Final = "asked.json"
RECENT_FILE: Final = "recent.json"
SPANS: Final = "spans"
KINDS: Final[tuple[Method, ...]] = ("sft", "dpo", "sft+dpo", SPANS)
"""Methods of `keyart llm train` that need nothing but the log."""
MEGABYTE: Final = 1_000_000


class Asked(Struct, frozen=True, kw_only=True):
    """What the folder of an unfinished training was begun for: for another one it begins anew."""

    settings: TrainSettings
    graph: str
    since_ms: int


@dataclass(frozen=True, kw_only=True)
class LanguageFitting(Learning):
    """Trains a language model on a site's log, as `keyart llm` does by hand.

    Parameters
    ----------
    settings
        Of the training: the model that it begins from, method, template, bounds.
    graph
        What is exported: fp32, int8 or int4.
    disk_mb
        Room on disk that has to be free before, and that the unfinished may take.
    """

    settings: TrainSettings
    graph: str = "fp32"
    disk_mb: int = 8000

    def train(self, *, since_ms: int, by: str, tell: Tell) -> str:
        """See `Trains.train`.

        Whoever was killed goes on at the step that was not finished, and within the training at its
        newest checkpoint. From the same log the same version comes out again on one machine.

        Raises
        ------
        MissingExtra
            torch or ONNX is not installed here.
        SettingsError
            No model is set to begin from, or there is no room on disk.
        NotFound, InvalidRecord
            That model is not there, or there is nothing to learn from yet, or too little to hold
            some of it out.
        ModelRejected
            The training diverged, or the graph differs from torch.
        """
        can_train(self.settings.model)
        _quiet()
        passing = self.scoring.folder / PASSING_LANGUAGE
        asked = Asked(settings=self.settings, graph=self.graph, since_ms=since_ms)
        try:
            if not _is_for(passing, asked):
                shutil.rmtree(passing, ignore_errors=True)
                passing.mkdir(parents=True)
                self._room(passing)
                tell("making examples")
                recent = make_examples(
                    self,
                    passing / EXAMPLES,
                    since_ms=since_ms,
                    takes=self.settings.max_examples,
                    lately=load_template(self.settings.template).tells_lately,
                )
                if recent is not None:
                    write_described(passing / RECENT_FILE, recent)
                write_described(passing / ASKED_FILE, asked)
            name = self._kept(passing, by, since_ms, tell)
        except (InvalidRecord, ModelRejected, NotFound, SettingsError):
            # what is wrong with it would be wrong again; who is killed, or late, goes on with it
            shutil.rmtree(passing, ignore_errors=True)
            raise
        # examples are of single viewers: none stays behind
        shutil.rmtree(passing, ignore_errors=True)
        return name

    def _kept(self, passing: Path, by: str, since_ms: int, tell: Tell) -> str:
        """Do what is left of all steps; return the version's name."""
        from keyart.models.llm.scoring.manifest import write_manifest
        from keyart.models.llm.scoring.opinions import load_opinions
        from keyart.services.jobs.priors.fitted_language import LATELY_FILE, SAID_FILE, Said
        from keyart.services.jobs.priors.language_worth import Measuring

        data, out = passing / EXAMPLES, passing / EXPORTED
        made = read_dataset(data)
        if not made.answered["train"] or not made.answered["valid"]:
            raise InvalidRecord(
                f"too few takes to train a language model: {made.answered['train']:,} to learn "
                f"from, {made.answered['valid']:,} to hold out"
            )
        valid = summed(read_split(data, "valid", answered=True))
        window = window_of(data)
        report = self._trained(passing, tell)
        self._room(passing)
        letters = self.settings.method != SPANS
        share = readable(passing / TRAINED, self.settings.template, valid) if letters else None
        recent = _recent(passing)
        manifest = exported(
            passing / TRAINED,
            out,
            valid,
            graph=self.graph,
            titles=self.scoring.choosable(),
            lately=recent.now if recent else NOTHING,
            tell=tell,
        )
        self._room(passing)
        model, table = load_opinions(str(out)), passing / SAID_FILE
        before, judged = (
            recent.at(when) if recent else NOTHING
            for when in (made.valid_from_ms, made.test_from_ms)
        )
        measuring = Measuring(learning=self, tell=tell)
        worth = measuring.worth(Said(model, table, before), made.valid_from_ms, made.test_from_ms)
        base, name = find_causal_lm(self.settings.model), self._name(manifest)
        manifest = structs.replace(manifest, name=name, base=base, worth=worth)
        parent = self.scoring.opinions.current
        beside = measuring.beside(
            name,
            Said(model, table, judged),
            worth,
            since_ms=made.test_from_ms,
            parent=parent,
            untrained=(
                base,
                lambda: Said(
                    load_opinions(self.settings.model, template=self.settings.template),
                    passing / "untrained.jsonl",
                    judged,
                ),
            ),
        )
        write_manifest(out, manifest)
        if recent:
            write_described(out / LATELY_FILE, recent.now)
        facts = ModelVersion(
            name=name,
            kind=LANGUAGE,
            made_at_ms=self.clock(),
            made_by=by,
            parent=parent,
            from_ms=window.from_ms,
            to_ms=window.to_ms,
            since_ms=since_ms,
            rows=window.taught + made.counts["valid"] + made.counts["test"],
            template=manifest.template,
            figures={
                "learned takes": float(window.takes),
                **(worth.figures if worth else {}),
                **_figures(made, report, manifest),
                **({} if share is None else {ANSWERS: share}),
            },
            beside=beside,
            note=f"{self.settings.method} of {base}",
        )
        tell("keeping it")
        kept = register_files(self.registry, out, facts)
        folder = fetched(self.registry, self.scoring.folder, kept)
        shutil.copyfile(passing / SAID_FILE, folder / SAID_FILE)
        return kept.name

    def _trained(self, passing: Path, tell: Tell) -> TrainReport:
        from keyart.models.llm.training.run import REPORT_FILE, train

        out = passing / TRAINED
        if not (out / REPORT_FILE).is_file():
            tell(f"training {self.settings.model}: {self.settings.method}")
            settings = structs.replace(self.settings, resume=True)
            train(passing / EXAMPLES, out, settings, progress=_by_tenths(tell))
        return read_described(out / REPORT_FILE, TrainReport, made_by="training")

    def _name(self, manifest: "Manifest") -> str:
        digests = [each for graph in manifest.graphs.values() for each in graph.digests.values()]
        parts = [*sorted(digests), manifest.tokenizer_digest, manifest.template_digest]
        digest = hashlib.sha256("".join(parts).encode()).hexdigest()
        return f"{self.settings.method.replace('+', '-')}-{digest[:12]}"

    def _room(self, passing: Path) -> None:
        """See that there is room, and that no more is taken than may be."""
        taken = sum(each.stat().st_size for each in passing.rglob("*") if each.is_file())
        most = self.disk_mb * MEGABYTE
        if taken > most or shutil.disk_usage(passing).free + taken < most:
            raise SettingsError(
                f"retraining a language model may take {self.disk_mb:,} MB of disk "
                f"(KEYART_RETRAIN_LLM_DISK_MB): {taken / MEGABYTE:,.0f} are taken, "
                f"{shutil.disk_usage(passing).free / MEGABYTE:,.0f} are free"
            )


def can_train(model: str) -> None:
    """See that a language model can be retrained here, before a job is begun.

    Raises
    ------
    MissingExtra, SettingsError, NotFound
        Something is not installed, no model is set to begin from, or it is not there.
    """
    for extra in ("llm", "onnx"):
        need_extra(extra, "retraining a language model")
    if not model:
        raise SettingsError(
            "KEYART_RETRAIN_LLM_MODEL names no model to begin from: a folder of one, or smollm2"
        )
    find_causal_lm(model)


def _quiet() -> None:
    """Keep transformers from drawing bars."""
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    logging.getLogger("transformers").setLevel(logging.ERROR)


def _is_for(passing: Path, asked: Asked) -> bool:
    """Whether what was left there was begun for the same, and its examples were not erased."""
    try:
        held = read_described(passing / ASKED_FILE, Asked, made_by="keyart retrain")
    except (NotFound, InvalidRecord):
        return False
    return held == asked and (passing / EXAMPLES).is_dir()


def _recent(passing: Path) -> Recent | None:
    """Return what had recently worked; None where the template has no place for it."""
    path = passing / RECENT_FILE
    return read_described(path, Recent, made_by="keyart retrain") if path.is_file() else None


def _by_tenths(tell: Tell) -> Callable[[str, int, int, float], None]:
    """Return what hears every step and tells each tenth."""
    told = set[tuple[str, int]]()

    def hear(stage: str, done: int, total: int, loss: float) -> None:
        tenth = 10 * done // max(total, 1)
        if (stage, tenth) not in told:
            told.add((stage, tenth))
            at = "" if math.isnan(loss) else f", loss {loss:.3f}"
            tell(f"{stage}: {done:,} of {total:,}{at}")

    return hear


def _figures(made: Dataset, report: TrainReport, manifest: "Manifest") -> dict[str, float]:
    held_out = [loss for stage in report.stages[-1:] for loss in stage.held_out]
    return {
        "prompts": float(report.stages[-1].examples),
        **({"held-out loss": min(held_out)} if held_out else {}),
        "steps": float(sum(stage.steps for stage in report.stages)),
        "parameters": float(report.parameters),
        "temperature": manifest.temperature,
        HELD_OUT_FROM: float(made.test_from_ms),
        "held back": float(made.left_out.get("held back or beyond its share", 0)),
    }
