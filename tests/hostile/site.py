"""The service under attack: `keyart serve` of its own, asked over loopback, its memory watched."""

import json
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import psutil

from keyart.services.wiring.settings import read_settings
from tests.faults.serving import Serving
from tests.faults.truth import WINDOW_S
from tests.hostile.tally import Tally
from tests.opened import Opened

PATIENCE_S = 240.0
ANSWER_S = 60.0
TITLES = [f"honest-{at}" for at in range(8)]
ARTWORKS = ("rockets", "pasta", "derby")
WATCH_S = 0.2


class Site:
    """One site, over the restarts of its service.

    Parameters
    ----------
    folder
        Where it keeps everything; nothing is left running in it.
    port
        A free one on loopback.

    Attributes
    ----------
    headers
        What an honest caller sends with each request.
    troubled
        Set while something is dead that was killed.
    tally
        Of the attack under way.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.headers: dict[str, str] = {}
        self.troubled = Event()
        self.tally = Tally()
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=ANSWER_S)
        self._over = Event()
        self.serving = self.start()
        self.wait_ready()
        self._watch = Thread(target=self._weigh, daemon=True)
        self._watch.start()
        for at, title in enumerate(TITLES):
            artworks = [{"id": name, "description": f"{name} {at}"} for name in ARTWORKS]
            self.ask("PUT", f"/v1/titles/{title}", {"artworks": artworks})
        self.serving.until(lambda: self.decides("the first"), PATIENCE_S)

    def start(self, **more: str) -> Serving:
        """Start the service in the folder, anew."""
        return Serving(
            self.folder / "data",
            self.port,
            said_in=self.folder,
            reward_window_s=str(WINDOW_S),
            lateness_s="8",
            archive_s="0.7",
            viewer_hourly_rewards="1000000",
            dwell_s="1",
            **more,
        )

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
        into: Tally | None = None,
    ) -> httpx.Response | None:
        """Ask, judge the answer, and return it, or None when there was none.

        Parameters
        ----------
        body
            What is sent as JSON.
        raw
            Bytes that are sent instead.
        headers
            Beside those of an honest caller.
        into
            The tally to take the answer, if not the attack's.
        """
        tally, excused = into or self.tally, self.troubled.is_set()
        content = json.dumps(body).encode() if raw is None and body is not None else raw
        given = {"content-type": "application/json", **self.headers, **(headers or {})}
        sent = httpx.Headers(given, encoding="utf-8")
        what = f"{method} {path[:60]}"
        try:
            answer = self._client.request(method, path, content=content, headers=sent)
        except httpx.HTTPError as wrong:
            tally.note(0, {}, f"{what}: {wrong!r}", excused=excused or self.troubled.is_set())
            return None
        excused = excused or self.troubled.is_set()
        tally.note(answer.status_code, answer.headers, what, excused=excused)
        return answer

    def decides(self, viewer: str, into: Tally | None = None) -> bool:
        """Whether an honest page of decisions is answered, in whole."""
        asked = {"viewer": viewer, "titles": TITLES}
        answer = self.ask("POST", "/v1/decisions", asked, into=into)
        if answer is None or answer.status_code != 200:
            return False
        return len(answer.json()["decisions"]) == len(TITLES)

    def wait_ready(self) -> None:
        """Wait until it is ready, and what was killed is forgiven no longer.

        Raises
        ------
        pytest.fail.Exception
            It ended, or is not ready after minutes.
        """
        self.serving.until(self.is_ready, PATIENCE_S)
        self.troubled.clear()

    def is_ready(self) -> bool:
        """Whether it says that it is, and that its store is there: without one it still decides."""
        try:
            answer = self._client.get("/health/ready", headers=self.headers)
        except httpx.HTTPError:
            return False
        return answer.status_code == 200 and answer.json()["parts"]["store"]["well"] is True

    def memory(self) -> dict[str, int]:
        """Return the bytes of resident memory of each process."""
        found = {}
        try:
            for name, process in self.serving.members().items():
                found[name] = process.memory_info().rss
        except psutil.Error:
            pass
        return found

    def _weigh(self) -> None:
        while not self._over.wait(WATCH_S):
            self.tally.weigh(self.memory())

    def parts(self) -> Opened:
        """Return its log and its state, to be read from here."""
        own = {k: v for k, v in self.serving.environ.items() if k.startswith("KEYART_")}
        return Opened(read_settings(own).settings)

    def stop(self) -> int:
        """End it as Ctrl-C does; return its exit status."""
        self._over.set()
        self._client.close()
        return self.serving.stop()
