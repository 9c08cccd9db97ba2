"""What must hold in the end, told from the log alone."""

import subprocess
from collections import Counter

from keyart.schemas import codec
from keyart.schemas.topics import EVENTS, REWARDS
from keyart.streams.ports import TITLES, Lane
from tests.faults.serving import COMMAND
from tests.faults.truth import plain_join
from tests.hostile.honest import Honest
from tests.hostile.site import Site


def judged(site: Site, honest: Honest) -> list[str]:
    """Return what is lost, doubled or different, of a site that has been stopped.

    Every accepted honest event is in the log once; every honest decision that was seen has one
    reward, of the value that a plain join of the log gives it; every reward is learned once; and
    `keyart replay --check` finds the state equal.
    """
    faults: list[str] = []
    parts = site.parts()
    parts.server.start()
    try:
        logged = Counter(
            codec.events.decode(record.value).id for record in parts.history(EVENTS, 0)
        )
        counts = Counter(min(logged[name], 2) for name in honest.accepted)
        if counts[0]:
            faults.append(f"{counts[0]} accepted events are lost")
        if counts[2]:
            faults.append(f"{counts[2]} accepted events are in the log twice")
        rewards = [codec.rewards.decode(record.value) for record in parts.history(REWARDS, 0)]
        if len({reward.id for reward in rewards}) < len(rewards):
            faults.append("a decision has two rewards")
        if (learned := parts.store.counts(Lane(TITLES, 0))["learned"]) != len(rewards):
            faults.append(f"{len(rewards)} rewards, of which {learned} were learned")
        given = {each.id: each.value for each in rewards if each.id in honest.decisions}
        due = {k: v for k, v in plain_join(parts).items() if k in honest.decisions}
        if given != due:
            wrong = {k for k in given.keys() | due.keys() if given.get(k) != due.get(k)}
            faults.append(f"{len(wrong)} of {len(due)} honest rewards are not as the log says")
    finally:
        parts.server.stop()
    check = subprocess.run(
        [*COMMAND, "replay", "--check"], env=site.serving.environ, capture_output=True, text=True
    )
    if check.returncode:
        said = [*check.stdout.splitlines(), *check.stderr.splitlines()]
        faults.append(f"replay --check ends with {check.returncode}: {' | '.join(said[:40])}")
    return faults
