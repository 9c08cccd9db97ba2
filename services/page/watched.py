"""The rewards that are watched beside the one that teaches, by policy."""

from collections.abc import Mapping

from keyart.models.statistics.noted import noted_interval
from keyart.models.statistics.timeline import EXPLORE, Key, read_part
from keyart.models.statistics.watched import add_noted
from keyart.schemas.posterior import Noted, PolicyBucket
from keyart.services.page.fractions import CONTROL, role, spoken
from keyart.services.page.strata import Filter
from keyart.services.page.views import NotedFigures, WatchedView


def watched_of(
    buckets: Mapping[Key, PolicyBucket], wanted: Filter, main: str
) -> tuple[WatchedView, ...]:
    """Return each watched reward by name, its policies in the order of the page's other figures.

    Parameters
    ----------
    main
        The policy that the headline is about: it comes first.
    """
    held: dict[str, dict[str, list[Noted]]] = {}
    for (start, policy), bucket in buckets.items():
        if not wanted.from_ms <= start < wanted.to_ms:
            continue
        by = CONTROL if policy == EXPLORE else policy
        for name, part in bucket.parts.items():
            if wanted.surface not in ("", read_part(name)[1]):
                continue
            for reward, noted in part.watched.items():
                held.setdefault(reward, {}).setdefault(by, []).append(noted)
    last = {main: 0, CONTROL: 2}
    return tuple(
        WatchedView(
            reward=reward,
            policies=tuple(
                figures
                for policy in sorted(its, key=lambda each: (last.get(each, 1), each))
                if (figures := _figures(policy, add_noted(its[policy]))) is not None
            ),
        )
        for reward, its in sorted(held.items())
    )


def _figures(policy: str, noted: Noted) -> NotedFigures | None:
    if (known := noted_interval(noted)) is None:
        return None
    return NotedFigures(
        policy=policy,
        name=spoken(policy),
        role=role(policy),
        impressions=noted.count,
        mean=known.estimate,
        low=known.low,
        high=known.high,
    )
