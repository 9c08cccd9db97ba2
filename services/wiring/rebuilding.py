"""What a site has learned against its log: opened for a rebuild, a check, or the steps' start."""

from typing import Any

from keyart.models.embed import Space, taste_space
from keyart.services.jobs.rebuild import Rebuilding
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.logs import history_of, ledger_of, log_of
from keyart.services.wiring.places import archive_dir
from keyart.services.wiring.settings import Settings
from keyart.services.wiring.stores import (
    catalogue_of,
    made_with_of,
    register_of,
    running,
    store_of,
)
from keyart.streams.compare import Check


def rebuilding_of(settings: Settings, client: Any, space: Space | None = None) -> Rebuilding:
    """Return what rebuilds and compares; with the space of the settings unless one is loaded."""
    return Rebuilding(
        settings=settings,
        store=store_of(settings, client),
        catalogue=catalogue_of(settings, client),
        register=register_of(settings, client),
        made_with=made_with_of(settings, client),
        history=history_of(settings, client),
        archive=archive_dir(settings),
        space=taste_space(settings.space) if space is None else space,
        clock=now_ms,
    )


def begin(settings: Settings, client: Any, space: Space | None = None) -> None:
    """Make ready what the embedded steps stand on: call it before they read.

    Raises
    ------
    StoreAway
        The server does not answer.
    """
    ledger_of(settings, client).begin()
    rebuilding_of(settings, client, space).begin(log_of(settings, client))


def check_site(settings: Settings) -> Check:
    """Compare the state of a site that does not run with its log."""
    with running(settings) as client:
        return rebuilding_of(settings, client).check()
