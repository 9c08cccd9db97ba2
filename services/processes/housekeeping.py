"""What is done now and then beside the steps: rounds, of which nothing that fails ends the next."""

import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keyart.schemas.errors import KeyartError, MissingExtra
from keyart.services.jobs.alive import leave_mark
from keyart.services.jobs.erasure import rewrite_if_due
from keyart.services.jobs.idle import IdleTastes
from keyart.services.jobs.keeping import Chores, Keeper
from keyart.services.jobs.retrain.stages import Jobs
from keyart.services.jobs.retrain.told import note_told
from keyart.services.processes.retrainer import (
    JUDGE,
    REFRESH,
    REPORT,
    RETRAIN,
    NowAndThen,
    wants_retraining,
)
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.erasing import erasures_of
from keyart.services.wiring.lanes import taste_kept_ms
from keyart.services.wiring.logs import archiver_of
from keyart.services.wiring.models import proposes
from keyart.services.wiring.places import archive_dir, data_dir, retrain_dir
from keyart.services.wiring.settings import Settings
from keyart.services.wiring.stores import admin_of, connected, register_of, store_of
from keyart.streams.ports import Clock
from keyart.streams.site import Note, Register

if TYPE_CHECKING:
    from keyart.services.jobs.deploy import Deployment

log = logging.getLogger(__name__)
FIRST_JUDGED_S = 600.0


def keeper_of(settings: Settings, client: Any, *, clock: Clock = now_ms) -> Keeper:
    """Return what does a site's rounds; each thing is opened by the round that first needs it."""
    register, server = register_of(settings, client), admin_of(client)
    archiver = cache(lambda: archiver_of(settings, client))
    erasures = erasures_of(settings, client)
    retrainer = NowAndThen(RETRAIN, wanted=wants_retraining(settings))
    refresher = NowAndThen(REFRESH, wanted=settings.serendipity_refresh_hours > 0)
    reporter = NowAndThen(
        REPORT,
        wanted=settings.serendipity_report_s > 0,
        every_s=settings.serendipity_report_s,
    )
    judge = NowAndThen(
        JUDGE,
        # an image that leaves out what reads the log judges nothing
        wanted=settings.judge_s > 0 and find_spec("polars") is not None,
        every_s=settings.judge_s,
        # a site that was just started has more to do than to look back
        first_s=min(settings.judge_s, FIRST_JUDGED_S),
    )
    idle = IdleTastes(
        register=register,
        tastes=store_of(settings, client),
        partitions=settings.partitions,
        kept_ms=taste_kept_ms(settings),
        clock=clock,
    )

    @cache
    def deployment() -> "Deployment":
        from keyart.services.wiring.priors import deployment_of

        return deployment_of(settings, client)

    def retrain() -> None:
        try:
            note_told(Jobs(retrain_dir(settings)), register)
        finally:
            retrainer.look()

    def stop() -> None:
        retrainer.stop()
        refresher.stop()
        reporter.stop()
        judge.stop()

    def report() -> None:
        # a site that proposes nothing has no need to read its whole log for it
        if proposes(settings):
            reporter.look()

    def rewrite() -> bool:
        # of a server of your own its files are your matter (infra/README.md)
        own_server = settings.embedded and not settings.redis_url
        return own_server and rewrite_if_due(register, server)

    return Keeper(
        folder=data_dir(settings),
        archive=archive_dir(settings),
        register=register,
        server=server,
        chores=Chores(
            let_idle_go=idle.let_go,
            archive=lambda: archiver().run(),
            erase=erasures.finish,
            rewrite=rewrite,
            follow=lambda: _if_installed(lambda: deployment().follow_beside()),
            canary=lambda: look_at_canary(register),
            retrain=retrain,
            refresh=refresher.look,
            report=report,
            judge=judge.look,
            score=lambda: _if_installed(lambda: deployment().scoring.score_new_beside()),
            stop=stop,
        ),
        clock=clock,
    )


def look_at_canary(register: Register) -> None:
    """Look how a version does that is let out, in a process that takes what it read with it.

    Raises
    ------
    KeyartError
        It could not be looked at; it is tried again next time.
    """
    if register.read(Note.ROLLOUT) is None:
        return
    from keyart.services.jobs.priors.serving import beside

    if said := beside("models", "look"):
        raise KeyartError(said)


def _if_installed(act: Callable[[], object]) -> None:
    """Do what a prior needs, where what runs it is installed."""
    try:
        act()
    except MissingExtra as missing:
        _say_once(str(missing))


@cache
def _say_once(line: str) -> None:
    log.warning("left undone: %s", line)


def keep_house(settings: Settings) -> int:
    """Do one round; return how many records were archived."""
    with connected(settings) as client:
        return keeper_of(settings, client).round()


def keep_site_until(stopping: threading.Event, settings: Settings) -> None:
    """Do a round of this site every `archive_s` seconds."""
    with ExitStack() as held:

        def make() -> Keeper:
            return keeper_of(settings, held.enter_context(connected(settings)))

        keep_house_until(stopping, make, folder=data_dir(settings), every_s=settings.archive_s)


def keep_house_until(
    stopping: threading.Event, make: Callable[[], Keeper], *, folder: Path, every_s: float
) -> None:
    """Do a round every so many seconds; a failure is logged and tried again next time.

    Parameters
    ----------
    make
        Returns who does them; a store that is away may not even let one be made.
    folder
        Where a mark says that somebody is at work.
    """
    keeper = None
    leave_mark(folder)
    while not stopping.wait(every_s):
        try:
            keeper = keeper or make()
            keeper.round()
        except KeyartError as failed:
            log.warning("housekeeping failed and will be tried again: %s", failed)
        except Exception:
            log.exception("housekeeping failed and will be tried again")
        leave_mark(folder)
    if keeper is not None:
        keeper.stop()
