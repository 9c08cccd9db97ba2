"""Map the folders at the top of the repository under `keyart`; `library` is what it is itself."""

from setuptools import find_packages, setup

LAYERS = ("schemas", "models", "streams", "services")
FOLDERS = (*LAYERS, "client")

setup(
    packages=["keyart"]
    + [
        f"keyart.{name}"
        for layer in FOLDERS
        for name in find_packages(include=[layer, f"{layer}.*"])
    ],
    package_dir={"keyart": "library"} | {f"keyart.{layer}": layer for layer in FOLDERS},
)
