"""Text to vector: the embedding space, its identity, and the interests a person can read in it."""

from keyart.models.embed.concepts import Concepts
from keyart.models.embed.load import load_space, taste_space
from keyart.models.embed.protocol import Space

__all__ = ["Concepts", "Space", "load_space", "taste_space"]
