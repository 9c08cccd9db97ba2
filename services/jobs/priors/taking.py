"""Priors that other commands made, taken into service: tables of opinions, dual encoders."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np

from keyart.models.dataset.segments import read_segments
from keyart.models.embed.protocol import unit_rows
from keyart.models.intake.faults import Fault, WrongFile, by_line
from keyart.models.intake.json_lines import JsonLinesTable
from keyart.models.intake.source import LINES, look_at
from keyart.schemas.errors import InvalidRecord, SpaceMismatch
from keyart.schemas.priors import MAX_SEGMENTS, Opinion, PriorCard, SegmentCentre
from keyart.schemas.taste import TASTE_DIMENSIONS
from keyart.services.jobs.deploy import DUAL, TABLE, Deployment
from keyart.services.jobs.priors.fitted_dual import card_of
from keyart.streams.catalogue.current import CurrentCatalogue

_BATCH: Final = 1000


def read_opinions(path: Path) -> Iterator[Opinion]:
    """Yield the opinions of a JSON Lines file, as `keyart llm score` writes it.

    Raises
    ------
    NotFound
        There is no such file.
    InvalidRecord
        A line is no opinion or too long, or there are too many.
    """
    faults: list[Fault] = []
    source = look_at(path)
    if source.kind not in LINES:
        raise InvalidRecord(f"{path}: opinions are read from {' or '.join(LINES)}")
    for row in JsonLinesTable(source, faults, by_line).objects():
        try:
            opinion = msgspec.convert(row.cells, Opinion)
        except msgspec.ValidationError as wrong:
            faults.append(Fault(row.where, str(wrong).replace("`", "")))
            break
        if len(opinion.artworks) != len(opinion.relative):
            faults.append(Fault(row.where, "artworks and relative differ in length"))
        if faults:
            break
        yield opinion
    if faults:
        raise WrongFile(path, faults)


class Taken(NamedTuple):
    """A prior that was taken over: its name, its opinions in store, its segments."""

    name: str
    opinions: int = 0
    segments: int = 0


def take_prior(site: Deployment, source: Path, segments: Path | None = None) -> Taken:
    """Take over a table of opinions or a folder of a dual encoder, and make it current.

    Parameters
    ----------
    source
        The segments of a table are read from the file beside it, `NAME.segments.json`, unless
        another is given.

    Raises
    ------
    As `take_table` and `take_dual` do.
    """
    if source.is_dir():
        return take_dual(site, source)
    beside = source.with_suffix(".segments.json")
    return take_table(site, source, segments or (beside if beside.is_file() else None))


def take_table(site: Deployment, path: Path, segments: Path | None = None) -> Taken:
    """Take over a table of opinions, and make it current; all of it or nothing.

    Parameters
    ----------
    segments
        The taste segments that its opinions are for, as `keyart llm score` writes them.

    Raises
    ------
    InvalidRecord
        There are no opinions, they are of several priors, or of a segment that is not given.
    SpaceMismatch
        The segments are of another embedding space than the one that is set.
    """
    placed = _segments(site.scoring.titles, segments)
    known = {"", *(segment.name for segment in placed)}
    names: set[str] = set()
    for opinion in read_opinions(path):
        names.add(opinion.prior)
        if opinion.segment not in known:
            raise InvalidRecord(
                f"{path} has opinions for segment {opinion.segment!r}: give its file of segments"
            )
    if len(names) != 1:
        raise InvalidRecord(f"opinions of exactly one prior are expected, not of {sorted(names)}")
    prior = names.pop()
    site.opinions.put_card(
        PriorCard(
            prior=prior, space=site.scoring.titles.space.identity if placed else "", segments=placed
        )
    )
    done, batch = 0, list[Opinion]()
    for opinion in read_opinions(path):
        batch.append(opinion)
        if len(batch) == _BATCH:
            site.opinions.put(batch)
            done, batch = done + len(batch), []
    site.opinions.put(batch)
    site.took(prior, TABLE)
    return Taken(prior, done + len(batch), len(placed))


def _segments(titles: CurrentCatalogue, path: Path | None) -> tuple[SegmentCentre, ...]:
    if path is None:
        return ()
    placed = [segment for segment in read_segments(path) if segment.centre]
    if len(placed) > MAX_SEGMENTS:
        raise InvalidRecord(f"{path} has more than {MAX_SEGMENTS} segments")
    for segment in placed:
        if segment.space != titles.space.identity:
            raise SpaceMismatch(f"{path} was made in space {segment.space}: make it anew")
    leading = unit_rows(np.array([segment.centre[:TASTE_DIMENSIONS] for segment in placed]))
    return tuple(
        SegmentCentre(name=segment.name, centre=tuple(centre))
        for segment, centre in zip(placed, leading.tolist(), strict=True)
    )


def take_dual(site: Deployment, folder: Path) -> Taken:
    """Take over a dual encoder of `keyart llm distil`, and make it current.

    Raises
    ------
    ModelRejected, SpaceMismatch
        Its files are not what its manifest says, or it is of another embedding space.
    MissingExtra
        ONNX Runtime is not installed here; the api will need it, too.
    """
    from keyart.models.priors.dual.dual import DualEncoder

    dual = DualEncoder(folder, space=site.scoring.titles.space.identity)
    site.opinions.put_card(card_of(dual, dual.manifest.name))
    site.took(dual.manifest.name, DUAL)
    return Taken(dual.manifest.name)
