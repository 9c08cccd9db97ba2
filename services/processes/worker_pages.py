"""What a worker shows on its web view: alive, ready, and its metrics."""

from collections import Counter
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from keyart.services.wiring.step_counts import Counts
from keyart.streams.kafka.driver import LaneDriver


class WorkerMetrics:
    """A worker's figures, in a registry of their own, read when they are asked for."""

    def __init__(self, lanes: LaneDriver) -> None:
        self.registry = CollectorRegistry()
        self._lanes = lanes
        label, own = ["kind", "partition"], self.registry
        self.open = Gauge("keyart_worker_lane_open", "Whether the lane runs", label, registry=own)
        self.lag = Gauge(
            "keyart_worker_lag_records", "Records that are not committed yet", label, registry=own
        )
        self.unsent = Gauge(
            "keyart_worker_unsent_outputs",
            "Outputs that Kafka does not have yet",
            label,
            registry=own,
        )
        self.steps = Counts(
            "keyart_worker_steps",
            "What this worker's lanes have counted since they were opened",
            ("kind", "name"),
        )
        own.register(self.steps)

    def read(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        for gauge in (self.open, self.lag, self.unsent):
            gauge.clear()
        counted: Counter[tuple[str, ...]] = Counter()
        for lane, runner in self._lanes.runners.items():
            names = (lane.kind, str(lane.partition))
            self.open.labels(*names).set(runner.at_work is not None)
            self.unsent.labels(*names).set(runner.unsent())
            if (lag := runner.lag()) is not None:
                self.lag.labels(*names).set(lag)
            if runner.at_work is not None:
                for name, count in runner.at_work.counts.items():
                    counted[lane.kind, name] += count
        self.steps.replace(counted)
        return generate_latest(self.registry)


def add_pages(app: Any, lanes: LaneDriver) -> None:
    """Add /health/live, /health/ready and /metrics to the application's web view."""
    metrics = WorkerMetrics(lanes)

    async def live(self: Any, request: Any) -> Any:
        """Answer as long as the loop turns."""
        return self.json({"status": "alive"})

    async def ready(self: Any, request: Any) -> Any:
        """Answer 503 while a lane of this worker waits for the store or is being opened."""
        waiting = [
            f"{lane.kind} {lane.partition}"
            for lane, runner in lanes.runners.items()
            if runner.at_work is None
        ]
        state = {"lanes": len(lanes.runners), "waiting": waiting}
        return self.json(state, status=503 if waiting or app.rebalancing else 200)

    async def figures(self: Any, request: Any) -> Any:
        """Answer in Prometheus' text format."""
        return self.bytes(metrics.read(), content_type="text/plain")

    app.page("/health/live", name="live")(live)
    app.page("/health/ready", name="ready")(ready)
    app.page("/metrics", name="metrics")(figures)
