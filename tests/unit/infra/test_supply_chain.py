"""Where what is installed comes from: hashes in the locks, digests in the override, the bill."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
INFRA = ROOT / "infra"
LOCKS = sorted((INFRA / "locks").glob("*.txt"))
DOCKERFILE = (INFRA / "Dockerfile").read_text()
DIGEST = "sha256:" + "5" * 64


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, INFRA / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pins(text: str) -> dict[str, str]:
    return dict(re.findall(r"^([A-Za-z0-9_.\[\]-]+)==([^ ;\n]+)", text, re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_file_that_an_image_installs_has_its_hash_and_no_place(lock: Path) -> None:
    text = lock.read_text()
    entries = re.split(r"\n(?=\S)", text.strip())
    assert entries and all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text and "index" not in text


@pytest.mark.parametrize("lock", [each for each in LOCKS if each.stem.startswith("kafka")])
def test_images_install_the_versions_that_the_tests_ran_with(lock: Path) -> None:
    tested = pins((INFRA / "constraints.txt").read_text())
    assert {name: tested.get(name) for name in pins(lock.read_text())} == pins(lock.read_text())


def test_the_image_installs_nothing_but_by_hash() -> None:
    commands = re.findall(r"(?:pip install|uv build)[^&]*", DOCKERFILE.replace("\\\n", " "))
    assert len(commands) >= 5
    for command in commands:
        assert "--require-hashes" in command or "--no-deps --no-index" in command, command


def test_uv_is_pinned_wherever_it_is_installed() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert "--requirement infra/locks/tools.txt" in makefile
    assert "pip install --quiet uv" not in makefile
    assert "uv" in pins((INFRA / "locks" / "tools.txt").read_text())


def test_the_override_pins_every_image_that_has_a_digest() -> None:
    pin = script("pin")
    pulled, base = pin.tags()
    written = yaml.safe_load(pin.override(dict.fromkeys({*pulled.values(), base}, DIGEST)))
    services = yaml.safe_load((INFRA / "compose.yaml").read_text())["services"]
    assert written["services"].keys() == services.keys()
    for name, each in written["services"].items():
        image = each["build"]["args"]["PYTHON_IMAGE"] if "build" in each else each["image"]
        assert image.endswith(f"@{DIGEST}")
        if "build" not in each:
            assert image == f"{services[name]['image']}@{DIGEST}"


def test_the_override_that_ships_fits_the_compose_file() -> None:
    """A tag that moved on must not keep the digest of the one before."""
    pulled, base = script("pin").tags()
    shipped = yaml.safe_load((INFRA / "compose.digests.yaml").read_text())["services"]
    for name, each in shipped.items():
        image = each["build"]["args"]["PYTHON_IMAGE"] if "build" in each else each["image"]
        tag, _, digest = image.partition("@")
        assert tag == (base if "build" in each else pulled[name])
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest)


def test_the_component_pins_the_image_that_every_pod_runs() -> None:
    written = yaml.safe_load(script("pin").component("registry.example.com:5000/k:1", DIGEST))
    (image,) = written["images"]
    assert image == {"name": "keyart", "newName": "registry.example.com:5000/k", "digest": DIGEST}
    base = (INFRA / "kubernetes" / "base" / "api.yaml").read_text()
    assert f"image: {image['name']}\n" in base
    shipped = (INFRA / "kubernetes" / "components" / "digest" / "kustomization.yaml").read_text()
    assert yaml.safe_load(shipped)["images"][0]["name"] == "keyart"


def asked(tmp_path: Path, answer: str, status: int) -> subprocess.CompletedProcess[str]:
    """Ask for a digest with an engine that answers like this."""
    engine = tmp_path / "docker"
    engine.write_text(f"#!/bin/sh\necho '{answer}'\necho 'no such manifest' >&2\nexit {status}\n")
    engine.chmod(0o755)
    code = "import sys, pin; print(pin.digest_of(sys.argv[1]))"
    return subprocess.run(
        [sys.executable, "-c", code, "redis:7"],
        cwd=INFRA,
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )


def test_a_digest_is_what_the_registry_says_or_the_reason_why_there_is_none(tmp_path: Path) -> None:
    assert asked(tmp_path, DIGEST, 0).stdout.strip() == DIGEST
    for answer, status in (("", 1), ("latest", 0)):
        refused = asked(tmp_path, answer, status)
        assert refused.returncode == 1 and "redis:7: " in refused.stderr


def test_a_bill_that_lacks_something_is_refused() -> None:
    faults = script("sbom").faults
    whole = {"bomFormat": "CycloneDX", "components": [{"name": "Pure_Eval", "version": "1"}]}
    assert faults(whole, {"pure-eval"}) == []
    assert faults(whole, {"pure-eval", "redis"}) == ["not in the bill: redis"]
    assert faults({**whole, "components": [{"name": "pure-eval"}]}, set()) == [
        "no version: pure-eval"
    ]
    assert faults({}, set()) == ["not a CycloneDX document"]
