"""The prior table: (segment, title, artwork) scored once, and again only when something changed."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from keyart.models.artifacts.lines import cut_unfinished, finished_lines
from keyart.models.artifacts.whole import appearing
from keyart.models.dataset.catalogue import choices
from keyart.models.dataset.examples import Example
from keyart.models.dataset.lately import NOTHING, Lately
from keyart.models.dataset.segments import Segment
from keyart.models.llm.scoring.opinions import Opinions
from keyart.models.llm.scoring.options import Scored, position_bias
from keyart.models.priors.opinion import relative_log
from keyart.schemas.catalogue import Title
from keyart.schemas.priors import Opinion

BLOCK: Final = 64
EVERYBODY: Final = Segment(name="", viewers=0)


class ScoredOpinion(Opinion, frozen=True, kw_only=True, omit_defaults=True):
    """A row of the table: an opinion, and the digest of all that it was made from."""

    key: str = ""


class TableReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a run did: rows it found up to date, scored anew, dropped as no longer asked for."""

    kept: int
    scored: int
    dropped: int
    position_bias: float


_decoder = msgspec.json.Decoder(ScoredOpinion)


def read_table(path: Path) -> Iterator[ScoredOpinion]:
    """Yield the rows of a table; a last line that a stopped run left unfinished is passed over.

    Raises
    ------
    InvalidRecord
        Another line is no opinion.
    """
    return finished_lines(path, _decoder)


def question(title: Title, segment: Segment, lately: str = "") -> Example:
    """Return what the model is asked about a title for a segment, told what recently worked."""
    options = choices(title)
    count = len(options)
    return Example(
        id=title.id,
        pair=f"{segment.name}\x1f{title.id}",
        title=title.id,
        name=title.name,
        history=segment.history,
        lately=lately,
        options=options,
        propensities=(1 / count,) * count,
        impressions=(0.0,) * count,
        rewards=(0.0,) * count,
    )


def score_table(
    opinions: Opinions,
    titles: Sequence[Title],
    segments: Sequence[Segment],
    path: Path,
    *,
    lately: Lately = NOTHING,
    strength: float | None = None,
    compact: bool = True,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> TableReport:
    """Bring the table at `path` up to date: JSON Lines, one opinion a title and segment.

    Only what is new is scored: a row is kept while model, template, shuffles, the segment's
    history, the title's name, its artworks' words and what it is told that recently worked are
    what they were. Rows are appended as they
    are made, `BLOCK` questions at a time, so a run that is stopped goes on where it was; at the end
    the table is rewritten without the rows that nobody asks for. Memory: one block, and the keys.

    Parameters
    ----------
    lately
        What recently worked.
    strength
        Impressions that an opinion is worth; by default what was measured when the model was
        exported, whose scale the relative opinions always have.
    compact
        Whether rows go that nobody asks for now: of a part of the titles, the others' rows stay.
    progress
        Called with rows done and rows in all.
    """
    wanted = _wanted(opinions, titles, segments, strength, lately)
    cut_unfinished(path)
    have = (
        {(row.segment, row.title) for row in read_table(path) if _fits(row, wanted)}
        if path.is_file()
        else set()
    )
    asked = (
        (segment, title)
        for segment in segments
        for title in titles
        if (segment.name, title.id) in wanted and (segment.name, title.id) not in have
    )
    done, bias = len(have), list[Scored]()
    progress(done, len(wanted))
    with path.open("ab") as out:
        for block in _blocks(asked):
            scored = opinions.scored(
                [question(title, segment, lately.of(title.id)) for segment, title in block]
            )
            for (segment, title), one in zip(block, scored, strict=True):
                scale, worth = opinions.worth.of(title.group)
                row = ScoredOpinion(
                    title=title.id,
                    artworks=tuple(artwork.id for artwork in title.artworks),
                    relative=tuple((scale * relative_log(one.probabilities)).round(6).tolist()),
                    strength=worth if strength is None else strength,
                    prior=opinions.name,
                    segment=segment.name,
                    key=wanted[segment.name, title.id],
                )
                out.write(msgspec.json.encode(row) + b"\n")
            out.flush()
            bias = (bias + scored)[-1000:]
            done += len(block)
            progress(done, len(wanted))
    dropped = _compact(path, wanted) if compact else 0
    return TableReport(
        kept=len(have),
        scored=done - len(have),
        dropped=dropped,
        position_bias=round(position_bias(bias), 4),
    )


def rows_for(
    opinions: Opinions, titles: Sequence[Title], path: Path, lately: Lately = NOTHING
) -> dict[str, ScoredOpinion]:
    """Return what a table says to everybody of titles as they are now, by title."""
    wanted = _wanted(opinions, titles, [EVERYBODY], None, lately)
    return {row.title: row for row in read_table(path) if _fits(row, wanted)}


def _wanted(
    opinions: Opinions,
    titles: Sequence[Title],
    segments: Sequence[Segment],
    strength: float | None,
    lately: Lately,
) -> dict[tuple[str, str], str]:
    """Return the key of every row that is asked for, by segment and title."""
    return {
        (segment.name, title.id): _key(opinions, title, segment, strength, lately.of(title.id))
        for segment in segments
        for title in titles
        if len(title.artworks) > 1
    }


def _key(
    opinions: Opinions, title: Title, segment: Segment, strength: float | None, lately: str
) -> str:
    template = opinions.prompter.template.digest
    parts: list[Any] = [opinions.name, template, opinions.shuffles, opinions.temperature]
    parts += [*opinions.worth.of(title.group), strength]
    parts += [title.name, [(each.artwork, each.description) for each in choices(title)]]
    parts += [[(entry.title, entry.description) for entry in segment.history]]
    if lately and opinions.prompter.template.tells_lately:
        parts.append(lately)
    return hashlib.blake2b(msgspec.json.encode(parts), digest_size=16).hexdigest()


def _fits(row: ScoredOpinion, wanted: dict[tuple[str, str], str]) -> bool:
    return wanted.get((row.segment, row.title)) == row.key


def _blocks(asked: Iterable[tuple[Segment, Title]]) -> Iterator[list[tuple[Segment, Title]]]:
    block: list[tuple[Segment, Title]] = []
    for each in asked:
        block.append(each)
        if len(block) == BLOCK:
            yield block
            block = []
    if block:
        yield block


def _compact(path: Path, wanted: dict[tuple[str, str], str]) -> int:
    seen: set[tuple[str, str]] = set()
    dropped = 0
    with appearing(path) as fresh, fresh.open("wb") as out:
        for row in read_table(path):
            if _fits(row, wanted) and (row.segment, row.title) not in seen:
                seen.add((row.segment, row.title))
                out.write(msgspec.json.encode(row) + b"\n")
            else:
                dropped += 1
    return dropped
