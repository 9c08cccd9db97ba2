"""The demo as a person runs it: a server of its own, over HTTP, figures in a file, nothing left."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

COMMAND = (sys.executable, "-c", "from keyart.services.cli.main import main; main()", "demo")


def test_a_short_demo_writes_its_figures_and_leaves_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    ran = subprocess.run(
        [*COMMAND, "--decisions", "400", "--no-loop", "--json", str(out)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "simulated" in ran.stdout and "http://127.0.0.1:" in ran.stdout
    figures = json.loads(out.read_text())
    assert [policy["impressions"] for policy in figures["policies"]] == [400, 400, 400]
    pages = {each["recommender"]: each for each in figures["serendipity"]["pages"]}
    assert len(pages) == 5 and "Proposals: pages of ten titles" in ran.stdout
    assert pages["iALS, free"]["over_ials"] is None
    assert list(tmp_path.iterdir()) == [out]


def test_an_ended_demo_takes_its_server_with_it(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [*COMMAND, "--seconds", "600"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    try:
        deadline = time.monotonic() + 120
        family: list[psutil.Process] = []
        while time.monotonic() < deadline and len(family) < 3:
            family = psutil.Process(demo.pid).children(recursive=True)
            time.sleep(0.2)
        assert len(family) >= 3
        demo.send_signal(signal.SIGTERM)
        demo.wait(60)
        gone, alive = psutil.wait_procs(family, timeout=20)
        assert not alive, alive
    finally:
        demo.kill()
        demo.wait()
    assert not any(tmp_path.glob("keyart-demo-*"))
