"""How large rooms and files of models/ are; what may import what is import-linter's."""

from collections import Counter
from pathlib import Path

MODELS = Path(__file__).resolve().parents[2] / "models"
LARGEST_SHARE = 0.30
LONGEST = 300
REASONS = {
    "decide/index.py": "arrays and who swaps them: what keeps a title whole is read together"
}
"""Files that are longer, and why; none is longer by more than a tenth."""


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
    long = {path.as_posix(): count for path, count in lines().items() if count > LONGEST}
    assert long.keys() <= REASONS.keys(), long
    assert all(count <= 1.1 * LONGEST for count in long.values()), long


def test_nothing_stands_outside_a_room() -> None:
    assert [path.name for path in MODELS.glob("*.py")] == ["__init__.py"]
