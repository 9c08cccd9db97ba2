"""The sums that a belief is made of, for many titles at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Sums of T titles with up to K artworks on S surfaces, padded.

    Parameters
    ----------
    takes
        (T, K, S) sums of rewards R, at least 0, not above `expected` in any useful sense of scale.
    expected
        (T, K, S) sums of taste multipliers E of the decisions shown; with no taste, impressions.
    opinion
        (T, K) the prior's relative opinion d on a log scale; 0 where it has none.
    mask
        (T, K) True where there is an artwork. Sums and opinions elsewhere must be 0.
    group
        (T,) number of the title's group, 0 and up; None when titles are not grouped.
    version
        (T,) number of the prior's version that made the opinion, 0 and up. Evidence about the
        prior and levels are pooled within a version only.
    strength
        (T,) what the opinion is said to be worth, in impressions; 0 where nobody has said.
    voice
        (T,) how much of the title's rewards, 0 to 1, were shown in the world that its prior learned
        from: so much does it say of how far that prior can be trusted. None: all of them.
    """

    takes: Array
    expected: Array
    opinion: Array
    mask: NDArray[np.bool_]
    group: Numbers | None
    version: Numbers
    strength: Array
    voice: Array | None = None

    @classmethod
    def of(
        cls,
        *,
        takes: Array,
        expected: Array,
        opinion: Array,
        mask: NDArray[np.bool_],
        group: Numbers | None = None,
        version: Numbers | None = None,
        strength: Array | None = None,
        voice: Array | None = None,
    ) -> "Sums":
        """Return the sums with opinions centred over each title's artworks, padding zeroed.

        `takes` and `expected` may be (T, K) when there is one surface.
        """
        titles = len(mask)
        takes3 = takes.reshape(titles, mask.shape[1], -1).astype(np.float64)
        expected3 = expected.reshape(takes3.shape).astype(np.float64)
        counts = np.maximum(mask.sum(axis=1, keepdims=True), 1)
        opinion = np.where(mask, opinion, 0.0)
        centred = np.where(mask, opinion - opinion.sum(axis=1, keepdims=True) / counts, 0.0)
        return cls(
            takes=np.where(mask[:, :, None], takes3, 0.0),
            expected=np.where(mask[:, :, None], expected3, 0.0),
            opinion=centred,
            mask=mask,
            group=group,
            version=np.zeros(titles, np.intp) if version is None else version,
            strength=np.zeros(titles) if strength is None else strength,
            voice=voice,
        )
