"""Erasures of a site, with the log and the archive that they go through."""

from typing import Any

from keyart.services.jobs.erasure import Erasures, Past
from keyart.services.jobs.priors.passing import forget_examples
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.logs import archiver_of, log_of
from keyart.services.wiring.places import archive_dir, priors_dir
from keyart.services.wiring.settings import Settings
from keyart.services.wiring.stores import register_of, store_of


def erasures_of(settings: Settings, client: Any) -> Erasures:
    """Return what erases viewers; log and archive are opened when there is something to finish."""

    def past() -> Past:
        # the api never goes through an archive
        from keyart.streams.archive.erase import Past as SitePast

        # what is read goes to the archive first
        archiver_of(settings, client).run()
        return SitePast(
            archive_dir(settings), log_of(settings, client) if settings.embedded else None
        )

    return Erasures(
        register=register_of(settings, client),
        store=store_of(settings, client),
        partitions=settings.partitions,
        past=past,
        forget_examples=lambda: forget_examples(priors_dir(settings)),
        clock=now_ms,
    )
