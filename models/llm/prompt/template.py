"""The prompt as a versioned file: sections of text with named blanks."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal

from keyart.schemas.errors import NotFound, SettingsError

MAX_TEMPLATE_BYTES: Final = 20_000
ORDERS: Final = ("viewer-first", "title-first")
BLANKS: Final = {
    "system": (),
    "viewer": ("{history}",),
    "taste": ("{taste}",),
    "lately": ("{lately}",),
    "stranger": (),
    "entry": ("{title}", "{description}"),
    "title": ("{name}", "{options}"),
    "option": ("{mark}", "{description}"),
    "question": (),
    "reason": ("{mark}", "{reason}"),
}
LATELY: Final = "lately"
"""The one section that a template may lack: it is then not told what recently worked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A prompt template.

    `order` says whether the viewer or the title comes first: what comes first is what prompts
    share, and what is shared is computed once. `digest` is of the whole file, 16 hex digits: it
    travels with every model that was trained on this wording.
    """

    name: str
    version: int
    order: Literal["viewer-first", "title-first"]
    sections: dict[str, str]
    text: str
    digest: str

    @property
    def tells_lately(self) -> bool:
        """Whether it has a place for what recently worked."""
        return LATELY in self.sections

    def fill(self, section: str, **values: str) -> str:
        """Return the section with its blanks filled; braces in a value stay as they are."""
        text, filled = self.sections[section], []
        while text:
            before, brace, rest = text.partition("{")
            filled.append(before)
            if not brace:
                break
            key, _, text = rest.partition("}")
            filled.append(values[key])
        return "".join(filled)


def parse_template(text: str) -> Template:
    """Return the template in this text.

    Raises
    ------
    SettingsError
        A section or one of its blanks is missing, or one is there that nobody fills.
    """
    if len(text.encode()) > MAX_TEMPLATE_BYTES:
        raise SettingsError(f"a template is at most {MAX_TEMPLATE_BYTES} bytes")
    head: dict[str, str] = {}
    sections: dict[str, list[str]] = {}
    section = ""
    for line in text.splitlines():
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
            sections[section] = []
        elif section:
            sections[section].append(line)
        else:
            key, _, value = line.partition(":")
            head[key.strip()] = value.strip()
    joined = {name: "\n".join(lines).strip("\n") for name, lines in sections.items()}
    _check(head, joined)
    return Template(
        name=head["name"],
        version=int(head["version"]),
        order="title-first" if head["order"] == "title-first" else "viewer-first",
        sections=joined,
        text=text,
        digest=hashlib.blake2b(text.encode(), digest_size=8).hexdigest(),
    )


def _check(head: dict[str, str], sections: dict[str, str]) -> None:
    if not head.get("name") or not head.get("version", "").isdigit():
        raise SettingsError("a template starts with its name and a whole version")
    if head.get("order") not in ORDERS:
        raise SettingsError(f"a template's order is one of {', '.join(ORDERS)}")
    if odd := sorted((sections.keys() | {LATELY}) ^ BLANKS.keys()):
        raise SettingsError(f"template sections missing or unknown: {', '.join(odd)}")
    for name, rest in sections.items():
        for blank in BLANKS[name]:
            if blank not in rest:
                raise SettingsError(f"template section [{name}] lacks {blank}")
            rest = rest.replace(blank, "")
        if "{" in rest or "}" in rest:
            raise SettingsError(f"template section [{name}] has a blank that nobody fills")


def shipped_templates() -> list[str]:
    """Return the names of the templates in the package, as `name.vN`."""
    here = files("keyart.models.llm.prompt") / "templates"
    return sorted(entry.name[:-4] for entry in here.iterdir() if entry.name.endswith(".txt"))


def load_template(name_or_path: str) -> Template:
    """Return a shipped template by name (`choose.v1`), or one from a file.

    Raises
    ------
    NotFound
        Neither is there.
    """
    if name_or_path in shipped_templates():
        shipped = files("keyart.models.llm.prompt") / "templates" / f"{name_or_path}.txt"
        return parse_template(shipped.read_text("utf-8"))
    path = Path(name_or_path)
    if not path.is_file():
        known = ", ".join(shipped_templates())
        raise NotFound(f"no template {name_or_path}; shipped: {known}; or give a file")
    return parse_template(path.read_text("utf-8"))
