"""What the steps have counted, as Prometheus' counters.

The store holds the counts, so they survive every process; a gauge could not be asked for `rate`.
"""

from collections.abc import Iterable, Mapping

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

Labels = tuple[str, ...]


class Counts(Collector):
    """A family of counters whose values are kept elsewhere.

    Parameters
    ----------
    name
        Of the family, without `_total`.
    about
        One sentence.
    labels
        Names of the labels.
    """

    def __init__(self, name: str, about: str, labels: Labels) -> None:
        self.name = name
        self.about = about
        self.labels = labels
        self._held: dict[Labels, float] = {}

    def replace(self, held: Mapping[Labels, float]) -> None:
        """Hold these values, by the labels' values, and no others."""
        self._held = dict(held)

    def describe(self) -> Iterable[CounterMetricFamily]:
        """Return the family without values."""
        return [CounterMetricFamily(self.name, self.about, labels=self.labels)]

    def collect(self) -> Iterable[CounterMetricFamily]:
        """Return the family with its values."""
        family = CounterMetricFamily(self.name, self.about, labels=self.labels)
        for labels, value in sorted(self._held.items()):
            family.add_metric(labels, value)
        return [family]
