"""Map the four layers at the top of the repository under the `keyart` namespace package."""

from setuptools import find_packages, setup

LAYERS = ("schemas", "models", "streams", "services")

setup(
    packages=[
        f"keyart.{name}"
        for layer in LAYERS
        for name in find_packages(include=[layer, f"{layer}.*"])
    ],
    package_dir={f"keyart.{layer}": layer for layer in LAYERS},
)
