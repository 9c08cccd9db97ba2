"""`keyart serve` as a user starts it, its members, and a small client: for tests of faults."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

COMMAND = (sys.executable, "-m", "keyart.services.cli.main")
PATIENCE_S = 180.0


class Serving:
    """One `keyart serve` on a folder and a port.

    Parameters
    ----------
    folder, port
        Its own.
    said_in
        The folder for what it says; beside its own when not given.
    more
        Settings, by their names in small letters.
    """

    def __init__(
        self, folder: Path, port: int, *, said_in: Path | None = None, **more: str
    ) -> None:
        own = {name: text for name, text in os.environ.items() if not name.startswith("KEYART_")}
        given = {"data_dir": str(folder), "api_port": str(port), "log_level": "WARNING", **more}
        self.environ = own | {f"KEYART_{name.upper()}": text for name, text in given.items()}
        self.folder, self.port = folder, port
        self.said = (said_in or folder.parent) / f"said-{time.monotonic_ns()}.log"
        with self.said.open("wb") as output:
            self.process = subprocess.Popen(
                [*COMMAND, "serve"], env=self.environ, stdout=output, stderr=subprocess.STDOUT
            )

    def ready(self) -> "Serving":
        """Wait until it is ready."""
        self.until(lambda: self.call("/health/ready")[0] == 200)
        return self

    def until(self, there: Callable[[], object], seconds: float = PATIENCE_S) -> None:
        """Wait until something is so, while it runs."""
        deadline = time.monotonic() + seconds
        while not there():
            if self.process.poll() is not None:
                pytest.fail(f"keyart serve ended: {self.lines()[-3:]}")
            if time.monotonic() > deadline:
                pytest.fail(f"waited {seconds} s in vain: {self.lines()[-3:]}")
            time.sleep(0.1)

    def call(self, path: str, body: Any = None, method: str | None = None) -> tuple[int, Any]:
        """Return status and answer; status 0 when there was none."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            return refused.code, None
        except OSError:
            return 0, None

    def put(self, title: str) -> None:
        """Add a title of two artworks."""
        body = {"artworks": [{"id": "a"}, {"id": "b"}]}
        assert self.call(f"/v1/titles/{title}", body, "PUT")[0] == 200

    def decide(self, viewer: str, title: str) -> int:
        """Ask for a decision; return the status."""
        return self.call("/v1/decisions", {"viewer": viewer, "titles": [title]})[0]

    def click(self, *names: str, title: str = "t") -> int:
        """Send one click for each of these ids; return the status."""
        events = [
            {"type": "click", "id": name, "viewer": f"v{name}", "title": title} for name in names
        ]
        return self.call("/v1/events", {"events": events})[0]

    def members(self) -> dict[str, psutil.Process]:
        """Return the processes of the family by name: valkey, steps, api."""
        found = {}
        for child in psutil.Process(self.process.pid).children():
            try:
                words = child.cmdline()
            except psutil.Error:
                continue
            if not words:
                continue
            name = "valkey" if "valkey-server" in Path(words[0]).name else words[-1]
            found[name] = child
        return found

    def lines(self) -> list[str]:
        """Return what it has said."""
        return self.said.read_text().splitlines()

    def end(self) -> int:
        """Wait until it has ended by itself; return its exit status."""
        return self.process.wait(PATIENCE_S)

    def stop(self) -> int:
        """Stop it as Ctrl-C does, and whatever it left behind."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(PATIENCE_S)
        for each in self.left_behind():
            each.kill()
        return self.process.returncode

    def left_behind(self) -> list[psutil.Process]:
        """Return what still runs in this folder."""
        found = []
        for each in psutil.process_iter():
            try:
                mine = each.environ().get("KEYART_DATA_DIR") == str(self.folder)
                if mine or self.folder in Path(each.cwd()).parents:
                    found.append(each)
            except (psutil.Error, OSError):
                continue
        return found
