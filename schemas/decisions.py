"""What keyart chose, with what anybody needs to judge it later."""

from typing import Annotated, Final, Self

import numpy as np
from msgspec import Meta, Struct, structs

from keyart.schemas import columns as packed
from keyart.schemas.columns import (
    FACTORS,
    NO_REASON,
    ODDS,
    Columns,
    LoggedTaste,
    unpack_beliefs,
)
from keyart.schemas.context import Context, Situation
from keyart.schemas.ids import DecisionId, LoggedName, Millis, PseudonymField

DECISION_VERSION: Final = 2
"""2: decisions as `columns`, with taste and every candidate's beliefs. 1: one by one, without."""
MAX_TITLES: Final = packed.MAX_TITLES
MAX_ARTWORKS: Final = packed.MAX_ARTWORKS
DWELL_S = 21_600
"""How long a decision stands unless a site says otherwise: six hours."""
Probability = Annotated[float, Meta(ge=0.0, le=1.0)]
Position = Annotated[int, Meta(ge=0, le=255)]
Split = Annotated[str, Meta(max_length=512)]


class Versions(Struct, frozen=True, kw_only=True):
    """What made a decision: names that change whenever the thing itself does."""

    policy: str
    prior: str
    posterior: str
    space: str


class Terms(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The factors of the chosen artwork's score; their product, if below 1, is the expected take.

    `level` is a probability; `prior`, `taste`, `own` are factors around 1; `bonus` is what optimism
    added to the index, in probability; `trust` is in -1 to 1, below 0 for a prior that was found to
    be upside down; `impressions` is the artwork's effective number; `because` names the taste
    feature that mattered most, or says that the artwork's own response did: `response: comedy` to
    taste, `situation: device = 'tv'` to the site's context.
    """

    level: float
    prior: float = 1.0
    trust: float = 0.0
    taste: float = 1.0
    own: float = 1.0
    bonus: float = 0.0
    impressions: float = 0.0
    because: str = ""
    note: str = ""


class Decision(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One choice of an artwork for (viewer, title, surface).

    `candidates` and `propensities` are parallel and hold every artwork that could have been
    chosen; the propensities sum to one. `features` are the chosen artwork's, centred under the
    propensities, and so is `personal`: what the prior said for this viewer beyond what it says for
    everybody. `multiplier` is the taste multiplier m; `expected` the take expected without it.
    `response` is the part of m that is the artwork's own response to the page's `situation`.
    `position` is where on the page the title stood, 1 for the first; 0 where nobody knew.
    """

    id: DecisionId
    title: LoggedName
    artwork: LoggedName
    candidates: Annotated[tuple[LoggedName, ...], Meta(min_length=1, max_length=MAX_ARTWORKS)]
    propensities: Annotated[tuple[Probability, ...], Meta(min_length=1, max_length=MAX_ARTWORKS)]
    explored: bool
    terms: Terms
    features: Annotated[tuple[float, ...], Meta(max_length=64)] = ()
    personal: float = 0.0
    multiplier: Annotated[float, Meta(gt=0.0, le=100.0)] = 1.0
    expected: Probability = 0.0
    response: Annotated[float, Meta(gt=0.0, le=100.0)] = 1.0
    position: Position = 0

    @property
    def propensity(self) -> float:
        """The probability with which the policy chose what it chose."""
        return self.propensities[self.candidates.index(self.artwork)]


class DecisionPage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All decisions of one request: one record of topic `decisions`, keyed by viewer.

    `segment` is the taste segment whose opinions the prior had for this viewer; "" is everybody's.
    `split` is how viewers were shared out between policies then, as in `PolicyBucket`. `context` is
    what the site said of the situation, as it said it; `situation` what artworks respond to.
    `taste` is the viewer's as it was read, packed as `TASTE_DTYPE`; empty where nothing was known.

    The log has the decisions in `columns`, and `decisions` empty; before version 2 it had them one
    by one. Whoever decodes a page has `decisions` in either case.
    """

    viewer: PseudonymField
    surface: LoggedName
    decided_at_ms: Millis
    policy: str
    versions: Versions
    decisions: Annotated[tuple[Decision, ...], Meta(max_length=MAX_TITLES)]
    degraded: str = ""
    segment: str = ""
    split: Split = ""
    context: Context = {}
    situation: Situation = ()
    taste: LoggedTaste = b""
    columns: Columns | None = None
    version: Annotated[int, Meta(ge=1)] = 1

    def whole(self) -> Self:
        """Return it with its decisions one by one.

        Raises
        ------
        InvalidRecord
            Its columns do not fit each other.
        """
        if self.columns is None or self.decisions:
            return self
        return structs.replace(self, decisions=one_by_one(self.columns.check()))


def one_by_one(columns: Columns) -> tuple[Decision, ...]:
    """Return the decisions that stand in columns; factors to four digits."""
    choice, starts = columns.choice, columns.starts
    odds = (np.frombuffer(columns.odds, "<u4") / ODDS).tolist()
    prior, own, seen = np.ones(len(columns)), np.ones(len(columns)), np.zeros(len(columns))
    if beliefs := unpack_beliefs(columns.beliefs):
        at = np.array(starts[:-1], np.intp) + choice["chosen"]
        prior, own, seen = (beliefs[name][at] for name in ("prior", "own", "seen"))
    multiplier = choice["multiplier"] / FACTORS
    rows = zip(
        columns.titles,
        columns.candidates,
        starts,
        choice["nonce"].tolist(),
        choice["check"].tolist(),
        choice["chosen"].tolist(),
        choice["explored"].tolist(),
        [columns.reasons[at] if at != NO_REASON else "" for at in choice["because"].tolist()],
        (np.rint(choice["trust"].astype(np.float64) * 1e3) / 1e3).tolist(),
        (choice["level"] / ODDS).tolist(),
        (choice["expected"] / ODDS).tolist(),
        multiplier.tolist(),
        (choice["response"] / FACTORS).tolist(),
        (np.rint(choice["bonus"].astype(np.float64) * 1e7) / 1e7).tolist(),
        (np.rint(choice["personal"].astype(np.float64) * 1e4) / 1e4).tolist(),
        (np.rint(prior * 1e4) / 1e4).tolist(),
        (np.rint(own * 1e4) / 1e4).tolist(),
        (np.rint(seen * 10) / 10).tolist(),
        columns.feature_rows.tolist(),
        columns.positions or bytes(len(columns)),
        strict=False,
    )
    return tuple(
        [
            Decision(
                id=f"{nonce:016x}{check:08x}",
                title=title,
                artwork=candidates[chosen],
                candidates=candidates,
                propensities=tuple(odds[start : start + len(candidates)]),
                explored=explored,
                terms=Terms(
                    level=level,
                    prior=by_prior,
                    trust=trust,
                    taste=taste,
                    own=by_own,
                    bonus=bonus,
                    impressions=shown,
                    because=because,
                ),
                features=tuple(features),
                personal=personal,
                multiplier=taste,
                response=response,
                expected=expected,
                position=position,
            )
            for (
                title,
                candidates,
                start,
                nonce,
                check,
                chosen,
                explored,
                because,
                trust,
                level,
                expected,
                taste,
                response,
                bonus,
                personal,
                by_prior,
                by_own,
                shown,
                features,
                position,
            ) in rows
        ]
    )
