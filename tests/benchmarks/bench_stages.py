"""Where the time of a request for decisions goes: the stages of `Chooser`, each timed alone.

`pytest tests/benchmarks/bench_stages.py -s`. Processor time of this process, a page of 40 titles of
10 artworks each; what HTTP, web framework and log take is the rest of what bench_http shows. And a
whole request by the values of its context, on a site that has learned from contexts: its body read,
decided, recorded, its answer written. Processor time of the single request, so that others on the
machine lengthen no tail.
"""

import asyncio
import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import uvloop
from rich.console import Console
from rich.table import Table

from keyart.models.taste.features import taste_vectors
from keyart.schemas import codec
from keyart.schemas.columns import pack_taste
from keyart.schemas.decisions import DECISION_VERSION, DecisionPage, Versions
from keyart.schemas.ids import ViewerKey, pseudonym
from keyart.schemas.taste import unpack_tastes
from keyart.schemas.topics import DECISIONS
from keyart.services.api.answers import logged, told
from keyart.services.api.bodies import decoded
from keyart.services.api.chooser import Chooser
from keyart.services.api.decisions import DecisionsRequest
from keyart.services.api.snapshots import Snapshots
from keyart.services.api.standing import Recent
from keyart.services.wiring.api import snapshots_of
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.experiment import experiment_of
from keyart.services.wiring.lanes import taste_rates
from keyart.services.wiring.stores import on_loop
from keyart.services.wiring.telemetry import ApiMetrics
from keyart.services.wiring.titles import current_titles
from keyart.streams.catalogue.current import CurrentCatalogue
from keyart.streams.ports import VIEWERS as VIEWERS_LANE
from keyart.streams.ports import Lane, Output, ViewerState

TITLES, ARTWORKS, VIEWERS, PAGE = 1000, 10, 1000, 40
REQUESTS, ROUNDS = 500, 9
TOGETHER = 8
"""Records that the log takes at once under load."""
VALUES = (0, 8, 16, 32)
TURNS = 2000


class Stages:
    """Milliseconds of processor time by stage, summed over one round."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        began = time.process_time()
        yield
        self.spent[name] = self.spent.get(name, 0.0) + 1000 * (time.process_time() - began)


def requests(site: Any) -> list[tuple[ViewerKey, tuple[str, ...]]]:
    rng, key = random.Random(1), site.parts.viewer_key
    return [
        (pseudonym(rng.choice(site.viewers), key), tuple(rng.sample(site.titles, PAGE)))
        for _ in range(REQUESTS)
    ]


def one_round(site: Any, snapshots: Snapshots, loop: asyncio.AbstractEventLoop) -> dict[str, float]:
    """Return milliseconds a request of each stage."""
    parts, stages = site.parts, Stages()
    tastes, log, closing = on_loop(parts.settings)
    experiment, rates = experiment_of(parts.settings), taste_rates(parts.settings)
    space, view, share = parts.space.identity, parts.titles.view, parts.settings.explore_share
    versions = Versions(policy="p", prior="p", posterior="0", space=space)
    outputs: list[Output] = []
    for viewer, titles in requests(site):
        at_ms = now_ms()
        with stages.timed("read the taste"):
            blob = loop.run_until_complete(tastes.read(viewer))
        with stages.timed("taste to vectors"):
            taste = unpack_tastes([blob], space)
            vectors = taste_vectors(taste[0], at_ms, rates)
        _, policy, decider = experiment.arm(viewer)
        with stages.timed("decide"):
            decided = decider.decide(
                snapshots.index,
                titles=titles,
                taste=vectors,
                surface="home",
                viewer=viewer,
                now_ms=at_ms,
            )
        with stages.timed("records for the log"):
            decisions = logged(decided, viewer)
        page = DecisionPage(
            viewer=viewer,
            surface="home",
            decided_at_ms=at_ms,
            policy=policy,
            versions=versions,
            decisions=(),
            columns=decisions,
            taste=pack_taste(vectors.directions),
            version=DECISION_VERSION,
        )
        with stages.timed("encode them"):
            data = codec.encode(page)
        outputs.append(Output(DECISIONS, viewer, data))
        for name, why in (("sentences and answer", True), ("(answer alone)", False)):
            with stages.timed(name):
                said = told(
                    decisions, policy=policy, explore_share=share, taste=taste, view=view, why=why
                )
                codec.encode(said)
    for at in range(0, len(outputs), TOGETHER):
        with stages.timed("append to the log"):
            loop.run_until_complete(log.append(outputs[at : at + TOGETHER]))
    for close in closing:
        loop.run_until_complete(close())
    return {name: spent / REQUESTS for name, spent in stages.spent.items()}


@pytest.mark.timeout(600)
def test_where_the_time_goes(make_site: Any) -> None:
    site = make_site(titles=TITLES, artworks=ARTWORKS, viewers=VIEWERS)
    snapshots = site.parts.snapshots()
    snapshots.start()
    assert snapshots.wait(60)
    loop = uvloop.new_event_loop()
    one_round(site, snapshots, loop)
    rounds = [one_round(site, snapshots, loop) for _ in range(ROUNDS)]
    loop.close()
    snapshots.stop()
    table = Table(title=f"processor time of a request, {PAGE} titles x {ARTWORKS} artworks")
    for heading in ("stage", "ms", "quartiles"):
        table.add_column(heading, justify="left" if heading == "stage" else "right")
    every = {name: [each[name] for each in rounds] for name in rounds[0]}
    every["all of it, with sentences"] = [
        sum(spent for name, spent in each.items() if not name.startswith("(")) for each in rounds
    ]
    for name, values in sorted(every.items(), key=lambda item: -float(np.median(item[1]))):
        low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
        table.add_row(name, f"{middle:.3f}", f"{low:.3f} to {high:.3f}")
    Console(width=100).print(table)


class _Kept:
    """Viewers as they are stored, in memory; and what would go to the log."""

    def __init__(self, parts: Any, viewers: list[str]) -> None:
        lane = parts.settings.partitions
        assert lane == 1
        keys = [pseudonym(viewer, parts.viewer_key) for viewer in viewers]
        names = [parts.keys.item(Lane(VIEWERS_LANE, 0), "taste", key) for key in keys]
        blobs = parts.client.mget(names)
        self._blobs: dict[ViewerKey, bytes] = dict(zip(keys, blobs, strict=True))
        self.bytes = 0

    async def read_all(self, viewer: str) -> ViewerState:
        return ViewerState(self._blobs[ViewerKey(viewer)], None)

    async def read(self, viewer: str) -> bytes | None:
        return self._blobs[ViewerKey(viewer)]

    def record(self, output: Output) -> None:
        self.bytes += len(output.value)

    def forget(self, viewer: str) -> None:
        raise AssertionError("nobody is erased here")


def _bodies(site: Any, values: int) -> list[bytes]:
    rng = random.Random(1)
    return [
        json.dumps(
            {
                "viewer": rng.choice(site.viewers),
                "titles": rng.sample(site.titles, PAGE),
                "context": {f"name-{at}": f"value-{rng.randrange(24)}" for at in range(values)},
            }
        ).encode()
        for _ in range(REQUESTS)
    ]


async def _by_values(
    site: Any, snapshots: Snapshots, titles: CurrentCatalogue
) -> dict[int, np.ndarray]:
    """Return (TURNS,) milliseconds of each request by the values of its context, in turn."""
    parts = site.parts
    settings, kept = parts.settings, _Kept(parts, site.viewers)
    chooser = Chooser(
        experiment=experiment_of(settings),
        explore_share=settings.explore_share,
        rates=taste_rates(settings),
        titles=titles,
        snapshots=snapshots,
        tastes=kept,
        recorder=kept,
        recent=Recent(dwell_ms=1),
        metrics=ApiMetrics(),
        clock=now_ms,
    )
    bodies = {values: _bodies(site, values) for values in VALUES}
    found = {values: np.empty(TURNS) for values in VALUES}
    for turn in range(-REQUESTS, TURNS):
        for values in VALUES:
            body = bodies[values][turn % REQUESTS]
            began = time.process_time()
            asked = decoded(body, DecisionsRequest)
            viewer = pseudonym(asked.viewer, parts.viewer_key)
            answer = await chooser.choose(
                viewer, asked.surface, asked.titles, context=asked.context
            )
            codec.encode(answer)
            if turn >= 0:
                found[values][turn] = 1000 * (time.process_time() - began)
    return found


@pytest.mark.timeout(600)
def test_a_request_by_the_values_of_its_context(make_site: Any) -> None:
    site = make_site(titles=TITLES, artworks=ARTWORKS, viewers=VIEWERS)
    titles = current_titles(site.parts.settings, site.parts.client)
    snapshots = snapshots_of(site.parts.settings, site.parts.client, titles, ApiMetrics())
    snapshots.start()
    assert snapshots.wait(60)
    found = asyncio.run(_by_values(site, snapshots, titles))
    snapshots.stop()
    table = Table(title=f"processor ms of a request, {PAGE} titles x {ARTWORKS} artworks, {TURNS}")
    for heading in ("values", "p50", "p99", "p99.9", "p50 of none (95 %)"):
        table.add_column(heading, justify="right")
    rng = np.random.default_rng(0)
    for values, spent in found.items():
        drawn = rng.integers(TURNS, size=(500, TURNS))
        ratios = np.median(spent[drawn], axis=1) / np.median(found[0][drawn], axis=1)
        low, high = np.quantile(ratios, (0.025, 0.975))
        middle, late, latest = np.quantile(spent, (0.5, 0.99, 0.999))
        table.add_row(
            str(values),
            f"{middle:.2f}",
            f"{late:.2f}",
            f"{latest:.2f}",
            f"{middle / np.median(found[0]):.2f} ({low:.2f} to {high:.2f})",
        )
    Console(width=100).print(table)
