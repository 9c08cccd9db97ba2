"""A lease with a fencing token: one at a time, and whoever was paused too long is found out."""

import threading
from importlib.resources import files
from typing import Any, Final

from keyart.schemas.errors import Contended, Fenced, KeyartError
from keyart.streams.valkey.connect import translated
from keyart.streams.valkey.keys import Keys

LEASE_S: Final = 30.0
_RENEW: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
"""
_RELEASE: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class Lease:
    """The right to do something that only one may do, for as long as it is renewed.

    Renewal happens in a thread. A holder that was stopped for longer than the lease, or cut off
    from the store, may still believe that it holds it: so what it does carries `token`, which grows
    with every holder, and whatever it does it to refuses a token below the last one it saw (Burrows
    2006, "The Chubby lock service", section 2.4: sequencers).

    Parameters
    ----------
    name
        Of what is leased.
    owner
        Who takes it. One who takes a lease under the same name takes it on at once: only who knows
        that the former holder is dead may use its name.
    """

    def __init__(
        self, client: Any, keys: Keys, name: str, owner: str, *, seconds: float = LEASE_S
    ) -> None:
        self._client = client
        self._names = [keys.shared(f"{{lease}}{name}"), keys.shared(f"{{lease}}{name}:token")]
        self._owner = owner
        self._ms = int(seconds * 1000)
        script = files("keyart.streams.valkey").joinpath("lease.lua").read_text()
        self._take = client.register_script(script)
        self._renew = client.register_script(_RENEW)
        self._release = client.register_script(_RELEASE)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.token = 0
        self.lost = False

    def __enter__(self) -> "Lease":
        """Take it.

        Raises
        ------
        Contended
            Another holds it; names it.
        """
        with translated():
            token, holder = self._take(keys=self._names, args=[self._owner, self._ms])
        if not token:
            raise Contended(f"{holder.decode(errors='replace')} is at it: one at a time")
        self.token = int(token)
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let it go."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=10)
        try:
            with translated():
                self._release(keys=self._names[:1], args=[self._mark])
        except KeyartError:
            return  # it runs out by itself

    def check(self) -> None:
        """See that it is still held.

        Raises
        ------
        Fenced
            It ran out, and maybe another has taken it.
        """
        if self.lost or not self.renew():
            raise Fenced("the lease has run out: another may be at it")

    def renew(self) -> bool:
        """Renew it; return whether it was held."""
        with translated():
            return bool(self._renew(keys=self._names[:1], args=[self._mark, self._ms]))

    @property
    def _mark(self) -> str:
        return f"{self._owner}:{self.token}"

    def _keep(self) -> None:
        while not self._stopping.wait(self._ms / 3000):
            try:
                if not self.renew():
                    self.lost = True
                    return
            except KeyartError:
                continue  # away: it may be back before the lease runs out
