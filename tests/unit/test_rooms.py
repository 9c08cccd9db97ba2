"""How large rooms and files of models/ are; what may import what is import-linter's."""

from collections import Counter
from pathlib import Path

MODELS = Path(__file__).resolve().parents[2] / "models"
LARGEST_SHARE = 0.30
LONGEST = 300


def lines() -> dict[Path, int]:
    return {
        path.relative_to(MODELS): len(path.read_text("utf-8").splitlines())
        for path in MODELS.rglob("*.py")
    }


def test_no_room_is_a_third_of_the_house() -> None:
    rooms: Counter[str] = Counter()
    for path, count in lines().items():
        rooms[path.parts[0]] += count
    (largest, count), *_ = rooms.most_common(1)
    assert len(rooms) > 10
    assert count < LARGEST_SHARE * rooms.total(), f"{largest}: {count} of {rooms.total()} lines"


def test_no_file_has_a_second_thing_hiding_in_it() -> None:
    assert {path: count for path, count in lines().items() if count > LONGEST} == {}


def test_nothing_stands_outside_a_room() -> None:
    assert [path.name for path in MODELS.glob("*.py")] == ["__init__.py"]
