"""`make hostile`: everything that anybody may send or break, against a service of its own."""

import argparse
import shutil
import socket
import sys
import tempfile
from pathlib import Path

from tests.hostile.run import Run


def free_port() -> int:
    """Return a port on loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> int:
    """Run, print the table, and return the exit status: 1 when anything went wrong."""
    reader = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    reader.add_argument("--seconds", type=float, default=600.0, help="no attack begins later")
    reader.add_argument("--port", type=int, default=0, help="0: a free one")
    reader.add_argument("--seed", type=int, default=20260101, help="of all chance")
    reader.add_argument("--keep", action="store_true", help="leave its folder for a look")
    given = reader.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="keyart-hostile-"))
    try:
        port = given.port or free_port()
        run = Run(folder, port, seconds=given.seconds, seed=given.seed)
        faults = run.go()
    finally:
        if given.keep:
            print(f"all of it is in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    run.show()
    print(f"{len(faults)} faults" if faults else "it held: nothing lost, nothing twice")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
