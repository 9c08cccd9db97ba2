"""Map the four layers and the client at the top of the repository under `keyart`."""

from setuptools import find_packages, setup

LAYERS = ("schemas", "models", "streams", "services")
FOLDERS = (*LAYERS, "client")

setup(
    packages=[
        f"keyart.{name}"
        for layer in FOLDERS
        for name in find_packages(include=[layer, f"{layer}.*"])
    ],
    package_dir={f"keyart.{layer}": layer for layer in FOLDERS},
)
