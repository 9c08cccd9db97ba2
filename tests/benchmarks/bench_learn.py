"""Learn from rewards with 32 features, in process, on one core; a unit is one reward learned.

keyart's row is the whole bandit step: sums of titles and artworks, the shared weights' sums, the
figures over time, and the packed bytes that would be committed, read back for the next batch.
Beside it Vowpal Wabbit (`--cb_explore_adf --squarecb`), learning one decision of ten artworks at a
time, and MABWiser's LinTS. Decoding of the log's records is shown alone, as a caller may count it.
"""

from tests.benchmarks.common import Row, rates, rows_of, show  # isort: skip (sets threads)

import sys

import msgspec
import numpy as np
import vowpalwabbit
from mabwiser.mab import MAB, LearningPolicy

from keyart.models.statistics.timeline import Key
from keyart.schemas import codec
from keyart.schemas.decisions import Versions
from keyart.schemas.posterior import TitlesMeta
from keyart.schemas.rewards import Reward
from keyart.streams.families import TITLES_META as META_KEY
from keyart.streams.steps.bandit import BanditRules, bandit_step, wanted

TITLES, ARTWORKS, FEATURE_COUNT = 200, 10, 32
BATCH = 4000
NOW = 1_700_000_000_000
ARRAYS, TEXT = "VW, from arrays", "VW, text written before"


class Keyart:
    """Batches of rewards through the bandit step, state carried from batch to batch."""

    def __init__(self, x: np.ndarray, rng: np.random.Generator) -> None:
        names = tuple(f"artwork-{at}" for at in range(ARTWORKS))
        versions = Versions(policy="optimistic-0", prior="neutral", posterior="0", space="s")
        self.rewards = []
        for at in range(BATCH):
            title, artwork = int(rng.integers(TITLES)), int(rng.integers(ARTWORKS))
            self.rewards.append(
                Reward(
                    id=f"{at:016x}",
                    viewer=f"{int(rng.integers(2**60)):032x}",
                    title=f"title-{title}",
                    artwork=names[artwork],
                    surface="home",
                    value=float(rng.random() < 0.05),
                    shown_at_ms=NOW + at * 10,
                    closed_at_ms=NOW + at * 10 + 1_800_000,
                    candidates=names,
                    propensities=(0.1,) * ARTWORKS,
                    explored=bool(rng.random() < 0.05),
                    policy="optimistic",
                    versions=versions,
                    features=tuple(x[title % len(x), artwork].tolist()),
                    expected=0.05,
                    position=1 + title % 40,
                    source=0,
                    sequence=at + 1,
                )
            )
        self.lines = [msgspec.json.encode(reward) for reward in self.rewards]
        self.decoder = codec.rewards
        self.held: dict[tuple[str, str], bytes | None] = {}
        self.buckets: list[Key] = []
        self.rules = BanditRules()

    def step(self) -> int:
        """Learn one batch, as if its sequence numbers were new."""
        meta = TitlesMeta(buckets=self.buckets)
        wanted(self.rewards, meta, self.rules)
        effects, after = bandit_step(self.held, self.rewards, meta, self.rules)
        self.held.update(effects.puts)
        self.buckets = after.buckets
        assert effects.counts["learned"] == BATCH and META_KEY in effects.puts
        return BATCH

    def decode(self) -> int:
        """Read one batch of records."""
        for line in self.lines:
            self.decoder.decode(line)
        return BATCH


class VowpalWabbit:
    """One decision after the other, the chosen artwork labelled with cost and probability."""

    def __init__(self, x: np.ndarray, rng: np.random.Generator) -> None:
        self.x = x[:20]
        self.workspace = vowpalwabbit.Workspace(
            "--cb_explore_adf --squarecb --quiet -b 18 --random_seed 1"
        )
        self.labels = [
            (int(rng.integers(ARTWORKS)), f"0:{-float(rng.random() < 0.05)}:0.1") for _ in self.x
        ]
        self.lines = []
        for title, (chosen, label) in zip(self.x, self.labels, strict=True):
            lines = [
                "|a " + " ".join(f"{at}:{value:.5g}" for at, value in enumerate(row))
                for row in title.tolist()
            ]
            lines[chosen] = f"{label} {lines[chosen]}"
            self.lines.append(lines)
        space = self.workspace.hash_space("a")
        self.hashed = [self.workspace.hash_feature(str(at), space) for at in range(x.shape[2])]

    def from_text(self) -> int:
        """Learn twenty decisions whose text is written already."""
        for lines in self.lines:
            self.workspace.learn(lines)
        return len(self.lines)

    def from_arrays(self) -> int:
        """Build and learn twenty decisions."""
        kind = vowpalwabbit.LabelType.CONTEXTUAL_BANDIT
        for title, (chosen, label) in zip(self.x, self.labels, strict=True):
            examples = []
            for at, row in enumerate(title.tolist()):
                example = vowpalwabbit.Example(self.workspace, None, kind)
                example.push_features("a", list(zip(self.hashed, row, strict=True)))
                if at == chosen:
                    example.set_label_string(label)
                example.setup_example()
                examples.append(example)
            self.workspace.learn(examples)
        return len(self.x)


def mabwiser(x: np.ndarray, rng: np.random.Generator) -> tuple[MAB, np.ndarray, list[int]]:
    """Return a LinTS over ten arms that has begun, contexts and picks to learn from."""
    contexts = x[:, 0].astype(np.float64)
    picks: list[int] = rng.integers(0, ARTWORKS, len(contexts)).tolist()
    bandit = MAB(list(range(ARTWORKS)), LearningPolicy.LinTS(alpha=0.5), seed=1)
    bandit.fit(picks, [0.0] * len(picks), contexts)
    return bandit, contexts, picks


def main() -> list[Row]:
    """Measure, print and return the table."""
    rng = np.random.default_rng(1)
    x = rng.normal(0.0, 0.7, (TITLES, ARTWORKS, FEATURE_COUNT)).astype(np.float32)
    ours, theirs = Keyart(x, rng), VowpalWabbit(x, rng)
    bandit, contexts, picks = mabwiser(x, rng)
    values = (rng.random(len(picks)) < 0.05).astype(float).tolist()

    def one_by_one() -> int:
        for at in range(10):
            bandit.partial_fit(picks[at : at + 1], values[at : at + 1], contexts[at : at + 1])
        return 10

    def batch() -> int:
        bandit.partial_fit(picks, values, contexts)
        return len(picks)

    found = rates(
        {
            "keyart, bandit step": ours.step,
            "keyart, decoding records": ours.decode,
            ARRAYS: theirs.from_arrays,
            TEXT: theirs.from_text,
            "MABWiser LinTS, one by one": one_by_one,
            "MABWiser LinTS, 200 at once": batch,
        }
    )
    notes = {
        "keyart, bandit step": f"batches of {BATCH:,}, {TITLES} titles, state packed",
        TEXT: "writing not counted",
        "keyart, decoding records": "JSON, checked against the schema",
    }
    rows = rows_of("learn", found, unit="rewards/s", against=ARRAYS, notes=notes)
    show(f"learn: {ARTWORKS} artworks, {FEATURE_COUNT} features, 1 core", rows)
    return rows


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
