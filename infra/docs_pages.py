"""A hook of mkdocs: pages that are made from the source, and the order in which pages stand.

The reference has one page a room (as `models/belief`), each module of the room by
its docstrings; decisions stand in the order of their numbers. Nothing is written into the tree.
"""

import ast
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ("schemas", "models", "streams", "services")
OUTSIDE = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
}
"""Texts at the root of the repository, and their pages."""
FIRST = ("architecture.md", "words.md", "library.md", "language-model.md")


def about(path: Path) -> str:
    """Return the first line of a module's docstring, or nothing."""
    lines = (ast.get_docstring(ast.parse(path.read_text())) or "").splitlines()
    return lines[0] if lines else ""


def heading(path: Path) -> str:
    """Return the title of a Markdown file, or its name."""
    for line in path.read_text().splitlines():
        if line.startswith("# "):
            return line[2:].strip()
    return path.stem


def rooms(layer: str) -> dict[str, list[Path]]:
    """Return the modules of a layer by their room; those of no room by the layer."""
    found: dict[str, list[Path]] = {}
    for path in sorted((ROOT / layer).rglob("*.py")):
        inside = path.relative_to(ROOT / layer).parts
        if any(part.startswith("_") and part != "__init__.py" for part in inside):
            continue
        found.setdefault(f"{layer}/{inside[0]}" if len(inside) > 1 else layer, []).append(path)
    return found


def page_of(room: str, modules: list[Path]) -> str:
    """Return the reference page of one room."""
    names = [
        ".".join(("keyart", *path.relative_to(ROOT).with_suffix("").parts)) for path in modules
    ]
    names = [name.removesuffix(".__init__") for name in names]
    return f"# {room}\n\n" + "\n\n".join(f"::: {name}" for name in names) + "\n"


def decisions() -> list[Path]:
    """Return the records of decisions in the order of their numbers."""
    return sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))


def index_of_decisions() -> str:
    """Return the page that lists them."""
    lines = [f"- [{heading(path)}]({path.name})" for path in decisions()]
    return "# Decisions\n\nWhy things are as they are.\n\n" + "\n".join(lines) + "\n"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the reference, an index of decisions, and the texts that stand at the root."""

    def add(name: str, content: str) -> None:
        files.append(File.generated(config, name, content=content))

    outside = {heading(ROOT / source): name for source, name in OUTSIDE.items()}
    first = {heading(ROOT / "docs" / name): name for name in FIRST}
    for source, name in OUTSIDE.items():
        add(name, (ROOT / source).read_text())
    add("decisions/index.md", index_of_decisions())
    reference: list[object] = ["reference/index.md"]
    listed = ["# Reference\n\nFrom the docstrings, one page a room.\n"]
    for layer in LAYERS:
        pages = []
        for room, modules in rooms(layer).items():
            name = f"{room.replace('/', '-')}.md"
            add(f"reference/{name}", page_of(room, modules))
            pages.append({room: f"reference/{name}"})
            listed.append(f"- [{room}]({name}) {about(modules[0])}")
        reference.append({layer: pages})
    add("reference/index.md", "\n".join(listed))
    fronts = (
        first | {"Decisions": "decisions/index.md", "Reference": "reference/index.md"} | outside
    )
    links = "\n".join(f"- [{title}]({name})" for title, name in fronts.items())
    add("index.md", f"# keyart\n\n{config.site_description}.\n\n{links}\n")
    each = [{heading(path): f"decisions/{path.name}"} for path in decisions()]
    config.nav = [
        {"keyart": "index.md"},
        *({title: name} for title, name in first.items()),
        {"Decisions": ["decisions/index.md", *each]},
        {"Reference": reference},
        *({title: name} for title, name in outside.items()),
    ]
    return files
