"""One new file is a policy: held by the contract suite, evaluated, on the page, and explained.

The file is written to a folder that becomes part of the package, in a process of its own, since
policies are looked for once.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
TOY = '''
"""Favours what was shown least."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from keyart.models.bandits.bandit import Bandit
from keyart.models.bandits.parameters import number
from keyart.models.bandits.protocol import Floats, Page
from keyart.schemas.decisions import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Shy(Bandit):
    """Probability falls with impressions.

    Parameters
    ----------
    power
        At least 0.
    """

    name: ClassVar[str] = "shy"
    power: float = number(0.5, high=2.0)

    def propensities(self, page: Page) -> Floats:
        shares = page.mask * (1.0 + np.where(page.mask, page.seen, 0.0)) ** -self.power
        shares /= shares.sum(axis=1, keepdims=True)
        return shares.astype(page.mean.dtype)

    def bonus(self, page: Page) -> Floats:
        return 0.5 * page.mean

    @classmethod
    def why(cls, terms: Terms, count: int) -> str:
        return f"Shown because it was hidden: {terms.impressions:.0f} impressions."
'''
PROCESS = """
import json, sys
from types import SimpleNamespace

import keyart.models.bandits as package

package.__path__.append(sys.argv[1])

import numpy as np
import pytest
from typer.testing import CliRunner

options = ["-q", "-p", "no:cacheprovider", "-k", "shy"]
suite = pytest.main([*options, "tests/contract/test_policies.py"])

from keyart.models.bandits.registry import build_policy
from keyart.models.decide.engine import Decider
from keyart.models.decide.index import IndexedTitle, ServingIndex
from keyart.models.statistics.timeline import observe_batch
from keyart.models.taste.features import NO_TASTE
from keyart.schemas.decisions import Decision, DecisionPage, Versions
from keyart.schemas.rewards import Reward
from keyart.services.cli.main import app
from keyart.services.page.decisions import decisions_of
from keyart.services.page.fractions import figures, tracks

command = ["evaluate", "creatives", "--train", sys.argv[2], "--prior", "none", "--tau", "5"]
command += ["--replications", "1", "--policy", "shy", "--json", sys.argv[3]]
evaluated = CliRunner().invoke(app, command)

index = ServingIndex()
vectors = np.eye(3, 64, dtype=np.float32)
index.put([IndexedTitle(id="t", artworks=("a", "b", "c"), vectors=vectors)])
decided = Decider(policy=build_policy("shy"), explore_share=0.0).decide(
    index, titles=["t"], taste=NO_TASTE, surface="home", viewer="v", now_ms=1
)
versions = Versions(policy=build_policy("shy").version, prior="n", posterior="0", space="s")
made = Decision(
    id="d", title="t", artwork=decided.chosen_artworks[0], candidates=("a", "b", "c"),
    propensities=tuple(decided.propensities[0].tolist()), explored=False, terms=decided.terms()[0],
)
seen = DecisionPage(
    viewer="0" * 32, surface="home", decided_at_ms=1, policy="shy", decisions=(made,),
    versions=versions,
)
source = SimpleNamespace(
    flows=SimpleNamespace(recent=lambda many: [seen]), titles={}, clock=lambda: 2,
    pictures=SimpleNamespace(of=lambda title, artwork: ""),
)
(shown,) = decisions_of(source, limit=5, explore_share=0.0).decisions
rewards = [
    Reward(
        id=f"r{at}", viewer=f"{at:032x}", title="t", artwork="a", surface="home",
        value=float(at < 3), shown_at_ms=60_000, closed_at_ms=61_000, candidates=("a", "b"),
        propensities=(0.5, 0.5), explored=False, policy="shy", versions=versions,
    )
    for at in range(9)
]
lines = list(tracks(observe_batch(rewards, bucket_ms=60_000)).values())
told = CliRunner().invoke(app, ["settings"])
print("\\n" + json.dumps({
    "suite": int(suite),
    "evaluated": evaluated.exit_code,
    "output": evaluated.output[-500:],
    "policy": shown.policy,
    "sentence": shown.sentence,
    "bonus": decided.terms()[0].bonus,
    "mean": float(decided.page.mean[0, 0]),
    "figures": [one.policy for one in figures(lines)],
    "settings": told.output,
}))
"""


def table(path: Path) -> Path:
    rng = np.random.default_rng(0)
    lines = ["test,text,impressions,clicks"]
    for test in range(20):
        lines += [f"t{test},text {test} {at},500,{rng.binomial(500, 0.04)}" for at in range(3)]
    path.write_text("\n".join(lines))
    return path


def test_one_new_file_is_a_policy_everywhere(tmp_path: Path) -> None:
    folder, out = tmp_path / "more", tmp_path / "out.json"
    folder.mkdir()
    (folder / "shy.py").write_text(TOY)
    train = table(tmp_path / "tests.csv")
    ran = subprocess.run(
        [sys.executable, "-c", PROCESS, str(folder), str(train), str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        env={
            "PATH": "",
            "KEYART_DATA_DIR": str(tmp_path / "data"),
            "OMP_NUM_THREADS": "1",
            # what is compiled already is not compiled again
            **{name: text for name, text in os.environ.items() if name.startswith("PYTHONPYCACHE")},
        },
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    found = json.loads(ran.stdout.splitlines()[-1])
    assert found["suite"] == 0, ran.stdout[-2000:]
    assert "passed" in ran.stdout and "deselected" in ran.stdout
    assert found["evaluated"] == 0, found["output"]
    rows = json.loads(out.read_text())["rows"]
    assert {"keyart", "shy", "ucb"} <= {row["policy"] for row in rows}
    assert found["policy"] == "shy" and found["figures"] == ["shy"]
    assert found["sentence"] == "Shown because it was hidden: 0 impressions."
    assert abs(found["bonus"] - 0.5 * found["mean"]) < 1e-6
    assert "shy: Probability falls with impressions." in found["settings"]
    assert "power: from 0 to 2; default 0.5" in found["settings"]
