"""The demo from beginning to end."""

import secrets
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from msgspec import structs
from rich.console import Console

from keyart.models.embed import load_space
from keyart.schemas.errors import InvalidRecord
from keyart.services.cli.figures import write_json
from keyart.services.cli.words import counted
from keyart.services.client import Client
from keyart.services.demo.history import past_events
from keyart.services.demo.loop.moved import move
from keyart.services.demo.loop.screen import LOOP_SAID, table_of_gate, table_of_loop
from keyart.services.demo.loop.story import run_loop
from keyart.services.demo.pace import Pace
from keyart.services.demo.play import Crowd, Player, wall_clock_ms
from keyart.services.demo.priors import find_prior
from keyart.services.demo.screen import Progress, table_of, table_of_first, verdict
from keyart.services.demo.serendipity import propose, table_of_proposals
from keyart.services.demo.server import serving, started_server
from keyart.services.demo.tally import Figures, Tally
from keyart.services.demo.visits import PAGE, Visits
from keyart.services.demo.world import SAID_PLAINLY, World, make_world

PLAYERS: Final = 3
SLOWLY_S: Final = 1.0
FIRST_VISITS: Final = 25
"""With a prior: visits (1,000 impressions) that are also played without it, to compare."""
LOOP_NOTE: Final = "Simulated audience and days: the site of the demo's loop, as it ended."
CATCH_UP_S: Final = 30.0
"""Given to the steps to read the past before the first visit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do.

    Attributes
    ----------
    seconds
        How long to play; not used with `decisions`.
    decisions
        Play this many decisions instead, rounded up to whole pages; None: by time.
    seed
        Of titles' quirks, tastes, visits and luck.
    url, key
        A running server and its bearer key; an empty url starts one.
    prior
        A prior for the started server, as `find_prior` takes it; empty for none.
    stay
        Keep the server and slow traffic until interrupted.
    loop
        Whether the loop is told afterwards: drift, retraining, gate, canary.
    proposals
        Whether proposals of interests not explored are compared with other pages at the end.
    json
        Where to write the figures; None for nowhere.
    """

    seconds: float = 50.0
    decisions: int | None = None
    seed: int = 1
    url: str = ""
    key: str = ""
    prior: str = ""
    stay: bool = False
    loop: bool = True
    proposals: bool = True
    json: Path | None = None


def run_demo(plan: Plan, console: Console) -> Figures:
    """Run the demo, print what happens, and return the figures.

    Raises
    ------
    KeyartError
        The server could not be started or reached, or refused a request.
    """
    if plan.prior and plan.url:
        raise InvalidRecord("a server that runs has its prior: leave out --prior, or --url")
    prior = find_prior(plan.prior) if plan.prior else None
    console.print(SAID_PLAINLY)
    world = make_world(load_space("static"), seed=plan.seed)
    without = _without_prior(world, plan, console) if plan.prior else None
    with ExitStack() as stack:
        url = plan.url
        if not url:
            console.print("Starting keyart serve …")
            url = stack.enter_context(started_server(prior))
        console.print(f"The page: {url}/", style="bold")
        crowd, tally = _gather(world, url, plan, stack)
        _introduce(world, crowd, plan, console)
        if without is not None:
            crowd.play(until=lambda: False, most=FIRST_VISITS)
            console.print(table_of_first(without, tally, prior=plan.prior))
        _play(crowd, plan, tally, console)
        figures = tally.figures(seed=plan.seed)
        console.print(table_of(figures))
        console.print(verdict(figures))
        console.print(
            f"Best fixed is best by the audience's true takes; the artworks that came out best in "
            f"these very visits had {100 * tally.best_fixed_as_it_came:.3f} %.",
            style="dim",
        )
        if crowd.pace is not None and crowd.pace.rested_s >= 1:
            console.print(
                f"Visits waited {crowd.pace.rested_s:.0f} s for keyart to catch up.", style="dim"
            )
        for missing, pages in tally.degraded.items():
            console.print(
                f"answered without all, {counted(pages, 'page')}: {missing}", style="yellow"
            )
        if plan.loop:
            figures = _close_the_loop(plan, figures, console, stack)
        if plan.proposals:
            found = propose(load_space("static"), seed=plan.seed)
            console.print(table_of_proposals(found))
            figures = structs.replace(figures, serendipity=found)
        write_json(plan.json, figures)
        if plan.stay:
            console.print(f"Staying, with a visit now and then: {url}/ (Ctrl-C ends it)")
            try:
                crowd.play(until=lambda: False, pause_s=SLOWLY_S)
            except KeyboardInterrupt:
                console.print("Stopping.")
    return figures


def _close_the_loop(plan: Plan, figures: Figures, console: Console, stack: ExitStack) -> Figures:
    """Live through drift and retraining on a site in simulated time; return all figures.

    Who stays can look at that site's page, too.
    """
    console.print(LOOP_SAID)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keyart-loop-")))
    told = run_loop(
        plan.seed,
        folder,
        lambda said: console.print(f"  {said}", style="dim"),
        move if plan.stay else lambda site: None,
    )
    console.print(table_of_loop(told))
    console.print(table_of_gate(told))
    if plan.stay:
        url = stack.enter_context(serving(folder / "site", {"PAGE_NOTE": LOOP_NOTE}))
        console.print(
            f"The page of the loop's site: {url}/, its models: {url}/models", style="bold"
        )
    return structs.replace(figures, loop=told.phases, gate=told.gate)


def _without_prior(world: World, plan: Plan, console: Console) -> Tally:
    """Play the first visits against a server of their own that has no prior."""
    console.print("Starting keyart serve without the prior, for the first visits …")
    with ExitStack() as stack:
        url = stack.enter_context(started_server())
        crowd, tally = _gather(world, url, plan, stack)
        _introduce(world, crowd, plan, console)
        crowd.play(until=lambda: False, most=FIRST_VISITS)
    return tally


def _gather(world: World, url: str, plan: Plan, stack: ExitStack) -> tuple[Crowd, Tally]:
    """Return the players, each with a connection, and what they write to."""
    tally = Tally(len(world.viewers), world.audience.catalogue)
    run, lock = secrets.token_hex(4), threading.Lock()
    players = []
    for _ in range(PLAYERS):
        client = Client(url, key=plan.key)
        stack.callback(client.close)
        players.append(Player(world=world, client=client, tally=tally, lock=lock, run=run))
    watcher = Client(url, key=plan.key)
    stack.callback(watcher.close)
    visits = Visits(world, seed=plan.seed)
    return Crowd(players, visits, pace=Pace(watcher.behind_ms)), tally


def _introduce(world: World, crowd: Crowd, plan: Plan, console: Console) -> None:
    """Load the catalogue and what viewers played before, and let keyart read it."""
    client = crowd.players[0].client
    for title in world.titles:
        client.put_title(title)
    past = past_events(world, seed=plan.seed, now_ms=wall_clock_ms())
    for start in range(0, len(past), 1000):
        client.send(past[start : start + 1000])
    console.print(
        f"{len(world.titles)} titles, {len(world.audience.artworks)} artworks; "
        f"{len(world.viewers)} viewers with {len(past):,} past plays"
    )
    if crowd.pace is not None and not crowd.pace.caught_up(CATCH_UP_S):
        console.print("keyart is still reading the past; going on", style="yellow")


def _play(crowd: Crowd, plan: Plan, tally: Tally, console: Console) -> None:
    if plan.decisions is not None:
        with Progress(console, tally) as progress:
            crowd.play(until=lambda: False, most=-(-plan.decisions // PAGE), watch=progress)
        return
    ends = time.monotonic() + plan.seconds
    with Progress(console, tally, plan.seconds) as progress:
        crowd.play(until=lambda: time.monotonic() >= ends, watch=progress)
