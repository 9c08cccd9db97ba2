"""Knowledge both ways: distilling into the dual encoder, and its words back into the prompt."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from keyart.schemas.errors import SettingsError
from keyart.services.cli.llm.options import Dataset, Out, Shuffles, Space

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from keyart.models.dataset.examples import Example

SOFT_FILE = "soft.jsonl"


def distil(
    dataset: Dataset,
    out: Out,
    model: Annotated[str, typer.Option(help="whose soft labels; empty: the log alone")] = "",
    name: str = "",
    soft: Annotated[int, typer.Option(help="soft labels at most, the latest; 0 all")] = 0,
    share: Annotated[float, typer.Option(help="weight of the soft labels, 0 to 1")] = 0.5,
    epochs: int = 40,
    shuffles: Shuffles = 4,
    space: Space = "static",
    seed: int = 0,
) -> None:
    """Distil language model and log into a dual encoder for any viewer and artwork."""
    from rich.console import Console

    from keyart.models.dataset.prepare import read_split
    from keyart.models.embed.load import taste_space
    from keyart.models.priors.dual.export import export_dual, worth_for_strangers
    from keyart.models.priors.dual.report import DistillSettings
    from keyart.models.priors.dual.train import train_dual
    from keyart.models.priors.dual.vectors import encode_all, texts_of
    from keyart.services.jobs.progress import progress

    where = taste_space(space)
    train, valid = read_split(dataset, "train"), read_split(dataset, "valid")
    asked = ([each for each in train if each.answer >= 0] or train)[-soft if soft else 0 :]
    out.mkdir(parents=True, exist_ok=True)
    labels = soft_labels(asked, model, out / SOFT_FILE, shuffles=shuffles) if model else {}
    vectors = encode_all(texts_of([*train, *valid]), where.encode)
    with progress() as draw:
        network, report = train_dual(
            train,
            [each for each in valid if each.answer >= 0],
            labels,
            vectors,
            DistillSettings(share=share, epochs=epochs, seed=seed),
            progress=lambda done, total, loss: draw("distilling", done, total, f"{loss:.4f}"),
        )
    manifest = export_dual(
        network,
        report,
        out,
        name=name or f"dual-{out.name}",
        space=where.identity,
        worth=worth_for_strangers(network, valid, vectors),
    )
    Console().print_json(msgspec.json.encode(manifest).decode())


def soft_labels(
    examples: "Sequence[Example]", model: str, path: Path, *, shuffles: int
) -> "dict[str, NDArray[np.float64]]":
    """Return the language model's probabilities by example id, kept in `path` as they are made."""
    import numpy as np

    from keyart.models.llm.scoring.opinions import load_opinions
    from keyart.services.jobs.progress import progress

    known: dict[str, NDArray[np.float64]] = {}
    if path.is_file():
        for line in path.read_bytes().splitlines():
            try:
                id, row = msgspec.json.decode(line, type=tuple[str, list[float]])
            except msgspec.DecodeError:
                continue  # A run that was stopped left half a line; it is asked again.
            known[id] = np.array(row)
    asked = [example for example in examples if example.id not in known]
    if not asked:
        return known
    opinions = load_opinions(model, shuffles=shuffles)
    with progress() as draw, path.open("ab") as out:
        for start in range(0, len(asked), 32):
            draw("soft labels", start, len(asked), "")
            block = asked[start : start + 32]
            for example, one in zip(block, opinions.scored(block), strict=True):
                known[example.id] = one.probabilities
                row = one.probabilities.round(6).tolist()
                out.write(msgspec.json.encode((example.id, row)) + b"\n")
            out.flush()
        draw("soft labels", len(asked), len(asked), "")
    return known


def words(
    dataset: Dataset,
    out: Out,
    dual: Annotated[Path, typer.Option(help="folder of distil")],
    most: Annotated[int, typer.Option(help="interests named at most")] = 3,
    space: Space = "static",
) -> None:
    """Write the examples anew with the dual encoder's view of the viewer in words."""
    from keyart.models.dataset.examples import SPLITS, write_examples
    from keyart.models.dataset.prepare import DATASET_FILE, read_dataset, read_split
    from keyart.models.embed.concepts import Concepts
    from keyart.models.embed.load import taste_space
    from keyart.models.priors.dual.dual import DualEncoder, TasteWords
    from keyart.models.priors.dual.vectors import encode_all, texts_of, viewer_of_history

    where = taste_space(space)
    concepts = Concepts(where)
    said = TasteWords(DualEncoder(dual, space=where.identity), concepts.names, concepts.vectors)
    if out.resolve() == dataset.resolve():
        raise SettingsError("the dataset with words is written to a folder of its own")
    out.mkdir(parents=True, exist_ok=True)
    for split in SPLITS:
        examples = read_split(dataset, split)
        vectors = encode_all(texts_of(examples), where.encode)
        write_examples(
            out / f"{split}.jsonl",
            (
                msgspec.structs.replace(
                    example,
                    taste=said.words(viewer_of_history(example.history, vectors), most=most),
                )
                for example in examples
            ),
        )
    (out / DATASET_FILE).write_bytes(msgspec.json.encode(read_dataset(dataset)))


def dual_opinions(
    examples: "Sequence[Example]", folder: Path, *, space: str
) -> "list[NDArray[np.float64]]":
    """Return a dual encoder's opinions on these examples."""
    from keyart.models.embed.load import taste_space
    from keyart.models.priors.dual.dual import DualEncoder
    from keyart.models.priors.dual.vectors import encode_all, texts_of

    where = taste_space(space)
    dual = DualEncoder(folder, space=where.identity)
    return dual.probabilities(examples, encode_all(texts_of(examples), where.encode))


def table_opinions(
    examples: "Sequence[Example]", table: Path, segment_file: Path | None, *, space: str
) -> "list[NDArray[np.float64]]":
    """Return what the prior table says on these examples, each viewer in the nearest segment.

    A title or artwork that is not in the table gets no opinion: the mean of the title's others.
    """
    import numpy as np

    from keyart.models.dataset.segments import Segment, nearest_segment, read_segments
    from keyart.models.embed.load import taste_space
    from keyart.models.llm.scoring.table import read_table

    path = segment_file or table.with_suffix(".segments.json")
    segments = read_segments(path) if path.is_file() else [Segment(name="", viewers=0)]
    where = taste_space(space)
    rows = {
        (row.segment, row.title): dict(zip(row.artworks, row.relative, strict=True))
        for row in read_table(table)
    }
    found = []
    for example in examples:
        segment = nearest_segment(example.history, segments, where.encode)
        row = rows.get((segment, example.title), rows.get(("", example.title), {}))
        logs = np.array([row.get(option.artwork, 0.0) for option in example.options])
        weights = np.exp(logs - logs.max())
        found.append(weights / weights.sum())
    return found
