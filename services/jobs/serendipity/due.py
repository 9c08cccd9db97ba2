"""Whether it is time to make the table again: what people come to next changes within weeks."""

from keyart.services.jobs.serendipity.tables import Tables

HOUR_MS = 3_600_000


def refresh_is_due(tables: Tables, *, hours: float, now_ms: int) -> bool:
    """Return whether the newest table is older than so many hours; never for 0 hours."""
    if not hours:
        return False
    newest = max((each.made_at_ms for each in tables.registry.versions()), default=0)
    return now_ms - newest >= hours * HOUR_MS
