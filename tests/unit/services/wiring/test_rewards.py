"""Rewards by settings: what is read, what is refused, eras, and another package's definitions."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from keyart.schemas.errors import SettingsError
from keyart.services.jobs.eras import PLUGINS, eras_of, making, said_of_eras
from keyart.services.wiring.lanes import join_rules
from keyart.services.wiring.rewards import reward_rules
from keyart.services.wiring.settings import Settings, read_settings
from keyart.streams.eras import Era, Eras, Value
from keyart.streams.ports import VIEWERS, Lane

LEFT = '{"left": {"played": [{"under": 2, "weight": -1}]}}'


def test_a_table_of_the_file_and_the_variable_say_the_same(tmp_path: Path) -> None:
    file = tmp_path / "keyart.toml"
    file.write_text(
        'reward = "deep"\nguardrails = "left, any_click"\n'
        "[rewards.deep]\nevents = { finish = 1, like = 0.5 }\nwindow_s = 600\n"
        "[rewards.left]\nplayed = [{ under = 2, weight = -1 }]\n"
    )
    of_file = read_settings({"KEYART_CONFIG": str(file)}).settings
    of_text = read_settings(
        {
            "KEYART_REWARD": "deep",
            "KEYART_GUARDRAILS": "left,any_click",
            "KEYART_REWARDS": '{"deep": {"events": {"finish": 1, "like": 0.5}, "window_s": 600},'
            ' "left": {"played": [{"under": 2, "weight": -1}]}}',
        }
    ).settings
    assert reward_rules(of_file) == reward_rules(of_text)
    found = join_rules(of_file).rewards
    assert (found.definition, found.watched) == ("deep", ("left", "any_click"))
    assert found.span_ms("deep") == (0, 600_000) and found.span_ms("left") == (0, 1_800_000)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"reward": "nosuch"}, "KEYART_REWARD is 'nosuch'"),
        ({"guardrails": "nosuch"}, "KEYART_GUARDRAILS is 'nosuch'"),
        ({"guardrails": "any_click,any_click"}, "'any_click' stands twice"),
        ({"guardrails": "quality_play"}, "is the reward that teaches"),
        ({"guardrails": ",".join(f"g{at}" for at in range(8))}, "names 8 rewards, at most 7"),
        ({"rewards": LEFT, "reward": "left"}, "only takes away"),
        ({"rewards": LEFT.replace("left", "any_click")}, "name of another reward"),
        ({"rewards": "nothing"}, "KEYART_REWARDS"),
    ],
)
def test_what_is_wrong_is_one_line(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        reward_rules(Settings(**given))
    assert said in str(caught.value) and "\n" not in str(caught.value)


class Kept:
    """What made a lane, as a test says."""

    def __init__(self, *eras: Era) -> None:
        self._eras = Eras(eras=eras)

    def read(self, lane: Lane) -> Eras:
        return self._eras

    def begin(
        self,
        lane: Lane,
        settings: Mapping[str, Value],
        offsets: Mapping[str, str],
        *,
        at_ms: int,
    ) -> bool:
        raise AssertionError("nothing is begun here")

    def forget(self, lane: Lane) -> None:
        raise AssertionError("nothing is forgotten here")


def test_a_changed_definition_is_another_era_and_each_is_read_with_its_own() -> None:
    before = Settings(rewards=LEFT, guardrails="left")
    now = Settings(rewards=LEFT.replace("2", "3"), guardrails="left")
    first, second = (making(each, VIEWERS) for each in (before, now))
    assert first != second
    lane = Lane(VIEWERS, 0)
    kept = Kept(Era(settings=first), Era(settings=second, offsets={"events": "1-0"}))
    eras = eras_of(kept, now, lane)
    rules = [join_rules(its).rewards for _, its in eras]
    assert [each.declared["left"].played[0].under for each in rules] == [2.0, 3.0]
    assert any("rewards was" in said for said in said_of_eras(now, lane, eras))


def test_an_era_whose_package_is_gone_is_read_with_the_rewards_of_now() -> None:
    gone = making(Settings(), VIEWERS) | {"reward": "of_a_package", PLUGINS: "of_a_package: p 1"}
    lane = Lane(VIEWERS, 0)
    eras = eras_of(Kept(Era(settings=gone)), Settings(), lane)
    assert [its.reward for _, its in eras] == ["quality_play"]
    said = list(said_of_eras(Settings(), lane, eras))
    assert any("reward of_a_package" in each and "stand as they were made" in each for each in said)
    assert any("reward_plugins of_a_package: p 1" in each for each in said)


ASKS = """
from keyart.models.sums.rewards import described_rewards, worth
from keyart.services.jobs.eras import PLUGINS, making
from keyart.services.wiring.lanes import join_rules
from keyart.services.wiring.rewards import plugins_of
from keyart.services.wiring.settings import Settings

settings = Settings(reward="rewatch", guardrails="any_click")
print(making(settings, "viewers")[PLUGINS])
print(worth("rewatch", [1, 2], join_rules(settings).rewards))
print(described_rewards()["rewatch"])
print("cannot be loaded" in described_rewards()["broken"])
try:
    plugins_of(Settings(reward="broken"))
except Exception as wrong:
    print(type(wrong).__name__, wrong)
"""


def test_an_entry_point_is_a_reward_and_its_code_is_part_of_the_era(tmp_path: Path) -> None:
    about = tmp_path / "site_rewards-2.1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: site-rewards\nVersion: 2.1\n")
    points = "[keyart.rewards]\nrewatch = site_rewards:rewatch\nbroken = site_rewards:nosuch\n"
    (about / "entry_points.txt").write_text(points)
    module = tmp_path / "site_rewards.py"
    text = 'def rewatch(engaged, rules):\n    """How often it was played."""\n    return {}\n'

    def ask(returns: str) -> list[str]:
        module.write_text(text.format(returns))
        code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{ASKS}"
        run = subprocess.run(
            [sys.executable, "-B", "-c", code], capture_output=True, text=True, cwd=tmp_path
        )
        assert run.returncode == 0, run.stderr
        return run.stdout.splitlines()

    identity, value, told, named, wrong = ask("len(engaged) / 2")
    assert identity.startswith("rewatch: site-rewards 2.1 site_rewards:rewatch ")
    assert (value, told) == ("1.0", "How often it was played.")
    assert named == "True"
    assert wrong.startswith("SettingsError reward 'broken'")
    other, value, *_ = ask("len(engaged) / 4")
    assert value == "0.5" and other != identity
