"""Vectors of texts, kept on disk: a neural encoder reads each description once."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from keyart.models.artifacts.whole import appearing
from keyart.models.embed.protocol import FloatArray, Space

BLOCK: Final = 1024
"""Texts that are encoded and written at a time: what a run that is stopped has to do again."""
_DIGEST: Final = 16


class KeptVectors:
    """A space that remembers, in Parquet files of digest and vector (float16).

    A vector is rounded to float16 when it is first made, so that it is the same later. The folder
    may be deleted at any time.

    Parameters
    ----------
    folder
        Of all encoders' vectors; each has a folder of its own by its identity.
    encoder
        Asked for what is not there yet.
    """

    def __init__(self, folder: Path, encoder: Space) -> None:
        self.identity = encoder.identity
        self._encoder = encoder
        self._folder = folder / encoder.identity
        self._places: dict[bytes, int] = {}
        self._rows: list[NDArray[np.float16]] = []
        self._files = 0
        for path in sorted(self._folder.glob("*.parquet")):
            self._read(path)

    @property
    def dimensions(self) -> int:
        """The width D of a vector."""
        return self._encoder.dimensions

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return (N, D) float32."""
        names = [blake2b(text.encode(), digest_size=_DIGEST).digest() for text in texts]
        new = {
            name: text for name, text in zip(names, texts, strict=True) if name not in self._places
        }
        wanted = list(new.items())
        for start in range(0, len(wanted), BLOCK):
            self._make(wanted[start : start + BLOCK])
        if not names:
            return np.zeros((0, self.dimensions), np.float32)
        vectors: FloatArray = np.stack([self._rows[self._places[name]] for name in names]).astype(
            np.float32
        )
        return vectors

    def _make(self, wanted: Sequence[tuple[bytes, str]]) -> None:
        vectors = self._encoder.encode([text for _, text in wanted]).astype(np.float16)
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{self._files:06d}.parquet"
        flat = pa.array(vectors.ravel())
        table = pa.table(
            {
                "digest": pa.array([name for name, _ in wanted], pa.binary(_DIGEST)),
                "vector": pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1]),
            }
        )
        with appearing(path) as passing:
            pq.write_table(table, passing)
        self._files += 1
        self._add((name for name, _ in wanted), vectors)

    def _read(self, path: Path) -> None:
        table = pq.read_table(path)
        width = table.schema.field("vector").type.list_size
        flat = table["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        self._files = int(path.stem) + 1
        self._add(table["digest"].to_pylist(), flat.reshape(-1, width))

    def _add(self, names: Iterable[bytes], vectors: NDArray[np.float16]) -> None:
        for name, vector in zip(names, vectors, strict=True):
            self._places[name] = len(self._rows)
            self._rows.append(vector)
