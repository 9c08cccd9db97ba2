"""Proposals over HTTP: pages of five titles with their pictures, from a table of 200 clusters.

Titles are taken by taste and by factors (iALS), in one run, in turn: what the second costs more is
a viewer's factors, solved for from the titles they took at each request.

`pytest tests/benchmarks/bench_serendipity.py -s`. Api, Valkey and load generator on this machine;
half load is half of what the api can answer, sent at random moments.
"""

import json
import random
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from rich.table import Table

from keyart.models.serendipity.cases import Ways
from keyart.models.serendipity.making import Fitted, fit_titles, make_table
from keyart.models.serendipity.measure.evaluate import vocabulary_of
from keyart.models.serendipity.planners.fitted import fit_planners
from keyart.models.serendipity.world import World, WorldBuilder
from keyart.schemas.explored import TOOK, mark_of, pack_explored
from keyart.schemas.ids import pseudonym
from keyart.schemas.topics import partition_of
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.places import table_dir
from keyart.streams.families import EXPLORED
from keyart.streams.ports import VIEWERS, Lane
from tests.benchmarks.bench_http import ROUNDS, SECONDS, load, spread

TITLES, ARTWORKS, PEOPLE, CLUSTERS, COUNT = 1000, 10, 2000, 200, 5
TAKEN = 24
GROUNDINGS = ("taste", "ials")
REQUESTS, CONNECTIONS = 2000, 4


def ways_of(site: Any, rng: np.random.Generator) -> dict[str, list[str]]:
    """Return what each viewer took, in order: titles of a few groups that lie near each other."""
    found = {}
    for viewer in site.viewers:
        middle = rng.normal(rng.integers(CLUSTERS), 12, TAKEN).astype(int) % CLUSTERS
        found[viewer] = [site.titles[group + CLUSTERS * int(rng.integers(5))] for group in middle]
    return found


def world_of(site: Any, ways: dict[str, list[str]]) -> World:
    into = WorldBuilder()
    for at, title in enumerate(site.titles):
        for term in (f"tag{at % CLUSTERS}", f"also{at % CLUSTERS}"):
            into.said(title, term)
    for viewer, titles in ways.items():
        for at, title in enumerate(titles):
            into.engaged(viewer, title, float(at))
    return into.build()


def give(site: Any, ways: dict[str, list[str]]) -> None:
    """Make the table, and write what viewers explored as the steps would keep it."""
    parts = site.parts
    world = world_of(site, ways)
    teaching = list(range(len(world.viewers)))
    vocabulary, _, labels = vocabulary_of(world, teaching, clusters=CLUSTERS)
    planners, memory = fit_planners(world, labels, vocabulary.centres, teaching)
    fitted = Fitted(
        vocabulary=vocabulary,
        labels=labels,
        planner=planners[-1],
        memory=memory,
        ways=Ways(world, labels),
        teaching=teaching,
        factors=fit_titles(world, labels, teaching),
    )
    make_table(table_dir(parts.settings), world, fitted)
    now_s = now_ms() // 1000
    records = {}
    for viewer, titles in ways.items():
        key = pseudonym(viewer, parts.viewer_key)
        lane = Lane(VIEWERS, partition_of(key, parts.settings.partitions))
        marks = {mark_of(title, TOOK): now_s - TAKEN + at for at, title in enumerate(titles)}
        records[parts.keys.item(lane, EXPLORED, key)] = pack_explored(marks)
    parts.client.mset(records)


def plan(path: Path, site: Any, port: int, rate: float) -> Path:
    rng = random.Random(1)
    asked = [{"viewer": rng.choice(site.viewers), "count": COUNT} for _ in range(REQUESTS)]
    whole = {
        "port": port,
        "path": "/v1/serendipity",
        "bodies": [json.dumps(each) for each in asked],
        "connections": CONNECTIONS,
        "seconds": SECONDS,
        "rate": rate,
    }
    path.write_text(json.dumps(whole))
    return path


def until_proposed(port: int, viewer: str, seconds: float = 60) -> str:
    """Wait until the api has read the table: a thread of its own does; return what grounds it."""
    body = json.dumps({"viewer": viewer, "count": COUNT}).encode()
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/serendipity",
        data=body,
        headers={"Content-Type": "application/json"},
    )
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                page = json.load(answer)
                assert page["titles"]
                return str(page["grounding"])
        except urllib.error.HTTPError as refused:
            assert refused.code == 409 and time.monotonic() < end, refused
        time.sleep(0.1)


@pytest.mark.timeout(900)
def test_proposals_over_http(make_site: Any, tmp_path: Path, free_port: int) -> None:
    site = make_site(titles=TITLES, artworks=ARTWORKS, viewers=PEOPLE)
    give(site, ways_of(site, np.random.default_rng(2)))
    table = Table(
        title=f"POST /v1/serendipity, {COUNT} of {TITLES:,} titles, {CLUSTERS} clusters, "
        f"{TAKEN} titles taken by each viewer"
    )
    for column in ("titles by", "load", "requests/s", "p50 ms", "p99 ms", "CPU ms api", "Valkey"):
        table.add_column(column, justify="right")
    for by in GROUNDINGS:
        for name, rounds in measured(site, tmp_path, free_port, by).items():
            table.add_row(
                by,
                name,
                *(spread([each[what] for each in rounds]) for what in ("rate", "p50", "p99")),
                *(f"{np.median([each['cpu'][at] for each in rounds]):.2f}" for at in (0, 1)),
            )
    Console(width=150).print(table)


def measured(site: Any, tmp_path: Path, port: int, by: str) -> dict[str, list[Any]]:
    """Return the rounds at all the load that the api takes, and at half of it."""
    with site.api(port, KEYART_SERENDIPITY_GROUNDING=by) as api:
        assert until_proposed(port, site.viewers[0]) == by
        busy = plan(tmp_path / "plan.json", site, port, 0)
        load(busy)
        most = [load(busy, api, site.server) for _ in range(ROUNDS)]
        half = float(np.median([each["rate"] for each in most])) / 2
        paced = plan(tmp_path / "plan.json", site, port, half)
        return {
            "all it can": most,
            "half": [load(paced, api, site.server) for _ in range(ROUNDS)],
        }
