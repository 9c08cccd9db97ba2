"""CONTRIBUTING, tried: a policy that is one file of another package is found, told, explained."""

import subprocess
import sys
from pathlib import Path

TOY = '''
from dataclasses import dataclass
from typing import ClassVar

from keyart.models.bandits.bandit import Bandit
from keyart.models.bandits.parameters import number
from keyart.models.bandits.protocol import Floats, Page, even_argmax, mix


@dataclass(frozen=True, slots=True, kw_only=True)
class Toy(Bandit):
    """The artwork that was seen least, but for a share of uniform choices."""

    name: ClassVar[str] = "toy"
    share: float = number(0.2, high=1.0)

    def propensities(self, page: Page) -> Floats:
        return mix(even_argmax(-page.seen, page.mask), page.mask, self.share)

    @classmethod
    def why(cls, terms: object, count: int) -> str:
        return f"Shown because of {count} artworks it was seen least."
'''
ASKS = """
from keyart.models.bandits.registry import POLICIES, build_policy, policy_parameters
from keyart.services.cli.main import app
from typer.testing import CliRunner

policy = build_policy("toy", share=0.5)
print(policy.version.startswith("toy-"), policy_parameters("toy")["share"][0])
told = CliRunner().invoke(app, ["settings"], env={"COLUMNS": "200"}).output
print("toy: The artwork that was seen least" in told)
print(POLICIES["toy"].why(None, 3))
"""
"""The same three that a person would ask: is it built, is it told, does it say why."""


def test_one_file_and_an_entry_point_are_a_policy(tmp_path: Path) -> None:
    (tmp_path / "toy_policy.py").write_text(TOY)
    about = tmp_path / "toy_policy-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-policy\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[keyart.policies]\ntoy = toy_policy:Toy\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{ASKS}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == [
        "True 0.2",
        "True",
        "Shown because of 3 artworks it was seen least.",
    ]
