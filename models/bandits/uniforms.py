"""Steady randomness: uniform numbers per (viewer, title, policy, dwell period), with no state.

One BLAKE2b digest per page turns viewer, policy version and period into a 64-bit seed; each title
has a 64-bit number, also from BLAKE2b. Their exclusive or goes through the finaliser of SplitMix64
(Steele, Lea and Flood, OOPSLA 2014), a bijection in which each output bit depends on every input
bit. The upper half makes one number, the lower half another, independent one.
"""

import hashlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

UInts = NDArray[np.uint64]
Doubles = NDArray[np.float64]

_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31 = (np.uint64(n) for n in (30, 27, 31))
_UNIT = np.float64(2.0**-32)


@lru_cache(maxsize=65_536)
def title_number(title: str) -> int:
    """Return the title's own 64-bit number, to be kept beside the title."""
    return int.from_bytes(hashlib.blake2b(title.encode(), digest_size=8).digest(), "little")


def place_number(title: str, surface: str) -> int:
    """Return the 64-bit number of a title on a surface: that of the title xor the surface's."""
    return title_number(title) ^ surface_number(surface)


@lru_cache(maxsize=4096)
def surface_number(surface: str) -> int:
    """Return the surface's own 64-bit number."""
    digest = hashlib.blake2b(surface.encode(), digest_size=8, person=b"surface").digest()
    return int.from_bytes(digest, "little")


def dwell_period(viewer: str, now_ms: int, dwell_ms: int) -> int:
    """Return the number of the viewer's current dwell period.

    Periods of different viewers begin at different moments, so a site's pictures never all change
    at once.
    """
    offset = int.from_bytes(hashlib.blake2b(viewer.encode(), digest_size=8).digest(), "little")
    return (now_ms + offset % dwell_ms) // dwell_ms


def seed(viewer: str, policy_version: str, surface: str, period: int) -> int:
    """Return the 64-bit seed of one viewer, policy version, surface and dwell period."""
    text = "\x1f".join((viewer, policy_version, surface, str(period)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def uniforms(page_seed: int, titles: UInts) -> tuple[Doubles, Doubles]:
    """Return two independent numbers in [0, 1) for each title, with 32 random bits each.

    Parameters
    ----------
    page_seed
        Of `seed`.
    titles
        (T,) uint64 of `title_number`. Xor it with the number of the decision that a new one
        replaces: what is drawn again must not depend on what was drawn before.
    """
    mixed = titles ^ np.uint64(page_seed)
    mixed ^= mixed >> _S30
    mixed *= _FIRST
    mixed ^= mixed >> _S27
    mixed *= _SECOND
    mixed ^= mixed >> _S31
    halves = mixed.view(np.uint32).reshape(-1, 2)
    return halves[:, 0] * _UNIT, halves[:, 1] * _UNIT
