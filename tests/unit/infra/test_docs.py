"""What the docs name exists, and the tree of rooms is the one that is there."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]
NAMED = re.compile(
    r"`((?:schemas|models|streams|services|infra|tests|docs)/[\w./-]*\w)`|`(setup\.py|pyproject\.toml)`"
)
# Decisions tell what was, so a file they name may have moved since.
TEXTS = sorted(
    path
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "infra/README.md")
    if path.name != "CHANGELOG.md"
)


def script(name: str) -> ModuleType:
    """A script of infra/, loaded without running it."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "infra" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TREE = script("docs_tree")


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_file_that_is_named_exists(path: Path) -> None:
    named = {one or other for one, other in NAMED.findall(path.read_text())}
    gone = [name for name in sorted(named) if not list(ROOT.glob(f"{name}*"))]
    assert gone == []


def test_the_picture_follows_a_record_through_every_layer() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    followed = text.partition("## One record, followed")[2].partition("\n## ")[0]
    for layer in ("schemas", "models", "streams", "services"):
        assert re.search(rf"`{layer}/[\w/]+\.py`", followed), layer


def test_the_tree_names_the_rooms_that_are_there_and_about_their_size() -> None:
    """Lines change with every commit; `infra/docs_tree.py --write` brings them up to date."""
    text = (ROOT / "docs/architecture.md").read_text()
    rows = re.findall(r"^\| `(\w+)/(\w+)` \| ([\d,]+) \|", text, re.M)
    assert {layer for layer, *_ in rows} == {"models", "streams", "services"}
    for layer, room, said in rows:
        there = TREE.rooms(layer).get(room)
        assert there is not None, f"{layer}/{room} is no more: run infra/docs_tree.py --write"
        assert abs(int(said.replace(",", "")) - there) < 300 + 0.3 * there, f"{layer}/{room}"


def test_writing_the_tree_puts_it_between_its_marks_and_changes_nothing_else() -> None:
    document = f"# a\n\n{TREE.BEGIN}\nold\n{TREE.END}\n## b\n"
    once = TREE.written(document)
    assert once.startswith("# a\n\n") and once.endswith(f"{TREE.END}\n## b\n")
    assert "old" not in once and "| `models/bandits` |" in once
    assert TREE.written(once) == once


def test_no_room_of_models_holds_30_per_cent_of_them() -> None:
    name, share = TREE.share_of_largest("models")
    assert share < 0.3, name


def test_no_file_is_long_without_a_reason_beside_it() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    reasons = dict(re.findall(r"^\| `([\w/]+\.py)` \| (\S.*) \|$", text, re.M))
    without = {name: n for name, n in TREE.long_files().items() if name not in reasons}
    # a tenth more is a file that is about to be split
    assert {name for name, count in without.items() if count > 1.1 * TREE.LONG} == set()


def test_what_a_page_would_load_from_elsewhere_is_found(tmp_path: Path) -> None:
    hosts = script("site_hosts")
    (tmp_path / "a.html").write_text(
        '<a href="https://example.org">a link is fine</a><script src="app.js"></script>'
    )
    assert hosts.faults(tmp_path) == []
    (tmp_path / "b.html").write_text('<link rel="stylesheet" href="https://fonts.example.org/x">')
    (tmp_path / "c.html").write_text("<img src=//pictures.example.org/a.png>")
    (tmp_path / "d.css").write_text("a { background: url('https://example.org/a.png') }")
    (tmp_path / "e.html").write_text('<pre class="mermaid">')
    assert len(hosts.faults(tmp_path)) == 4


def test_no_source_refers_to_a_text_outside_the_repository() -> None:
    """A reader of an installed keyart has none of them: the reason itself, or docs/."""
    outside = re.compile(r"\b(?:design|field|style)\.md\b|\.\./shared\b")
    sources = [
        path
        for layer in TREE.LAYERS
        for path in (ROOT / layer).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    ]
    texts = {path: path.read_bytes().decode(errors="replace") for path in sources}
    assert [path for path, text in texts.items() if outside.search(text)] == []
    assert outside.search("(field.md, section 2)") and not outside.search("docs/language-model.md")
