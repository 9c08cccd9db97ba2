"""What viewers played before keyart came: events with no decision, which teach only taste."""

from typing import Final

import numpy as np

from keyart.services.client import Event
from keyart.services.demo.world import World

PLAYS: Final = 20
"""Past plays of a viewer, on average."""
STRANGERS: Final = 0.2
"""Share of viewers of whom nothing is known."""
DAYS: Final = 6
MS_PER_DAY: Final = 86_400_000


def past_events(world: World, *, seed: int, now_ms: int) -> list[Event]:
    """Return the audience's past plays, oldest first, as events to post.

    A site that takes keyart up has its viewers' last plays. Here each is drawn as it would have
    come about with uniform artworks over the last six days; a fifth of the viewers have none.
    """
    rng = np.random.default_rng([seed, 5])
    audience = world.audience
    artworks = [(title.id, artwork.id) for title in world.titles for artwork in title.artworks]
    most = round(2 * PLAYS / (1 - STRANGERS))
    events: list[tuple[int, Event]] = []
    for viewer, takes in enumerate(audience.takes):
        plays = 0 if rng.random() < STRANGERS else int(rng.integers(1, most))
        weights = takes * audience.uniform
        drawn = rng.choice(len(takes), size=plays, p=weights / weights.sum())
        ages_ms = rng.integers(MS_PER_DAY // 24, DAYS * MS_PER_DAY, plays)
        minutes = 2.0 + rng.exponential(20.0, plays).clip(max=600.0)
        for at, (row, age_ms) in enumerate(zip(drawn.tolist(), ages_ms.tolist(), strict=True)):
            title, artwork = artworks[row]
            event: Event = {
                "type": "play",
                "id": f"past-{seed}-{viewer}-{at}",
                "viewer": world.viewers[viewer],
                "title": title,
                "artwork": artwork,
                "occurred_at_ms": now_ms - age_ms,
                "minutes": round(float(minutes[at]), 2),
            }
            events.append((age_ms, event))
    return [event for _, event in sorted(events, key=lambda pair: -pair[0])]
