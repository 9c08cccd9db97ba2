"""What came of pages of proposals, as a person reads it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from keyart.services.cli.words import counted

if TYPE_CHECKING:
    from keyart.models.serendipity.measure.lived import Lived
    from keyart.models.serendipity.measure.watched import Came, Guard
    from keyart.models.statistics.interval import Interval


def came_said(came: "Came") -> Iterator[str]:
    """Yield the lines: places seen, each kind of place, the difference, doses, guardrails."""
    yield f"{counted(came.seen, 'place')} seen"
    for kind, each in came.kinds.items():
        yield _kind(kind, each)
    if came.more is not None:
        yield (
            "UEUC per 1,000 of places proposed, less that of places that are not: "
            f"{_ends(came.more, '+.1f')}"
        )
    for on in came.surfaces:
        yield (
            f"on {on.surface}: {counted(on.places, 'place')}, {100 * on.proposed:.0f} % proposed "
            f"(dose {100 * on.dose:.0f} %), {100 * on.random:.0f} % drawn at random"
        )
    for guard in came.guards:
        yield _guard(guard)


def _kind(kind: str, its: "Lived") -> str:
    if its.ueuc is None or its.engaged is None or its.hidden is None:
        return f"{kind}: none"
    return (
        f"{kind}: {counted(its.places, 'place')}, {counted(its.viewers, 'viewer')}; UEUC "
        f"{_ends(its.ueuc, '.1f')} per 1,000; engaged {100 * its.engaged.estimate:.1f} %, of which "
        f"{100 * its.satisfied:.0f} % finished or liked; hidden {100 * its.hidden.estimate:.1f} %"
    )


def _guard(guard: "Guard") -> str:
    if guard.share is None or guard.over is None:
        return f"{guard.name}: {guard.says}"
    return (
        f"{guard.name}: {guard.says}; {100 * guard.share.estimate:.0f} % against "
        f"{100 * guard.beside:.0f} %, {_ends(guard.over, '+.1f', 100.0)} points, "
        f"{counted(guard.viewers, 'viewer')}"
    )


def _ends(its: "Interval", form: str, times: float = 1.0) -> str:
    estimate, low, high = (times * each for each in (its.estimate, its.low, its.high))
    return f"{estimate:{form}} ({low:{form}} to {high:{form}})"
