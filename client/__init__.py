"""keyart's client for sites: `from keyart.client import Client`; see `keyart.services.client`."""

from keyart.services.client import (
    AsyncClient,
    Away,
    Choice,
    Client,
    Counts,
    ErrorAnswer,
    Event,
    NotNow,
    Page,
    Proposal,
    Proposals,
)

__all__ = [
    "AsyncClient",
    "Away",
    "Choice",
    "Client",
    "Counts",
    "ErrorAnswer",
    "Event",
    "NotNow",
    "Page",
    "Proposal",
    "Proposals",
]
