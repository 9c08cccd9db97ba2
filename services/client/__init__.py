"""A client of keyart's HTTP interface, for sites: `keyart.client` is this."""

from keyart.services.client.aio import AsyncClient
from keyart.services.client.answers import Choice, Page, Proposal, Proposals
from keyart.services.client.calls import Event
from keyart.services.client.errors import Away, ErrorAnswer, NotNow
from keyart.services.client.outbox import Counts
from keyart.services.client.sync import Client

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
