"""Fail when a page of the built docs would load something from another host.

usage: site_hosts.py FOLDER
"""

import re
import sys
from pathlib import Path

LOADED = re.compile(
    r"""<(?:script|link|img|iframe|source|video)\b[^>]*\b(?:src|href)=["']?(?:https?:)?//[^"' >]*"""
)
FROM_STYLES = re.compile(r"""(?:url\(|@import\s)["']?(?:https?:)?//[^"')]*""")
# The theme's script would fetch these: a diagram's renderer, a repository's stars.
ASKED_FOR = re.compile(r"""class="(?:mermaid|md-source)\b""")


def faults(folder: Path) -> list[str]:
    """Return what would be fetched, with the file that asks for it."""
    found = []
    for path in sorted(folder.rglob("*")):
        patterns = {".html": (LOADED, ASKED_FOR), ".css": (FROM_STYLES,)}.get(path.suffix, ())
        text = path.read_text(encoding="utf-8") if patterns else ""
        for pattern in patterns:
            found += [f"{path.relative_to(folder)}: {each}" for each in pattern.findall(text)]
    return found


def main(folder: str) -> int:
    """Print what is found, and return the exit status."""
    pages = len(list(Path(folder).rglob("*.html")))
    found = faults(Path(folder))
    print(f"{pages} pages, {len(found)} things from other hosts")
    for each in found:
        print(f"  {each}")
    return 1 if found or pages == 0 else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
