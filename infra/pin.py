"""Pin every image by the digest that its registry has now: a compose override, a component.

    python infra/pin.py                             # writes infra/compose.digests.yaml
    python infra/pin.py registry.example.com/keyart:0.1.0-base    # and the Kubernetes component

Needs a Docker engine with buildx that reaches the registries. The tags in compose.yaml stay as they
are, for engines that build their own images.
"""

import re
import subprocess
import sys
from pathlib import Path

import yaml

INFRA = Path(__file__).resolve().parent
COMPOSE = INFRA / "compose.yaml"
OVERRIDE = INFRA / "compose.digests.yaml"
COMPONENT = INFRA / "kubernetes" / "components" / "digest" / "kustomization.yaml"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
HEADER = """\
# The images of compose.yaml by digest; written by infra/pin.py, for engines that pull:
#   docker compose -f infra/compose.yaml -f infra/compose.digests.yaml up --build --wait
"""
COMPONENT_HEADER = """\
# keyart's own image by digest; written by infra/pin.py. In your overlay:
#   components: [../../components/digest]
"""


def digest_of(image: str) -> str:
    """Return the digest that the registry has for this tag; exits with its complaint if none."""
    asked = ["docker", "buildx", "imagetools", "inspect", image, "--format", "{{.Manifest.Digest}}"]
    done = subprocess.run(asked, capture_output=True, text=True)
    found = DIGEST.search(done.stdout)
    if done.returncode or not found:
        sys.exit(f"{image}: {done.stderr.strip() or done.stdout.strip() or 'no digest'}")
    return found.group()


def tags() -> tuple[dict[str, str], str]:
    """Return service -> tag of each image that is pulled, and the tag that ours is built from."""
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    pulled = {name: each["image"] for name, each in services.items() if "build" not in each}
    base = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", (INFRA / "Dockerfile").read_text(), re.MULTILINE)
    assert base is not None
    return pulled, base.group(1)


def override(digests: dict[str, str]) -> str:
    """Return the text of the override; `digests` is tag -> digest, tags without are left out."""
    pulled, base = tags()
    services: dict[str, object] = {
        name: {"image": f"{tag}@{digests[tag]}"} for name, tag in pulled.items() if tag in digests
    }
    if base in digests:
        built = {"build": {"args": {"PYTHON_IMAGE": f"{base}@{digests[base]}"}}}
        ours = yaml.safe_load(COMPOSE.read_text())["services"]
        services |= {name: built for name, each in ours.items() if "build" in each}
    text: str = yaml.safe_dump({"services": services}, sort_keys=True)
    return HEADER + text


def component(image: str, digest: str) -> str:
    """Return the text of the Kubernetes component for keyart's own image, name:tag."""
    wanted = {"name": "keyart", "newName": image.rpartition(":")[0] or image, "digest": digest}
    kind = {"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component"}
    text: str = yaml.safe_dump(kind | {"images": [wanted]}, sort_keys=False)
    return COMPONENT_HEADER + text


def main(own: str = "") -> None:
    """Resolve and write."""
    pulled, base = tags()
    digests = {tag: digest_of(tag) for tag in sorted({*pulled.values(), base})}
    OVERRIDE.write_text(override(digests))
    print(f"wrote {OVERRIDE.relative_to(INFRA.parent)}: {len(digests)} images")
    if own:
        COMPONENT.write_text(component(own, digest_of(own)))
        print(f"wrote {COMPONENT.relative_to(INFRA.parent)}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
