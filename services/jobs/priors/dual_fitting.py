"""From the training log to a dual encoder that is kept: examples, training, ONNX, registry."""

import hashlib
import logging
import shutil
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import structs

from keyart.models.dataset.catalogue import describe
from keyart.models.dataset.examples import Example, read_examples
from keyart.models.dataset.prepare import Dataset, prepare_log
from keyart.schemas.catalogue import Title
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.extras import need_extra
from keyart.schemas.registry import ModelVersion
from keyart.services.jobs.deploy import DUAL, HELD_OUT_FROM, VIEWERS, register_files
from keyart.services.jobs.priors.learning import Learning, Tell
from keyart.services.jobs.priors.passing import EXAMPLES, PASSING_DUAL

if TYPE_CHECKING:
    from keyart.models.priors.dual.manifest import DualManifest
    from keyart.models.priors.dual.vectors import Floats

VALID: Final = 0.1
"""Share of what was shown that says when to stop."""
TEST: Final = 0.2
"""Share, the latest, on which it is measured: nothing is learned from it."""
MOST_NUMBERS: Final = 100_000_000
"""Of the arrays that it is trained on: 400 MB; of more takes the newest are learned from."""
MOST_EXAMPLES: Final = 50_000
"""Held-out examples, the newest, on which it is measured."""

Told = Callable[[int, int, float], None]
"""Hears epochs done and in all, and the held-out loss."""


@dataclass(frozen=True, kw_only=True)
class DualFitting(Learning):
    """Trains dual encoders for a site, on its training log alone.

    Parameters
    ----------
    epochs, seed
        Of the training: epochs at most, for it stops once held-out examples gain no more.
    """

    epochs: int = 40
    seed: int = 0

    def train(self, *, since_ms: int, by: str, tell: Tell) -> str:
        """See `Trains.train`."""
        tell("training a dual encoder")
        return self.fit(since_ms=since_ms, by=by).name

    def fit(
        self,
        *,
        since_ms: int = 0,
        by: str = "retrain",
        told: Told = lambda done, total, loss: None,
    ) -> ModelVersion:
        """Train, export and keep a dual encoder; return its version.

        From the same log the same version comes out again on one machine, so whoever is killed on
        the way may begin anew.

        Raises
        ------
        MissingExtra
            torch or ONNX is not installed here.
        NotFound, InvalidRecord
            There is nothing to learn from yet, or too little to hold some of it out.
        ModelRejected
            The exported graphs differ from torch.
        """
        need_extra("llm", "retraining a dual encoder")
        need_extra("onnx", "retraining a dual encoder")
        passing = self.scoring.folder / PASSING_DUAL
        shutil.rmtree(passing, ignore_errors=True)
        try:
            return self._fit(passing, since_ms, by, told)
        finally:
            # examples are of single viewers: none stays behind
            shutil.rmtree(passing, ignore_errors=True)

    def _fit(self, passing: Path, since_ms: int, by: str, told: Told) -> ModelVersion:
        from keyart.models.priors.dual.export import export_dual, worth_for_strangers
        from keyart.models.priors.dual.held_out import viewer_gain
        from keyart.models.priors.dual.report import DistillSettings
        from keyart.models.priors.dual.train import train_dual

        titles = self._titles()
        data = passing / EXAMPLES
        made = prepare_log(
            self.archive,
            titles,
            data,
            valid=VALID,
            test=TEST,
            bounds=self.bounds,
            since_ms=since_ms,
        )
        widest = max((len(each.artworks) for each in titles.values()), default=2)
        most = MOST_NUMBERS // (widest * self.scoring.titles.space.dimensions)
        train, valid = (_newest(data, split, most, taken=True) for split in ("train", "valid"))
        test = _newest(data, "test", MOST_EXAMPLES)
        if not train or not valid:
            raise InvalidRecord(
                f"too few takes to train a dual encoder: {len(train)} to learn from, "
                f"{len(valid)} to hold out"
            )
        shown = [each.shown_at_ms for split in ("train", "test") for each in _ends(data, split)]
        vectors = self._vectors([*train, *valid, *test], titles)
        settings = DistillSettings(share=0.0, epochs=self.epochs, seed=self.seed)
        network, report = train_dual(train, valid, {}, vectors, settings, progress=told)
        # of each operator of torchvision it says that this is not installed: nobody needs it
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        out = passing / "dual"
        manifest = export_dual(
            network,
            structs.replace(report, seconds=0.0),  # what took long is no other model
            out,
            name="",
            space=self.scoring.titles.space.identity,
            worth=worth_for_strangers(network, test, vectors),
        )
        gain = viewer_gain(network, test, vectors)
        figures = _figures(made, manifest)
        if gain is not None:
            figures |= {
                VIEWERS: gain.value,
                f"{VIEWERS}, error": gain.error,
                f"{VIEWERS}, takes": float(gain.takes),
            }
        return self._kept(out, manifest, made, shown, by, since_ms, figures)

    def _kept(
        self,
        out: Path,
        manifest: "DualManifest",
        made: Dataset,
        shown: Sequence[int],
        by: str,
        since_ms: int,
        figures: dict[str, float],
    ) -> ModelVersion:
        from keyart.models.priors.dual.manifest import write_dual_manifest

        digest = hashlib.sha256("".join(sorted(manifest.digests.values())).encode()).hexdigest()
        name = f"dual-{digest[:12]}"
        write_dual_manifest(out, structs.replace(manifest, name=name))
        facts = ModelVersion(
            name=name,
            kind=DUAL,
            made_at_ms=self.clock(),
            made_by=by,
            parent=self.scoring.opinions.current,
            from_ms=min(shown),
            to_ms=max(shown),
            since_ms=since_ms,
            rows=sum(made.counts.values()),
            space=manifest.space,
            figures=figures,
        )
        return register_files(self.registry, out, facts)

    def _titles(self) -> dict[str, Title]:
        """Return the catalogue with removed artworks, too: they were shown, and teach."""
        self.scoring.titles.refresh()
        return {name: each.whole for name, each in self.scoring.titles.view.titles.items()}

    def _vectors(
        self, examples: Sequence[Example], titles: dict[str, Title]
    ) -> "dict[str, Floats]":
        from keyart.models.priors.dual.vectors import encode_all, texts_of

        space = self.scoring.titles.space
        found = encode_all(texts_of(examples), space.encode)
        # one without a description is called by its attributes, and serves with no words at all
        artworks = (artwork for title in titles.values() for artwork in title.artworks)
        blank = {describe(each) for each in artworks if not each.description} & found.keys()
        if blank:
            found |= dict.fromkeys(blank, encode_all([""], space.encode)[""])
        return found


def _newest(data: Path, split: str, most: int, *, taken: bool = False) -> list[Example]:
    examples = read_examples(data / f"{split}.jsonl")
    return list(deque((each for each in examples if each.answer >= 0 or not taken), max(most, 1)))


def _ends(data: Path, split: str) -> tuple[Example, Example]:
    """Return the first and the last example of a split, which stands in the order of time."""
    examples = read_examples(data / f"{split}.jsonl")
    first = next(examples)
    last = deque(examples, 1)
    return first, last[0] if last else first


def _figures(made: Dataset, manifest: "DualManifest") -> dict[str, float]:
    report, worth = manifest.report, manifest.worth
    return (worth.figures if worth else {}) | {
        "learned takes": float(report.with_answer),
        "effective takes": made.effective,
        "held-out loss": report.held_out[report.best_epoch],
        "epochs": float(report.best_epoch + 1),
        "parameters": float(report.parameters),
        HELD_OUT_FROM: float(made.test_from_ms),
        "held back": float(made.left_out.get("held back or beyond its share", 0)),
    }
