"""A `ContextPolicy` as one safetensors file: its sums and beliefs, described and digested.

Nothing in it is unpickled. Sizes are looked at before anything is read, and what is read must be
what was written: the digest is over description and numbers.
"""

from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from keyart.models.artifacts.digests import digest
from keyart.models.artifacts.whole import write_whole
from keyart.models.context.columns import MOST_FEATURES, Category, Encoding, Number
from keyart.models.context.policy import ContextPolicy, Kept
from keyart.models.context.posterior import Posterior
from keyart.models.context.sums import ArmSums, Array
from keyart.schemas.errors import KeyartError, ModelRejected, NotFound

KEY: Final = "keyart"
FORMAT: Final = "context-policy-1"
MOST_BYTES: Final = 512 * 2**20
MOST_POINTS: Final = 15


class StoredNumber(msgspec.Struct, frozen=True, kw_only=True, tag="number"):
    """A column of numbers."""

    name: str
    middle: float
    scale: float
    gaps: bool


class StoredCategory(msgspec.Struct, frozen=True, kw_only=True, tag="category"):
    """A column of texts."""

    name: str
    own: tuple[str, ...]
    buckets: int


class Stored(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a file says of itself; `kept` is None where the columns are settled."""

    arms: tuple[str, ...]
    policy: str
    parameters: dict[str, float | str]
    seed: int
    draws: int
    rows: int
    inferred: int
    noise: float
    columns: tuple[StoredNumber | StoredCategory, ...]
    kept: list[Kept] | None


def write(policy: ContextPolicy, path: Path) -> None:
    """Write the policy; the file appears whole."""
    learner = policy.learner
    beliefs, inferred = learner.standing()
    described = Stored(
        arms=policy.arms,
        policy=policy.policy.name,
        parameters=policy.parameters,
        seed=policy.seed,
        draws=policy.draws,
        rows=learner.rows,
        inferred=inferred,
        noise=beliefs.noise,
        columns=tuple(_column(each) for each in policy.encoding.columns),
        kept=policy.kept,
    )
    told = msgspec.json.encode(described)
    arrays = {
        "gram": learner.sums.gram,
        "moment": learner.sums.moment,
        "squares": learner.sums.squares,
        "count": learner.sums.count,
        "share": beliefs.share,
        "weights": beliefs.weights,
        "covariance": beliefs.covariance,
    }
    arrays = {name: np.ascontiguousarray(each, np.float64) for name, each in arrays.items()}
    # one entry: the order of several is safetensors' to choose, and equal policies are equal files
    about = "\n".join((FORMAT, _digest(told, arrays), told.decode()))
    write_whole(path, save(arrays, metadata={KEY: about}))


def read(path: Path) -> ContextPolicy:
    """Return the policy of a file.

    Raises
    ------
    NotFound
        There is no such file.
    ModelRejected
        It is too large, no file of this format, of other arrays or shapes, or changed since.
    """
    if not path.is_file():
        raise NotFound(f"{path}: there is no such file")
    described, arrays = _contents(path)
    try:
        made = ContextPolicy(
            described.arms, policy=described.policy, seed=described.seed, **described.parameters
        )
    except KeyartError as wrong:
        raise ModelRejected(f"{path.name}: {wrong}") from None
    made.restore(
        Encoding(tuple(_own(each) for each in described.columns)),
        described.kept,
        described.draws,
    )
    made.learner.stand(
        ArmSums(**{name: arrays[name] for name in ("gram", "moment", "squares", "count")}),
        Posterior(
            share=arrays["share"],
            weights=arrays["weights"],
            covariance=arrays["covariance"],
            noise=described.noise,
        ),
        rows=described.rows,
        inferred=described.inferred,
    )
    return made


def _contents(path: Path) -> tuple[Stored, dict[str, Array]]:
    """Return description and arrays, each looked at before the next is read."""
    if path.stat().st_size > MOST_BYTES:
        raise ModelRejected(f"{path.name}: over {MOST_BYTES} bytes")
    try:
        with safe_open(path, "np") as file:
            about = (file.metadata() or {}).get(KEY, "").split("\n", 2)
            if len(about) != 3 or about[0] != FORMAT:
                raise ModelRejected(f"{path.name}: not a policy that keyart saved")
            told = about[2].encode()
            described = msgspec.json.decode(told, type=Stored)
            _check(path, described)
            names, found = set(file.keys()), {}
            wanted = _shapes(described, file.get_slice("share").get_shape())
            if names != wanted.keys():
                odd = ", ".join(sorted(names ^ wanted.keys()))
                raise ModelRejected(f"{path.name}: arrays missing or strange: {odd}")
            for name, shape in wanted.items():
                part = file.get_slice(name)
                if part.get_dtype() != "F64" or list(part.get_shape()) != shape:
                    was = f"{part.get_dtype()} {part.get_shape()}"
                    raise ModelRejected(f"{path.name}: {name} is {was}, must be F64 {shape}")
                found[name] = file.get_tensor(name)
    except (SafetensorError, msgspec.DecodeError, OSError, UnicodeError) as wrong:
        raise ModelRejected(f"{path.name}: {' '.join(str(wrong).split())[:200]}") from None
    if about[1] != _digest(told, found):
        raise ModelRejected(f"{path.name}: its digest is not that of its contents: it was changed")
    if not all(np.isfinite(each).all() for each in found.values()):
        raise ModelRejected(f"{path.name}: holds numbers that are not finite")
    return described, found


def _check(path: Path, described: Stored) -> None:
    width = Encoding(tuple(_own(each) for each in described.columns)).width
    counts = (described.draws, described.rows, described.inferred, described.seed)
    arms = [at for _, at, _ in described.kept or ()]
    if width > MOST_FEATURES or min(counts) < 0 or not described.noise > 0.0:
        raise ModelRejected(f"{path.name}: its description is out of its bounds")
    if any(not 0 <= at < len(described.arms) for at in arms):
        raise ModelRejected(f"{path.name}: a kept row is of no arm")


def _shapes(described: Stored, share: list[int]) -> dict[str, list[int]]:
    points = share[0] if len(share) == 1 and 1 <= share[0] <= MOST_POINTS else 1
    arms = len(described.arms)
    width = Encoding(tuple(_own(each) for each in described.columns)).width
    return {
        "gram": [arms, width, width],
        "moment": [arms, width],
        "squares": [arms],
        "count": [arms],
        "share": [points],
        "weights": [points, arms, width],
        "covariance": [points, arms, width, width],
    }


def _digest(told: bytes, arrays: dict[str, Array]) -> str:
    parts = [told, *(name.encode() + arrays[name].tobytes() for name in sorted(arrays))]
    return digest(b"".join(digest(part, size=32).encode() for part in parts), size=32)


def _column(column: Number | Category) -> StoredNumber | StoredCategory:
    kind = StoredNumber if isinstance(column, Number) else StoredCategory
    return kind(**{name: getattr(column, name) for name in kind.__struct_fields__})


def _own(column: StoredNumber | StoredCategory) -> Number | Category:
    kind = Number if isinstance(column, StoredNumber) else Category
    return kind(**msgspec.structs.asdict(column))
