"""What stored values must be for the steps to work on them.

Reading a value checks its form; these check what it says, and are asked where a batch has failed.
"""

from collections.abc import Iterable
from math import isfinite

from keyart.models.statistics.timeline import read_key
from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.posterior import PolicyBucket, SharedSums, TitlesMeta, TitleSums


def finite(sums: TitleSums | SharedSums) -> None:
    """Refuse sums that are not numbers.

    Raises
    ------
    InvalidRecord
        One is infinite or not a number.
    """
    if isinstance(sums, TitleSums):
        numbers: Iterable[float] = (
            number
            for its in (sums.artworks, *sums.callers.values())
            for cells in its.values()
            for cell in cells.values()
            for number in (cell.taken, cell.reward, cell.expected, *cell.bands)
        )
    else:
        numbers = (*sums.gram, *sums.moment)
    if not all(map(isfinite, numbers)):
        raise InvalidRecord("sums that are not numbers")


def check_title(key: str, value: bytes) -> None:
    """Refuse the sums of a title that cannot be added to.

    Raises
    ------
    InvalidRecord
        They are damaged, of a newer keyart, of another title, or not numbers.
    """
    sums = codec.unpack(value, TitleSums)
    if sums.title != key:
        raise InvalidRecord(f"sums of {sums.title!r}")
    finite(sums)


def check_bucket(key: str, value: bytes) -> None:
    """Refuse a bucket of the timeline that cannot be added to.

    Raises
    ------
    InvalidRecord
        It is damaged, or not numbers.
    ValueError
        Its key is none.
    """
    read_key(key)
    bucket = codec.unpack(value, PolicyBucket)
    figures = (bucket.value, bucket.entropy, *bucket.values, *bucket.predicted, *bucket.variance)
    if not all(map(isfinite, figures)):
        raise InvalidRecord("figures that are not numbers")


def check_titles_meta(key: str, value: bytes) -> None:
    """Refuse what a lane of titles keeps beside its titles, if it cannot be used.

    Raises
    ------
    InvalidRecord
        It is damaged, of a newer keyart, or not numbers.
    """
    if key == "titles":
        codec.unpack(value, TitlesMeta)
        return
    sums = codec.unpack(value, SharedSums)
    size = sums.dimensions + len(sums.priors)
    if (len(sums.gram), len(sums.moment)) != (size * (size + 1) // 2, size):
        raise InvalidRecord(f"sums of another size than {size} features")
    finite(sums)
