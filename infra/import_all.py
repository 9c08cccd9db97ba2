"""Import every installed keyart module; one may fail only for want of a known optional package."""

import importlib
import importlib.util
import json
import sys
from pathlib import Path

LAYERS = ("schemas", "models", "streams", "services", "client")


def installed_modules() -> list[str]:
    """Return the dotted name of every module below the installed `keyart`."""
    spec = importlib.util.find_spec("keyart")
    assert spec is not None and spec.submodule_search_locations is not None
    names = []
    for root in map(Path, spec.submodule_search_locations):
        for path in root.rglob("*.py"):
            parts = ("keyart", *path.relative_to(root).with_suffix("").parts)
            names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return sorted(names)


def extra_wanted(failure: Exception, extra_of: dict[str, str]) -> str | None:
    """Return the extra whose absence explains the failure, or None if nothing excuses it."""
    seen: BaseException | None = failure
    while seen is not None:
        if isinstance(seen, ModuleNotFoundError) and seen.name:
            return extra_of.get(seen.name.partition(".")[0])
        if (extra := getattr(seen, "extra", None)) in extra_of.values():
            return str(extra)
        seen = seen.__cause__ or seen.__context__
    return None


def main(extras_file: str) -> int:
    """Import all, print what needs an extra, and return the exit status."""
    extra_of = json.loads(Path(extras_file).read_text())
    names = installed_modules()
    needing: dict[str, list[str]] = {}
    faults = []
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as failure:  # whatever an import raises is what is being looked for
            if extra := extra_wanted(failure, extra_of):
                needing.setdefault(extra, []).append(name)
            else:
                faults.append(f"{name}: {type(failure).__name__}: {failure}")
    layers = {name.split(".")[1] for name in names if "." in name}
    if missing := set(LAYERS) - layers:
        faults.append(f"no module of {', '.join(sorted(missing))} is installed")
    print(f"  {len(names)} modules, {len(names) - sum(map(len, needing.values()))} without extras")
    for extra, those in sorted(needing.items()):
        print(f"  need keyart[{extra}]: {', '.join(those)}")
    for fault in faults:
        print(f"  FAILED {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
