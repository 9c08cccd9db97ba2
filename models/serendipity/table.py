"""The table of all pairs of clusters, made off line: what to propose after any two.

A folder holds `vocabulary.json` (names and keywords), `titles.jsonl` (the cluster of each title),
`rows.jsonl` (a line a pair, in order), `collective.safetensors` where the planner is made of
opinions, `factors.safetensors` of the titles where they were fitted, and, written last,
`manifest.json` with the digests of all: a table without one is unfinished and is gone on with.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Protocol

import msgspec
import numpy as np
from msgspec import Meta, Struct

from keyart.models.artifacts.described import read_described, write_described
from keyart.models.artifacts.lines import finished_lines, write_lines
from keyart.models.serendipity.collective import (
    Collective,
    read_collective,
    write_collective,
)
from keyart.models.serendipity.factors import Factors, read_factors, write_factors
from keyart.models.serendipity.grounds import Grounds
from keyart.models.serendipity.histories import History
from keyart.models.serendipity.planners.protocol import Planner
from keyart.models.serendipity.world import MOST_CLUSTERS
from keyart.schemas.errors import InvalidRecord, ModelRejected

# who only reads a table, as the api does, needs nothing that makes one
if TYPE_CHECKING:
    from keyart.models.serendipity.comings import Comings

MANIFEST: Final = "manifest.json"
WORDS: Final = "vocabulary.json"
ROWS: Final = "rows.jsonl"
TITLES: Final = "titles.jsonl"
COLLECTIVE: Final = "collective.safetensors"
FACTORS: Final = "factors.safetensors"
PROPOSALS: Final = 10
MADE_BY: Final = "keyart serendipity build"


class Row(Struct, frozen=True):
    """What is proposed after a pair, best first, none of the two among them.

    `people` were in both and not yet in the proposed cluster, `came` of them came to it afterwards:
    one number for each proposal; keyart once wrote none.
    """

    first: Annotated[int, Meta(ge=0, lt=MOST_CLUSTERS)]
    second: Annotated[int, Meta(ge=0, lt=MOST_CLUSTERS)]
    proposals: Annotated[tuple[int, ...], Meta(max_length=PROPOSALS)]
    people: Annotated[tuple[int, ...], Meta(max_length=PROPOSALS)] = ()
    came: Annotated[tuple[int, ...], Meta(max_length=PROPOSALS)] = ()


class Placed(Struct, frozen=True):
    """A title's cluster."""

    title: Annotated[str, Meta(min_length=1, max_length=1024)]
    cluster: Annotated[int, Meta(ge=0, lt=MOST_CLUSTERS)]


class Words(Struct, frozen=True, kw_only=True):
    """The vocabulary as people read it, and its identity."""

    identity: str
    names: tuple[str, ...]
    keywords: tuple[tuple[str, ...], ...]


class Named(Protocol):
    """A vocabulary as a table needs it: of a table that was read, or just made."""

    @property
    def identity(self) -> str:
        """Its identity."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """K names, each once."""
        ...

    @property
    def keywords(self) -> tuple[tuple[str, ...], ...]:
        """K times what the clusters are about."""
        ...


class Manifest(Struct, frozen=True, kw_only=True):
    """What a table is: digests are SHA-256 in hex.

    `titles_sha256` is "" of a table without titles: keyart once wrote such; they can be shown, and
    cannot serve. `collective_sha256` is "" of a table that knows pairs alone, `factors_sha256` of
    one whose titles have no factors: taste grounds it. `best_of`: of five times so many proposals a
    scorer picks the first, where that was proven better; 1: none does.
    """

    vocabulary: str
    planner: str
    clusters: int
    rows: int
    words_sha256: str
    rows_sha256: str
    titles_sha256: str = ""
    collective_sha256: str = ""
    factors_sha256: str = ""
    best_of: Annotated[int, Meta(ge=1, le=16)] = 1
    grounds: Grounds = Grounds()
    version: Annotated[int, Meta(ge=1, le=1)] = 1


class Table(Struct, frozen=True, kw_only=True):
    """A table that was read: rows by pair, the cluster of each title, what it knows of people.

    `factors` are of the titles in the order of `titles`.
    """

    manifest: Manifest
    words: Words
    rows: dict[tuple[int, int], Row]
    titles: dict[str, int]
    collective: Collective | None = None
    factors: Factors | None = None

    @property
    def identity(self) -> str:
        """The vocabulary's identity and the beginning of a digest: what proposed."""
        held = self.manifest
        made = held.rows_sha256
        if held.collective_sha256 or held.factors_sha256:
            all_of = made + held.collective_sha256 + held.titles_sha256 + held.factors_sha256
            made = hashlib.sha256(all_of.encode()).hexdigest()
        return f"{self.manifest.vocabulary}-{made[:8]}"


_decoder = msgspec.json.Decoder(Row)
_placed = msgspec.json.Decoder(Placed)


def build_table(
    folder: Path,
    vocabulary: Named,
    planner: Planner,
    titles: Mapping[str, int] | None = None,
    *,
    comings: "Comings | None" = None,
    collective: Collective | None = None,
    factors: Factors | None = None,
    told: Callable[[int, int], None] = lambda *_: None,
) -> Manifest:
    """Write the table of all ordered pairs into a folder, going on where a run was stopped.

    Parameters
    ----------
    titles
        The cluster of each title, by the site's own id: without any the table cannot serve.
    comings
        Of the viewers who teach: without it no row says how many people came.
    collective
        What is known of people beyond pairs, if the planner is made of it.
    factors
        Of the titles, in their order.

    Raises
    ------
    InvalidRecord
        The folder holds an unfinished table of another vocabulary.
    """
    folder.mkdir(parents=True, exist_ok=True)
    words = Words(
        identity=vocabulary.identity, names=vocabulary.names, keywords=vocabulary.keywords
    )
    if (folder / WORDS).exists():
        there = read_described(folder / WORDS, Words, made_by=MADE_BY)
        if there.identity != words.identity:
            raise InvalidRecord(
                f"{folder} holds a table of another vocabulary: name another folder"
            )
    write_described(folder / WORDS, words)
    if collective is not None:
        write_collective(folder / COLLECTIVE, collective)
    if factors is not None:
        write_factors(folder / FACTORS, factors)
    write_lines(folder / TITLES, map(Placed, titles or {}, (titles or {}).values()))
    clusters = len(vocabulary.names)
    path = folder / ROWS
    done = list(finished_lines(path, _decoder)) if path.exists() else []
    whole = len(done) // max(clusters - 1, 1)
    kept = b"".join(_line(row) for row in done[: whole * (clusters - 1)])
    path.write_bytes(kept)
    with path.open("ab") as file:
        for first in range(whole, clusters):
            told(first, clusters)
            file.write(b"".join(map(_line, _rows(first, clusters, planner, comings))))
            file.flush()
    manifest = Manifest(
        vocabulary=words.identity,
        planner=planner.name,
        clusters=clusters,
        rows=clusters * (clusters - 1),
        words_sha256=_digest(folder / WORDS),
        rows_sha256=_digest(path),
        titles_sha256=_digest(folder / TITLES),
        collective_sha256=_digest(folder / COLLECTIVE) if collective is not None else "",
        factors_sha256=_digest(folder / FACTORS) if factors is not None else "",
    )
    write_described(folder / MANIFEST, manifest)
    return manifest


def read_table(folder: Path) -> Table:
    """Return the table of a folder.

    Raises
    ------
    NotFound
        There is none, or it is not finished.
    ModelRejected
        A file is not the one that was written, or a row is not of the vocabulary.
    """
    manifest = read_described(folder / MANIFEST, Manifest, made_by=MADE_BY)
    words = read_described(folder / WORDS, Words, made_by=MADE_BY)
    written = {WORDS: manifest.words_sha256, ROWS: manifest.rows_sha256}
    if manifest.titles_sha256:
        written[TITLES] = manifest.titles_sha256
    if manifest.collective_sha256:
        written[COLLECTIVE] = manifest.collective_sha256
    if manifest.factors_sha256:
        written[FACTORS] = manifest.factors_sha256
    for name, digest in written.items():
        if not (folder / name).is_file() or _digest(folder / name) != digest:
            raise ModelRejected(f"{folder}: {name} is not the one that {MADE_BY} wrote")
    rows = {}
    for row in finished_lines(folder / ROWS, _decoder):
        if max(row.first, row.second, *row.proposals) >= len(words.names):
            raise ModelRejected(f"{folder}: a row names a cluster that is not in the vocabulary")
        if row.people and not len(row.people) == len(row.came) == len(row.proposals):
            raise ModelRejected(f"{folder}: a row does not say of each proposal how many came")
        rows[row.first, row.second] = row
    if len(rows) != manifest.rows:
        raise ModelRejected(f"{folder}: has {len(rows):,} pairs, not {manifest.rows:,}")
    titles = {}
    if manifest.titles_sha256:
        for placed in finished_lines(folder / TITLES, _placed):
            if placed.cluster >= len(words.names):
                raise ModelRejected(f"{folder}: a title is of a cluster that is not there")
            titles[placed.title] = placed.cluster
    collective = None
    if manifest.collective_sha256:
        collective = read_collective(folder / COLLECTIVE, len(words.names))
    factors = None
    if manifest.factors_sha256:
        factors = read_factors(folder / FACTORS, len(titles))
    return Table(
        manifest=manifest,
        words=words,
        rows=rows,
        titles=titles,
        collective=collective,
        factors=factors,
    )


def _rows(first: int, clusters: int, planner: Planner, comings: "Comings | None") -> Iterator[Row]:
    others = [second for second in range(clusters) if second != first]
    scores = planner.scores([History((first, second), (1, 1)) for second in others])
    following = []
    for row, second in enumerate(others):
        shown = scores[row].copy()
        shown[[first, second]] = -np.inf
        best = np.argsort(-shown, kind="stable")[: min(PROPOSALS, clusters - 2)]
        following.append((second, tuple(best.tolist())))
    if comings is None:
        yield from (Row(first, second, proposals) for second, proposals in following)
        return
    for (second, proposals), counted in zip(
        following, comings.after_two(first, following), strict=True
    ):
        yield Row(
            first, second, proposals, tuple(counted.people.tolist()), tuple(counted.came.tolist())
        )


def _line(row: Row) -> bytes:
    return msgspec.json.encode(row) + b"\n"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
