"""A decided page as the log keeps it: columns, from arrays to bytes without a loop."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.decide.index import BELIEF_COLUMNS
from keyart.models.decide.page import DecidedPage
from keyart.models.taste.features import F32
from keyart.schemas.columns import (
    BELIEFS,
    CHOICE_DTYPE,
    FACTORS,
    NO_REASON,
    ODDS,
    Columns,
    pack_beliefs,
    pack_features,
)
from keyart.schemas.ids import ViewerKey, id_check

_AT: Final = {name: at for at, name in enumerate(BELIEF_COLUMNS)}
_FACTORS: Final = [_AT["prior"], _AT["own"]]
_COUNTS: Final = [_AT["seen"], _AT["taken"]]
_LEAST: Final = np.float32(1e-9)


def columns_of(
    decided: DecidedPage,
    viewer: ViewerKey,
    nonces: Sequence[int],
    *,
    positions: bytes = b"",
    responding: bytes = b"",
) -> Columns:
    """Return the columns of a page.

    Parameters
    ----------
    nonces
        (T,) random numbers, 0 to 2**64 - 1: what makes the decisions' ids unique.
    positions
        (T,) uint8, where on the page each title stands, from 1; empty where nobody knows.
    responding
        As `Columns` has it.
    """
    mask = decided.page.mask
    rows = np.arange(len(decided))
    chosen = decided.chosen
    picked = decided.beliefs[:, chosen, rows]  # (columns, T)
    features = decided.features
    reasons, because = decided.reasons()
    choices = np.zeros(len(decided), CHOICE_DTYPE)
    choices["nonce"] = nonces
    choices["check"] = [
        id_check(viewer, title, nonce) for title, nonce in zip(decided.titles, nonces, strict=True)
    ]
    choices["chosen"] = chosen
    choices["explored"] = decided.explored
    choices["because"] = np.where(because < 0, NO_REASON, because)
    choices["trust"] = picked[_AT["trust"]]
    choices["level"] = _whole(picked[_AT["level"]], ODDS)
    choices["expected"] = _whole(decided.chosen_expected, ODDS)
    choices["multiplier"] = np.maximum(_whole(decided.chosen_multiplier, FACTORS), 1)
    choices["response"] = np.maximum(_whole(decided.chosen_response, FACTORS), 1)
    choices["strength"] = picked[_AT["strength"]]
    choices["bonus"] = decided.chosen_bonus
    choices["personal"] = features[:, -1]
    return Columns(
        titles=tuple(decided.titles),
        candidates=tuple(decided.artworks),
        choices=choices.tobytes(),
        odds=_whole(decided.propensities[mask], ODDS).tobytes(),
        beliefs=pack_beliefs(_beliefs(decided, mask)),
        features=pack_features(features[:, :-1]),
        reasons=reasons,
        ruled=dict(decided.ruled),
        positions=positions,
        responding=responding,
    )


def _beliefs(decided: DecidedPage, mask: NDArray[np.bool_]) -> F32:
    """Return (len(BELIEFS), C), as they are logged."""
    its = decided.beliefs.transpose(0, 2, 1)[:, mask]  # (columns, C)
    found = np.empty((len(BELIEFS), its.shape[1]), np.float32)
    np.maximum(its[_FACTORS], _LEAST, out=found[:2])
    found[2] = decided.multiplier[mask]
    np.log(found[:3], out=found[:3])
    variance = its[_AT["relative_variance"]]
    whole = decided.page.sd[mask] / np.maximum(decided.page.mean[mask], _LEAST)
    found[3] = variance
    np.maximum(whole * whole - variance, 0, out=found[4])
    np.sqrt(found[3:5], out=found[3:5])
    np.log1p(its[_COUNTS], out=found[5:])
    return found


def _whole(values: NDArray[np.floating], scale: int) -> NDArray[np.uint32]:
    """Return the values in units of 1 / scale."""
    return np.asarray(np.rint(values.astype(np.float64) * scale), "<u4")
