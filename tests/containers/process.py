"""A keyart process of a test, and what it says."""

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

# Prometheus gives up after ten: metrics that come later are none
ANSWER_S = 10.0


class Process:
    """One `keyart COMMAND`.

    Parameters
    ----------
    command
        Of keyart.
    environment
        Its settings.
    log
        File for what it says.
    """

    def __init__(self, command: str, environment: dict[str, str], log: Path) -> None:
        self.log = log
        words = [sys.executable, "-m", "keyart.services.cli.main", command]
        own = {**os.environ, **environment}
        with log.open("ab") as output:
            self.process = subprocess.Popen(words, env=own, stdout=output, stderr=output)

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """Kill it at once."""
        self.process.kill()
        self.process.wait()

    def terminate(self) -> None:
        """Ask it to end, and wait until it has."""
        self.process.terminate()
        self.process.wait(60)

    @property
    def said(self) -> str:
        """All it has logged."""
        return self.log.read_text(errors="replace")


def figures_at(url: str, key: str = "") -> dict[str, float]:
    """Return the metrics of an api, summed over labels; a lane's count under its own name."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    asked = urllib.request.Request(f"{url}/metrics", headers=headers)
    with urllib.request.urlopen(asked, timeout=ANSWER_S) as answer:
        text = answer.read().decode()
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            name = sample.labels.get("name", sample.name)
            found[name] = found.get(name, 0.0) + sample.value
    return found
