"""The tree of folders in docs/architecture.md, with what each is and how many lines it holds.

usage: docs_tree.py [--write]     prints the tree; with --write puts it into the document
"""

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ("schemas", "models", "streams", "services")
DOCUMENT = ROOT / "docs/architecture.md"
BEGIN, END = "<!-- tree: infra/docs_tree.py --write -->\n", "<!-- end of the tree -->\n"
LONG = 300


def lines_of(folder: Path) -> int:
    """Return the lines of the modules in and below a folder."""
    return sum(len(path.read_text().splitlines()) for path in folder.rglob("*.py"))


def rooms(layer: str) -> dict[str, int]:
    """Return the folders of a layer that hold modules, with their lines; "" is the layer's own."""
    found = {
        path.name: lines_of(path)
        for path in sorted((ROOT / layer).iterdir())
        if path.is_dir() and any(path.rglob("*.py"))
    }
    own = lines_of(ROOT / layer) - sum(found.values())
    return {"": own, **found}


def share_of_largest(layer: str) -> tuple[str, float]:
    """Return the largest room of a layer and its share of the layer's lines, 0 to 1."""
    found = rooms(layer)
    name = max(found, key=lambda each: found[each])
    return name, found[name] / sum(found.values())


def long_files() -> dict[str, int]:
    """Return the modules of more than 300 lines."""
    each = {
        path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines())
        for layer in LAYERS
        for path in (ROOT / layer).rglob("*.py")
    }
    return {name: count for name, count in sorted(each.items()) if count > LONG}


def about(folder: Path) -> str:
    """Return the first line of the docstring of a package."""
    path = folder / "__init__.py"
    text = ast.get_docstring(ast.parse(path.read_text())) if path.exists() else None
    return (text or "").partition("\n")[0]


def tree() -> str:
    """Return the tables: one a layer, a row a room."""
    parts = []
    for layer in LAYERS:
        found = rooms(layer)
        parts.append(f"### {layer}/\n\n{about(ROOT / layer)} {sum(found.values()):,} lines.\n")
        if len(found) > 1:
            parts.append("| room | lines | what |\n|---|---:|---|")
        for name, count in found.items():
            if name:
                parts.append(f"| `{layer}/{name}` | {count:,} | {about(ROOT / layer / name)} |")
        parts.append("")
    return "\n".join(parts)


def written(document: str) -> str:
    """Return the document with the tree as it is now."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{tree()}\n{END}{after}"


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        DOCUMENT.write_text(written(DOCUMENT.read_text()))
    else:
        print(tree())
        for name, count in long_files().items():
            print(f"over {LONG} lines: {name}: {count}")
