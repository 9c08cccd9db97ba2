"""Ends parts of the service by kill -9, under load, and waits until all is there again."""

import random

from tests.hostile.attacks import Attack
from tests.hostile.honest import Honest
from tests.hostile.site import PATIENCE_S, Site

KEY = "hostile:decide+events+admin+page=a key of the hostile run"


def kill(name: str) -> Attack:
    """Return the attack that ends a member of the family: api, steps or valkey."""

    def attack(site: Site, honest: Honest, rng: random.Random, size: float) -> None:
        victim = site.serving.members()[name]
        site.troubled.set()
        victim.kill()
        site.tally.requests += 1
        serving = site.serving
        serving.until(lambda: serving.members().get(name, victim).pid != victim.pid, PATIENCE_S)
        site.wait_ready()

    return attack


def kill_supervisor(site: Site, honest: Honest, rng: random.Random, size: float) -> None:
    """End the supervisor, and start the service in the same folder again, now with a key."""
    site.troubled.set()
    members = site.serving.members()
    site.serving.process.kill()
    site.serving.process.wait()
    site.tally.requests += 1
    site.headers = {"authorization": f"Bearer {KEY.partition('=')[2]}"}
    site.serving = site.start(api_keys=KEY)
    # the first one's api may answer until the second one's begins
    site.serving.until(lambda: set(members) <= set(site.serving.members()), PATIENCE_S)
    site.wait_ready()
    if left := [name for name, each in members.items() if each.is_running()]:
        site.tally.fault(f"{', '.join(left)} outlived the supervisor")
