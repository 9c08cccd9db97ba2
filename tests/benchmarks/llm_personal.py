"""A personal log with a known truth: the demo's audience, uniform choices, and a judge who knows.

`python tests/benchmarks/llm_personal.py log DIR` writes a training log (Parquet by day) and its
catalogue; `keyart llm prepare --log DIR/log --catalogue DIR/titles.jsonl --out ...` and the other
commands then run as on any site. `... truth DIR DATASET [--model NAME=MODEL] [--dual NAME=FOLDER]
[--table NAME=FILE] [--most N]` prints what each opinion's first choice is really worth: the
audience's own take probability.

Levels are raised (`LIFT`), so that a short log has answers enough; which artwork suits whom is as
in the demo.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as arrow
import pyarrow.parquet as parquet

from keyart.models.embed.load import load_space
from keyart.services.demo.world import World, make_world

LIFT = 8.0
DAY_MS = 86_400_000
START_MS = 1_750_000_000_000 // DAY_MS * DAY_MS
SEED = 11


def world(viewers: int) -> tuple[World, np.ndarray]:
    """Return the world, and the true take probabilities (V, M)."""
    made = make_world(load_space("static"), seed=SEED, viewers=viewers)
    return made, np.minimum(made.audience.takes * LIFT, 0.9)


def write_log(out: Path, *, viewers: int, decisions: int, days: int = 14) -> None:
    """Write decisions by uniform choice, each with its reward, and the catalogue."""
    made, takes = world(viewers)
    rng = np.random.default_rng([SEED, 1])
    starts = made.audience.catalogue.starts
    at_ms = START_MS + np.sort(rng.integers(0, days * DAY_MS, decisions))
    rows: list[dict[str, Any]] = []
    for at, shown_at in enumerate(at_ms.tolist()):
        viewer, row = int(rng.integers(viewers)), int(rng.integers(len(made.titles)))
        title = made.titles[row]
        count = len(title.artworks)
        shown = int(rng.integers(count))
        take = rng.random() < takes[viewer, starts[row] + shown]
        rows.append(
            {
                "id": f"d{at}",
                "viewer": f"{viewer:032x}",
                "title": title.id,
                "artwork": title.artworks[shown].id,
                "surface": "home",
                "value": float(take),
                "shown_at_ms": shown_at,
                "closed_at_ms": shown_at + 1_800_000,
                "candidates": [artwork.id for artwork in title.artworks],
                "propensities": [1 / count] * count,
            }
        )
    for day in range(days + 1):
        part = [row for row in rows if (row["closed_at_ms"] - START_MS) // DAY_MS == day]
        if part:
            folder = out / "log" / f"day={day:02d}"
            folder.mkdir(parents=True, exist_ok=True)
            parquet.write_table(arrow.Table.from_pylist(part), folder / "part.parquet")
    lines = [msgspec.json.encode(title) + b"\n" for title in made.titles]
    (out / "titles.jsonl").write_bytes(b"".join(lines))


def truth(dataset: Path, opinions: dict[str, list[np.ndarray]], examples: list[Any]) -> None:
    """Print the mean true take of each opinion's first choice, over random, with an interval."""
    viewers = max(int(example.viewer, 16) for example in examples) + 1
    made, takes = world(max(viewers, 2))
    starts = {
        title.id: int(start)
        for title, start in zip(made.titles, made.audience.catalogue.starts[:-1], strict=True)
    }
    names = {title.id: [artwork.id for artwork in title.artworks] for title in made.titles}
    worth: dict[str, np.ndarray] = {}
    for name, opinion in opinions.items():
        worth[name] = np.zeros(len(examples))
        for at, (example, one) in enumerate(zip(examples, opinion, strict=True)):
            best = one >= one.max() - 1e-12
            places = [names[example.title].index(option.artwork) for option in example.options]
            own = takes[int(example.viewer, 16), starts[example.title] + np.array(places)]
            worth[name][at] = own[best].mean()
    rng = np.random.default_rng(0)
    picks = rng.integers(0, len(examples), (1000, len(examples)))
    base = worth["random"]
    for name, each in worth.items():
        drawn = 100 * (each[picks].mean(axis=1) / base[picks].mean(axis=1) - 1)
        low, high = np.percentile(drawn, [2.5, 97.5])
        lift = 100 * (each.mean() / base.mean() - 1)
        print(f"{name:14} {each.mean():.4f}  {lift:+6.2f} % over random [{low:+.2f}, {high:+.2f}]")


def main() -> int:
    """Write a log, or judge opinions by the truth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("log", "truth"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("dataset", type=Path, nargs="?")
    parser.add_argument("--viewers", type=int, default=300)
    parser.add_argument("--decisions", type=int, default=20_000)
    parser.add_argument("--model", action="append", default=[], metavar="NAME=MODEL")
    parser.add_argument("--template", default="")
    parser.add_argument("--dual", action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--table", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--most", type=int, default=200)
    parser.add_argument("--shuffles", type=int, default=2)
    given = parser.parse_args()
    if given.what == "log":
        write_log(given.folder, viewers=given.viewers, decisions=given.decisions)
        return 0
    from keyart.models.dataset.prepare import read_split
    from keyart.models.llm.scoring.opinions import load_opinions
    from keyart.models.ope.choices.baselines import at_random, popularity
    from keyart.services.cli.llm.knowledge import dual_opinions, table_opinions

    examples = read_split(given.dataset, "test")[-given.most :]
    found = {
        "random": at_random(examples),
        "popularity": popularity(read_split(given.dataset, "train"), examples),
    }
    for named in given.dual:
        name, _, folder = named.partition("=")
        found[name] = dual_opinions(examples, Path(folder), space="static")
    for named in given.table:
        name, _, file = named.partition("=")
        found[name] = table_opinions(examples, Path(file), None, space="static")
    for named in given.model:
        name, _, model = named.partition("=")
        opinions = load_opinions(model, template=given.template, shuffles=given.shuffles)
        found[name] = [one.probabilities for one in opinions.scored(examples)]
    truth(given.dataset, found, examples)
    return 0


if __name__ == "__main__":
    sys.exit(main())
