"""Decisions as columns, packed one number at a time: beside keyart's own way, to compare."""

import math
import struct
from collections.abc import Sequence

from keyart.schemas.columns import Columns
from keyart.schemas.decisions import Decision

Belief = tuple[float, float, float, float, float, float, float]
"""Factors prior, own and taste; spread and doubt; impressions and takes."""


def belief_bytes(beliefs: Sequence[Belief]) -> bytes:
    """Return the beliefs of candidates, the first number of all of them first."""
    rows = [
        [round(4096 * math.log(each[at])) for each in beliefs]
        if at < 3
        else [round(4096 * each[at]) for each in beliefs]
        if at < 5
        else [round(1024 * math.log1p(each[at])) for each in beliefs]
        for at in range(7)
    ]
    return b"".join(struct.pack("<h", each) for row in rows for each in row)


def columns_of_rows(
    decisions: Sequence[Decision], beliefs: Sequence[Belief] = (), strength: float = 0.0
) -> Columns:
    """Return decisions in columns; `beliefs` of all their candidates, one after the other."""
    reasons = sorted({each.terms.because for each in decisions} - {""})
    choices = b"".join(
        struct.pack(
            "<QIB?BeIIIIfff",
            int(each.id[:16], 16),
            int(each.id[16:], 16),
            each.candidates.index(each.artwork),
            each.explored,
            reasons.index(each.terms.because) if each.terms.because else 255,
            each.terms.trust,
            round(each.terms.level * 1e7),
            round(each.expected * 1e7),
            round(each.multiplier * 1e5),
            round(each.response * 1e5),
            strength,
            each.terms.bonus,
            each.personal,
        )
        for each in decisions
    )
    odds = [round(share * 1e7) for each in decisions for share in each.propensities]
    features = [round(number * 2048) for each in decisions for number in each.features]
    return Columns(
        titles=tuple(each.title for each in decisions),
        candidates=tuple(each.candidates for each in decisions),
        choices=choices,
        odds=struct.pack(f"<{len(odds)}I", *odds),
        beliefs=belief_bytes(beliefs),
        features=struct.pack(f"<{len(features)}h", *features),
        reasons=tuple(reasons),
    )
