"""Rewards that a site declares, from the request to the page, the training log and the check."""

from pathlib import Path

import pytest

from keyart.services.wiring.settings import Settings
from keyart.streams.archive.flatten import training_columns
from tests.integration.test_kept_decisions import site_of

DECLARED = """{
 "deep": {"events": {"finish": 1, "hide": -1}, "played": [{"least": 10, "weight": 0.5}]},
 "left": {"played": [{"under": 2, "weight": -1}]}}"""


def test_one_teaches_others_are_watched_and_replay_agrees(data_dir: Path) -> None:
    settings = Settings(
        data_dir=str(data_dir),
        viewer_key="0123456789abcdef",
        reward="deep",
        rewards=DECLARED.replace("\n", ""),
        guardrails="left,any_click",
    )
    with site_of(settings) as site:
        made = {viewer: site.decide(viewer, "t0")["t0"] for viewer in ("ann", "bob", "cid", "dan")}
        for viewer, each in made.items():
            site.send("impression", viewer, each)
        site.send("play", "ann", made["ann"], minutes=12)
        site.send("play", "bob", made["bob"], minutes=1)
        site.send("hide", "cid", made["cid"])
        for viewer in made:
            site.read(viewer, 1)
        rewards = site.rewards()
        found = {name: rewards[each["id"]] for name, each in made.items()}
        assert {name: each.value for name, each in found.items()} == {
            **{"ann": 0.5, "bob": 0.0, "cid": 0.0, "dan": 0.0}
        }
        assert {name: each.watched for name, each in found.items()} == {
            "ann": {"left": 0.0, "any_click": 1.0},
            "bob": {"left": -1.0, "any_click": 1.0},
            "cid": {"left": 0.0, "any_click": 0.0},
            "dan": {"left": 0.0, "any_click": 0.0},
        }
        told = site.client.get("/v1/insight/overview").json()["watched"]
        assert [each["reward"] for each in told] == ["any_click", "left"]
        sums = {
            each["reward"]: sum(its["mean"] * its["impressions"] for its in each["policies"])
            for each in told
        }
        assert sums == {"any_click": pytest.approx(2.0), "left": pytest.approx(-1.0)}
        assert all(its["low"] <= its["mean"] <= its["high"] for its in told[0]["policies"])
        records = [
            record.value for record in site.parts.log.read("rewards", 0, after=None, count=100)
        ]
        columns = training_columns(records)
        assert columns["watched"] == [["left", "any_click"]] * 4
        assert sorted(map(tuple, columns["watched_values"])) == [
            *[(-1.0, 1.0), (0.0, 0.0), (0.0, 0.0), (0.0, 1.0)]
        ]
        assert site.parts.rebuilding.check().differences == []
