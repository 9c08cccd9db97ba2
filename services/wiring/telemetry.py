"""Logging and metrics: every name that a dashboard may ask for is here.

Viewers are never named in either, not even by their pseudonyms; secrets never reach them.
"""

import logging
import os
import sys

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from keyart.models.decide.keeping import Keeping
from keyart.services.wiring.complaints import CLIENTS, SeldomRepeats
from keyart.services.wiring.lines import Beside, JsonLines, TextLines
from keyart.services.wiring.settings import Settings
from keyart.services.wiring.step_counts import Counts

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


ACCESS = "keyart.access"
"""The logger of requests, a line each."""
SHARED_METRICS = "PROMETHEUS_MULTIPROC_DIR"
"""Names, to several processes of one api, the folder where prometheus-client adds them up."""


def set_up_logging(settings: Settings) -> None:
    """Send all logging to standard error, a JSON object or a text a line; see `SeldomRepeats`."""
    formatter = TextLines() if settings.log_format == "text" else JsonLines()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    handler.addFilter(SeldomRepeats())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    if settings.access_log:
        beside = Beside()
        beside.setFormatter(formatter)
        access = logging.getLogger(ACCESS)
        access.handlers[:] = [beside]
        access.propagate = False
    for chatty in ("httpx", *CLIENTS):
        logging.getLogger(chatty).setLevel(logging.WARNING)


class ApiMetrics:
    """What an api process counts and measures."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = self.registry
        self.requests = Counter(
            "keyart_http_requests", "Requests answered", ["route", "status"], registry=own
        )
        self.seconds = Histogram(
            "keyart_http_seconds", "Time to answer", ["route"], buckets=SECONDS, registry=own
        )
        self.ended = Counter(
            "keyart_http_connections_ended",
            "Connections that the api ended, by reason",
            ["reason"],
            registry=own,
        )
        self.decisions = Counter("keyart_decisions", "Decisions made", ["policy"], registry=own)
        self.held = Counter(
            "keyart_decisions_held",
            "Decisions that stood because the viewer's swaps of the day were used up",
            registry=own,
        )
        self.kept = Counter(
            "keyart_decisions_kept", "Decisions that stood since an earlier request", registry=own
        )
        self.keeping = Keeping()
        self.degraded = Counter(
            "keyart_decisions_degraded", "Decisions made with less", ["reason"], registry=own
        )
        self.events = Counter("keyart_events_accepted", "Events accepted", ["type"], registry=own)
        self.rejected = Counter(
            "keyart_events_rejected", "Requests of events refused", registry=own
        )
        self.buffered = Gauge(
            "keyart_log_buffered",
            "Pages of decisions waiting to be logged",
            registry=own,
            multiprocess_mode="livesum",
        )
        self.dropped = Counter(
            "keyart_log_dropped",
            "Pages of decisions dropped because the log was away",
            registry=own,
        )
        self.snapshot_age = Gauge(
            "keyart_snapshot_age_seconds",
            "Age of the beliefs that decide",
            registry=own,
            multiprocess_mode="livemax",
        )
        self.titles = Gauge(
            "keyart_titles",
            "Titles that can be decided",
            registry=own,
            multiprocess_mode="livemin",
        )
        self.caller_held = Gauge(
            "keyart_caller_held_back",
            "Expected takes that a caller's key has told and that do not count: beyond its share",
            ["caller"],
            registry=own,
            multiprocess_mode="livemax",
        )
        self.believed = Counter(
            "keyart_posterior_updates", "Posteriors of titles taken over", registry=own
        )
        self.steps = Counts(
            "keyart_steps", "What the steps have counted", ("kind", "name", "partition")
        )
        own.register(self.steps)
        self.untaught = Counts(
            "keyart_untaught",
            "Impressions, plays and decisions that did not teach; lost is no where that is right",
            ("of", "because", "lost"),
        )
        own.register(self.untaught)
        self.lag_records = Gauge(
            "keyart_lag_records",
            "Records that the steps have not read",
            registry=own,
            multiprocess_mode="mostrecent",
        )
        self.lag_seconds = Gauge(
            "keyart_lag_seconds",
            "Age of the oldest record that the steps have not read",
            registry=own,
            multiprocess_mode="mostrecent",
        )
        self.join_seconds = Gauge(
            "keyart_join_delay_seconds",
            "Mean time from impression to reward, over all that is kept",
            registry=own,
            multiprocess_mode="mostrecent",
        )
        self.take_fraction = Gauge(
            "keyart_take_fraction",
            "Rewards by impressions, over all that is kept",
            ["policy"],
            registry=own,
            multiprocess_mode="mostrecent",
        )
        self.lift = Gauge(
            "keyart_lift",
            "How far a policy is above its control, 0.1 is 10 %, and its interval at any look",
            ["policy", "control", "end"],
            registry=own,
            multiprocess_mode="mostrecent",
        )
        self.shares_p = Gauge(
            "keyart_arm_shares_p",
            "How well the arms of the experiment match their shares, at any look",
            registry=own,
            multiprocess_mode="mostrecent",
        )
        self.shares = Gauge(
            "keyart_arm_share",
            "Share of impressions of each arm of the experiment, as meant and as seen",
            ["policy", "is"],
            registry=own,
            multiprocess_mode="mostrecent",
        )
        self.ratio = Gauge(
            "keyart_propensity_p",
            "How well artworks that came back match their propensities, at any look",
            ["policy"],
            registry=own,
            multiprocess_mode="mostrecent",
        )
        self.entropy = Gauge(
            "keyart_effective_choices",
            "Equally likely artworks that are as undecided as the newest choices",
            registry=own,
            multiprocess_mode="mostrecent",
        )
        self.drifts = Gauge(
            "keyart_take_drifts",
            "Changes of the take fraction in what is kept, by ADWIN",
            ["policy"],
            registry=own,
            multiprocess_mode="mostrecent",
        )
        self.trust = Gauge(
            "keyart_prior_trust",
            "Mean trust in the prior",
            registry=own,
            multiprocess_mode="mostrecent",
        )

        self.store_used = Gauge(
            "keyart_store_used_bytes",
            "Memory that the state store has taken",
            registry=own,
            multiprocess_mode="mostrecent",
        )
        self.store_limit = Gauge(
            "keyart_store_limit_bytes",
            "Memory beyond which the state store takes no writes; 0: no bound is set",
            registry=own,
            multiprocess_mode="mostrecent",
        )
        self.titles_aside = Gauge(
            "keyart_titles_set_aside",
            "Stored titles that could not be read",
            registry=own,
            multiprocess_mode="mostrecent",
        )
        self.house_done = Gauge(
            "keyart_housekeeping_done_timestamp_seconds",
            "When housekeeping last did a round in which nothing failed; 0 if it never did",
            registry=own,
            multiprocess_mode="mostrecent",
        )
        self.house_failures = Gauge(
            "keyart_housekeeping_failures",
            "Rounds of housekeeping in a row in which something failed",
            registry=own,
            multiprocess_mode="mostrecent",
        )
        self.archive_aside = Gauge(
            "keyart_archive_set_aside",
            "Files of the archive that could not be read",
            registry=own,
            multiprocess_mode="mostrecent",
        )

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format, those of several processes added up."""
        if SHARED_METRICS not in os.environ:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        together.register(self.steps)
        together.register(self.untaught)
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)
