"""Text to vector: the embedding space, its identity, and the interests a person can read in it."""

from keyart.models.space.concepts import Concepts
from keyart.models.space.load import load_space
from keyart.models.space.protocol import Space

__all__ = ["Concepts", "Space", "load_space"]
