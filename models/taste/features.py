"""What a viewer's taste and an artwork have to do with each other, as `len(FEATURES)` numbers.

Feature-major arrays, (D, R) for R artworks, because each feature is then one run of memory. Scaled
so that, centred over one title's artworks, each has a spread of about one half to one (measured on
headline tests in the shipped space); a viewer without taste has zeros in all but the two relations.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.taste.update import MS_PER_HOUR, TasteRates
from keyart.schemas.context import PLAIN
from keyart.schemas.taste import INTERESTS, TASTE_DIMENSIONS

F32 = NDArray[np.float32]

PROJECTED: Final = 8
"""Leading coordinates of long-term taste that get a product each; vectors come in PCA order."""
PROJECTED_SHORT: Final = 4
SURFACES: Final = ("billboard", "search", "email")
"""Surfaces where long-term taste may matter more or less than on the home row and elsewhere."""

FEATURES: Final = (
    "long",
    "short",
    "negative",
    "best",
    "best_squared",
    "agreement",
    "typical",
    "distinct",
    "long_typical",
    *(f"long_{axis}" for axis in range(PROJECTED)),
    *(f"short_{axis}" for axis in range(PROJECTED_SHORT)),
    *(f"long_{surface}" for surface in SURFACES),
    "personal",
)
"""long, short, negative: similarity to that direction. best: to the nearest single interest, not
below zero, and squared. agreement: long x short. typical, distinct: relation to the title's other
artworks, whoever looks. long_N, short_N: products of the N-th coordinates of taste and artwork.
long_<surface>: long, on that surface. personal: what the prior says for viewers like this one
beyond what it says for everybody; it is logged apart, and last here: others that come are put
before it, and what a shorter list in an old log lacks was 0."""
PERSONAL: Final = FEATURES.index("personal")
assert PERSONAL == PLAIN

PERSONAL_SCALE: Final = 8.0
"""Of log relative takes: opinions for segments of viewers differ by a tenth or so."""
_SIMILARITY, _SQUARE, _DISTINCT, _PRODUCT = (np.float32(scale) for scale in (8, 16, 6, 32))


@dataclass(frozen=True, slots=True, kw_only=True)
class TasteVectors:
    """A viewer's taste, ready to be multiplied with artworks.

    Parameters
    ----------
    directions
        (3 + J, 64) float32, C order: long-term mean, short-term, rejected, and the J interests.
        Each is a unit vector times mass / (mass + 1), so that little evidence is a short vector.
    """

    directions: F32

    @property
    def known(self) -> bool:
        """Whether anything is known of the viewer."""
        return bool(self.directions.any())


NO_TASTE: Final = TasteVectors(
    directions=np.zeros((3 + INTERESTS, TASTE_DIMENSIONS), dtype=np.float32)
)


def taste_vectors(record: Any, now_ms: int, rates: TasteRates) -> TasteVectors:
    """Return the directions of one stored taste, decayed to now.

    Parameters
    ----------
    record
        One element of an array of `TASTE_DTYPE`.
    now_ms
        Milliseconds since 1970.
    rates
        Half-lives, those of the taste step.
    """
    if record["events"] == 0 and not record["corrected"].any():
        return NO_TASTE
    hours = max(now_ms - int(record["last_event_ms"]), 0) / MS_PER_HOUR
    long_left, short_left = 0.5 ** (hours / rates.long_hours), 0.5 ** (hours / rates.short_hours)
    masses = np.empty(3 + INTERESTS, dtype=np.float32)
    masses[3:] = record["interest_weights"]
    masses[0] = total = masses[3:].sum()
    masses[1] = record["short_weight"]
    masses[2] = record["negative_weight"]
    masses[[0, 2]] *= np.float32(long_left)
    masses[1] *= np.float32(short_left)
    share = masses[3:] / max(total, np.float32(1e-9))
    masses[3:] *= np.float32(long_left)

    rows = np.empty((3 + INTERESTS, TASTE_DIMENSIONS), dtype=np.float32)
    rows[3:] = record["interests"]
    rows[0] = share @ rows[3:]
    rows[1] = record["short"]
    rows[2] = record["negative"]
    return TasteVectors(directions=rows * (masses / (masses + np.float32(1)))[:, None])


def relations(vectors: F32) -> F32:
    """Return (K, 2): how typical of its title each artwork is, and how distinct.

    Typical is the cosine to the mean of the title's artworks, distinct one minus the cosine to the
    nearest other one; both 0 when there is no other.

    Parameters
    ----------
    vectors
        (K, 64) unit vectors of one title's artworks.
    """
    count = len(vectors)
    if count < 2:
        return np.zeros((count, 2), dtype=np.float32)
    middle = vectors.mean(axis=0)
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, -1.0)
    typical = vectors @ (middle / max(float(np.sqrt(middle @ middle)), 1e-9))
    return np.stack((typical, 1.0 - alike.max(axis=1)), axis=1).astype(np.float32)


def features(
    taste: TasteVectors,
    vectors: F32,
    related: F32,
    surface: str,
    personal: F32 | None = None,
) -> F32:
    """Return (D, R) features, not yet centred.

    Parameters
    ----------
    taste
        The viewer's.
    vectors
        (R, 64) unit vectors of the artworks, in the leading dimensions of the space.
    related
        (R, 2) of `relations`.
    surface
        Where they are shown.
    personal
        (R,) log relative takes that the prior adds for this viewer; None when it knows no viewers.
    """
    alike = taste.directions @ vectors.T  # (3 + J, R)
    alike *= _SIMILARITY
    out = np.empty((len(FEATURES), len(vectors)), dtype=np.float32)
    out[:3] = alike[:3]
    best = np.maximum(alike[3:].max(axis=0), np.float32(0), out=out[3])
    np.multiply(best, best, out=out[4])
    np.multiply(out[0], out[1], out=out[5])
    out[4:6] *= _SQUARE / _SIMILARITY**2
    np.multiply(related[:, 0], _SIMILARITY, out=out[6])
    np.multiply(related[:, 1], _DISTINCT, out=out[7])
    np.multiply(out[0], related[:, 0], out=out[8])
    leading = vectors[:, :PROJECTED].T
    at = 9
    np.multiply(
        leading, taste.directions[0, :PROJECTED, None] * _PRODUCT, out=out[at : at + PROJECTED]
    )
    at += PROJECTED
    short = taste.directions[1, :PROJECTED_SHORT, None] * _PRODUCT
    np.multiply(leading[:PROJECTED_SHORT], short, out=out[at : at + PROJECTED_SHORT])
    at += PROJECTED_SHORT
    out[at:] = 0
    if surface in SURFACES:
        out[at + SURFACES.index(surface)] = out[0]
    if personal is not None:
        np.multiply(personal, np.float32(PERSONAL_SCALE), out=out[-1])
    return out
