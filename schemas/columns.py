"""A page of decisions as columns: small, and enough to judge any policy or prior on it later.

What was known when it was decided stands here for every candidate, not for the chosen one alone:
its propensity, what was believed of it, and, once for the page, the viewer's taste as it was read.
Numbers are packed, little-endian, and stand in JSON as base64.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Self

import numpy as np
from msgspec import Meta, Struct, structs
from numpy.typing import NDArray

from keyart.schemas.errors import InvalidRecord
from keyart.schemas.ids import LoggedName
from keyart.schemas.ruled import Ruled

ODDS: Final = 10_000_000
"""Propensities and takes are logged to seven digits: a whole number of these is exact."""
FACTORS: Final = 100_000
"""Taste multipliers are logged to five digits."""
NO_REASON: Final = 255
MAX_TITLES: Final = 200
MAX_ARTWORKS: Final = 40
MAX_FEATURES: Final = 64
DIRECTIONS: Final = 6
"""Of a taste: long-term, short-term, rejected, and three interests."""
DIRECTION_LENGTH: Final = 64

CHOICE_DTYPE: Final = np.dtype(
    [
        ("nonce", "<u8"),
        ("check", "<u4"),
        ("chosen", "u1"),
        ("explored", "?"),
        ("because", "u1"),
        ("trust", "<f2"),
        ("level", "<u4"),
        ("expected", "<u4"),
        ("multiplier", "<u4"),
        ("response", "<u4"),
        ("strength", "<f4"),
        ("bonus", "<f4"),
        ("personal", "<f4"),
    ]
)
"""One title of a page. nonce, check: the decision's id. chosen: index among its candidates.
because: the place among the page's reasons, or `NO_REASON`. trust: in the prior, -1 to 1. level:
take probability of the title, expected: of the chosen artwork without taste, both in 1e-7.
multiplier: of taste, response: the part of it that is the artwork's own, both in 1e-5. strength:
what the prior is worth, in impressions. bonus: what optimism added, a probability. personal: what
the prior said for this viewer beyond everybody."""
BELIEFS: Final = {
    "prior": 4096,
    "own": 4096,
    "taste": 4096,
    "spread": 4096,
    "doubt": 4096,
    "seen": 1024,
    "taken": 1024,
}
"""What is kept of a candidate, int16 in units of one over so many. prior, own, taste: natural logs
of the factors whose product with the level is its expected take. spread: relative standard
deviation of its own part; doubt: of the taste factor. seen, taken: log(1 + effective impressions),
log(1 + effective takes). What is larger than 8 (32 for the last two) stands as that."""
FEATURE_UNITS: Final = 2048
"""Features are int16 in units of one over so many: to 0.0003, up to 16."""
RESPONSE_UNITS: Final = 4096
NOT_RESPONDING: Final = -32_768
BELIEF_BYTES: Final = 2 * len(BELIEFS)
TASTE_DTYPE: Final = np.dtype(
    [("scale", "<f4", (DIRECTIONS,)), ("units", "i1", (DIRECTIONS, DIRECTION_LENGTH))]
)
"""A taste as it was read, decayed to the moment of the decision: direction d is scale x units."""

_UNITS: Final = np.array([[units] for units in BELIEFS.values()], np.float32)
Choices = NDArray[np.void]
F32 = NDArray[np.float32]
Packed = Annotated[bytes, Meta(max_length=MAX_TITLES * MAX_ARTWORKS * BELIEF_BYTES)]
Names = Annotated[tuple[LoggedName, ...], Meta(min_length=1, max_length=MAX_ARTWORKS)]
LoggedTaste = Annotated[bytes, Meta(max_length=TASTE_DTYPE.itemsize)]


class Columns(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """T titles of a page, and the C candidates of all of them, title by title.

    Parameters
    ----------
    titles, candidates
        (T,) ids, and for each the ids of all artworks that could have been chosen.
    choices
        (T,) of `CHOICE_DTYPE`.
    odds
        (C,) uint32, propensities in 1e-7; a title's sum to one.
    beliefs
        (len(BELIEFS), C) int16.
    features
        (T, D) int16, the chosen artworks', centred under the propensities.
    reasons
        Names of taste features, those that mattered most to some choice of the page.
    ruled
        By place among the titles, what rules did; nothing of the others.
    positions
        (T,) uint8, where on the page each title stood, from 1; empty where nobody knew.
    responding
        (T,) int16, of titles whose artworks' own responses to the page's situation are learned: the
        chosen one's log response in units of one over `RESPONSE_UNITS`, centred under the
        propensities and before it is trusted; `NOT_RESPONDING` of the others; empty where all are
        others.
    """

    titles: Annotated[tuple[LoggedName, ...], Meta(max_length=MAX_TITLES)]
    candidates: Annotated[tuple[Names, ...], Meta(max_length=MAX_TITLES)]
    choices: Packed
    odds: Packed
    beliefs: Packed = b""
    features: Packed = b""
    reasons: Annotated[tuple[str, ...], Meta(max_length=NO_REASON)] = ()
    ruled: Annotated[dict[int, Ruled], Meta(max_length=MAX_TITLES)] = {}
    positions: Annotated[bytes, Meta(max_length=MAX_TITLES)] = b""
    responding: Annotated[bytes, Meta(max_length=2 * MAX_TITLES)] = b""

    def __len__(self) -> int:
        """Return the number of titles."""
        return len(self.titles)

    @property
    def choice(self) -> Choices:
        """(T,) of `CHOICE_DTYPE`."""
        return np.frombuffer(self.choices, CHOICE_DTYPE)

    @property
    def starts(self) -> list[int]:
        """(T + 1,): where each title's candidates begin among all, and the end."""
        found = [0]
        for names in self.candidates:
            found.append(found[-1] + len(names))
        return found

    @property
    def feature_rows(self) -> NDArray[np.float64]:
        """(T, D), to four digits."""
        count = len(self)
        whole = np.frombuffer(self.features, "<i2").astype(np.float64)
        rows = (whole / FEATURE_UNITS).reshape(count, len(whole) // count if count else 0)
        return np.asarray(np.rint(rows * 1e4) / 1e4)

    @property
    def belief_rows(self) -> NDArray[np.int16]:
        """(len(BELIEFS), C) int16; C is 0 where none are kept."""
        return np.frombuffer(self.beliefs, "<i2").reshape(len(BELIEFS), -1)

    def beliefs_of(self, at: int) -> bytes:
        """Return the beliefs of one title's candidates, as a page of it alone would have them."""
        first = sum(len(names) for names in self.candidates[:at])
        return self.belief_rows[:, first : first + len(self.candidates[at])].tobytes()

    @property
    def _responding(self) -> NDArray[np.int16]:
        return np.frombuffer(self.responding, "<i2")

    def responded(self, at: int) -> float | None:
        """Return the centred log response of one title's choice; None: it does not teach any."""
        if not self.responding or (units := int(self._responding[at])) == NOT_RESPONDING:
            return None
        return units / RESPONSE_UNITS

    def check(self) -> Self:
        """Return it.

        Raises
        ------
        InvalidRecord
            Its columns do not fit each other.
        """
        count, total = len(self), self.starts[-1]
        if len(self.candidates) != count or len(self.choices) != count * CHOICE_DTYPE.itemsize:
            raise InvalidRecord("the columns of a page are not of one length")
        if len(self.odds) != 4 * total or len(self.beliefs) not in (
            0,
            total * BELIEF_BYTES,
        ):
            raise InvalidRecord("the columns of a page do not fit its candidates")
        if len(self.features) > count * 2 * MAX_FEATURES or (
            count and len(self.features) % (2 * count)
        ):
            raise InvalidRecord("the features of a page do not fit its titles")
        choice = self.choice
        sizes = np.array([len(names) for names in self.candidates], np.int64)
        if count and (choice["chosen"] >= sizes).any():
            raise InvalidRecord("a page chose what is not among its candidates")
        named = choice["because"][choice["because"] != NO_REASON]
        if (named >= len(self.reasons)).any():
            raise InvalidRecord("a page gives a reason that it does not name")
        if count and (
            (np.frombuffer(self.odds, "<u4") > ODDS).any()
            or (choice["level"] > ODDS).any()
            or (choice["expected"] > ODDS).any()
            or any(
                (choice[name] == 0).any() or (choice[name] > 100 * FACTORS).any()
                for name in ("multiplier", "response")
            )
        ):
            raise InvalidRecord("a probability or a factor of a page is out of its range")
        if not {len(self.positions), len(self.responding) / 2} <= {0, count}:
            raise InvalidRecord("what a page says of each title is not said once for each")
        if not all(0 <= at < count and each.fits for at, each in self.ruled.items()):
            raise InvalidRecord("what rules did to a page does not fit its titles")
        return self

    def without_reasons(self) -> "Columns":
        """Return it without the names of what mattered most."""
        choice = self.choice.copy()
        choice["because"] = NO_REASON
        return structs.replace(self, choices=choice.tobytes(), reasons=())

    def take(self, rows: Sequence[int]) -> "Columns":
        """Return these titles of it, in this order."""
        starts = self.starts
        at = np.array(rows, np.intp)
        each = [np.arange(starts[row], starts[row + 1]) for row in rows]
        cells = np.concatenate(each) if each else np.zeros(0, np.intp)
        beliefs = self.belief_rows
        width = len(self.features) // len(self) if len(self) else 0
        features = np.frombuffer(self.features, np.uint8).reshape(len(self), width)
        return Columns(
            titles=tuple([self.titles[row] for row in rows]),
            candidates=tuple([self.candidates[row] for row in rows]),
            choices=self.choice[at].tobytes(),
            odds=np.frombuffer(self.odds, "<u4")[cells].tobytes(),
            beliefs=beliefs[:, cells].tobytes() if beliefs.size else b"",
            features=features[at].tobytes(),
            reasons=self.reasons,
            ruled={at: self.ruled[row] for at, row in enumerate(rows) if row in self.ruled},
            positions=bytes([self.positions[row] for row in rows]) if self.positions else b"",
            responding=self._responding[at].tobytes() if self.responding else b"",
        )


def pack_beliefs(values: F32) -> bytes:
    """Return beliefs (len(BELIEFS), C), in the order of `BELIEFS`, as they are logged."""
    units = values * _UNITS
    np.rint(units, out=units)
    return np.clip(units, -32_768, 32_767, out=units).astype("<i2").tobytes()


def unpack_beliefs(record: bytes) -> dict[str, NDArray[np.float64]]:
    """Return name -> (C,): factors and numbers as they are, no logs. Empty for b"".

    Raises
    ------
    InvalidRecord
        It is of no whole number of candidates.
    """
    if not record:
        return {}
    if len(record) % BELIEF_BYTES:
        raise InvalidRecord(f"logged beliefs of {len(record)} bytes")
    rows = np.frombuffer(record, "<i2").reshape(len(BELIEFS), -1) / _UNITS.astype(np.float64)
    found = dict(zip(BELIEFS, rows, strict=True))
    for name in ("prior", "own", "taste"):
        found[name] = np.exp(found[name])
    for name in ("seen", "taken"):
        found[name] = np.expm1(found[name])
    return found


def pack_responding(values: Sequence[float | None]) -> bytes:
    """Return (T,) centred log responses, within 7.9, as they are logged; None: not responding."""
    units = [NOT_RESPONDING if each is None else round(each * RESPONSE_UNITS) for each in values]
    return np.array(units, "<i2").tobytes()


def pack_features(values: F32) -> bytes:
    """Return features (T, D) as they are logged."""
    units = values * np.float32(FEATURE_UNITS)
    np.rint(units, out=units)
    return np.clip(units, -32_768, 32_767, out=units).astype("<i2").tobytes()


def pack_taste(directions: F32) -> bytes:
    """Return a taste's directions in 408 bytes; b"" for one of which nothing is known.

    Parameters
    ----------
    directions
        (DIRECTIONS, DIRECTION_LENGTH), each of a length up to 1.
    """
    scale = np.abs(directions).max(axis=1) / np.float32(127)
    if not scale.any():
        return b""
    record = np.zeros((), TASTE_DTYPE)
    record["scale"] = scale
    record["units"] = np.rint(directions / np.where(scale > 0, scale, np.float32(1))[:, None])
    return record.tobytes()


def unpack_taste(record: bytes) -> F32:
    """Return the directions, each entry within half a 127th of the direction's largest.

    Raises
    ------
    InvalidRecord
        It is of another size, or holds no numbers.
    """
    if not record:
        return np.zeros((DIRECTIONS, DIRECTION_LENGTH), np.float32)
    if len(record) != TASTE_DTYPE.itemsize:
        raise InvalidRecord(f"a logged taste of {len(record)} bytes")
    held: Any = np.frombuffer(record, TASTE_DTYPE)[0]
    if not np.isfinite(held["scale"]).all():
        raise InvalidRecord("a logged taste holds what is no number")
    found: F32 = held["units"].astype(np.float32) * held["scale"][:, None]
    return found
