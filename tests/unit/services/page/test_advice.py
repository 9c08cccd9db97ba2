"""What the page is told of proposals, without a server."""

from pathlib import Path

import pytest
from msgspec import structs

from keyart.models.serendipity.grounds import Grounds
from keyart.models.serendipity.measure.watched import watched
from keyart.models.serendipity.table import Manifest, Table, Words
from keyart.schemas.registry import ModelVersion
from keyart.services.jobs.serendipity.came import keep
from keyart.services.page.advice import Advice
from keyart.streams.memory.site import MemoryRegister
from keyart.streams.registry.objects import MemoryObjects
from keyart.streams.registry.registry import Registry
from keyart.streams.site import Note
from tests.unit.models.serendipity.test_lived import EVENTS

NAMES = ("jazz", "soul", "folk")
MANIFEST = Manifest(
    vocabulary="v",
    planner="blend",
    clusters=3,
    rows=0,
    words_sha256="",
    rows_sha256="0123456789",
    grounds=Grounds(by="ials"),
)
WORDS = Words(identity="v", names=NAMES, keywords=((),) * 3)
TABLE = Table(manifest=MANIFEST, words=WORDS, rows={}, titles={"a": 0, "b": 1})


def advice(table: Table | None, registry: Registry | None = None) -> Advice:
    return Advice(
        table=lambda: table,
        registry=registry or Registry(MemoryObjects(), lambda: 1),
        register=MemoryRegister(),
        doses={"*": 0.2, "mail": 0.0},
        grounding="auto",
        every_s=60.0,
        clock=lambda: 9,
    )


def planned_by(planner: str) -> Table:
    return structs.replace(TABLE, manifest=structs.replace(MANIFEST, planner=planner))


def test_of_a_site_that_proposes_nothing_there_is_nothing() -> None:
    its = advice(None)
    assert (its.view().table, its.view().came, its.view().doses) == (None, None, ())
    keep(its.register, watched([]))
    assert its.view().came is None


def test_what_came_outlives_its_table() -> None:
    its = advice(None)
    came = watched(EVENTS)
    keep(its.register, came)
    assert its.view().came == came and its.view().table is None


def test_a_note_that_cannot_be_read_is_none() -> None:
    its = advice(TABLE)
    its.register.write(Note.PROPOSED, b"\x00?")
    assert its.view().came is None and its.view().table is not None


def test_a_surface_has_the_dose_that_is_set_and_the_one_seen() -> None:
    its = advice(TABLE)
    keep(its.register, watched(EVENTS))
    home, other, mail = its.view().doses
    assert (home.surface, home.meant, home.places) == ("home", 0.2, 6)
    assert home.proposed == pytest.approx(5 / 6)
    assert (other.surface, other.meant, other.proposed) == ("*", 0.2, None)
    assert (mail.surface, mail.meant) == ("mail", 0.0)


@pytest.mark.parametrize(("planner", "told"), [("language model", 0.97), ("blend", None)])
def test_exact_match_is_told_where_a_language_model_planned(
    planner: str, told: float | None, tmp_path: Path
) -> None:
    table = planned_by(planner)
    registry = Registry(MemoryObjects(), lambda: 1)
    (tmp_path / "f.json").write_text("{}")
    facts = ModelVersion(
        name=table.identity, kind="serendipity", made_at_ms=5, figures={"exact_match": 0.97}
    )
    registry.add(facts, {"f.json": tmp_path / "f.json"})
    found = advice(table, registry).view().table
    assert found is not None and found.exact_match == told
    assert (found.version, found.made_at_ms) == (table.identity, 5)
    assert (found.clusters, found.titles, found.planner) == (3, 2, planner)


def test_a_table_without_factors_is_grounded_by_taste_whatever_is_set() -> None:
    its = advice(TABLE)
    found = its.view().table
    assert found is not None and (found.grounding, found.made_at_ms) == ("taste", 0)
