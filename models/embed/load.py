"""From a setting to a space."""

from pathlib import Path

from keyart.models.embed.protocol import Space
from keyart.models.embed.static import StaticSpace
from keyart.schemas.errors import UnknownName


def load_space(spec: str = "static") -> Space:
    """Return the space that the setting names.

    Parameters
    ----------
    spec
        `static`: the shipped embeddings; `static:DIR`: others that model2vec wrote as int8;
        `hf:DIR`: a Hugging Face encoder; `onnx:DIR`: an encoder as ONNX with its tokeniser.

    Raises
    ------
    UnknownName
        The setting names no kind of space.
    ModelRejected
        The folder does not hold what that kind needs.
    MissingExtra
        That kind needs a dependency that is not installed.
    """
    kind, _, where = spec.partition(":")
    if spec == "static":
        return StaticSpace()
    if where and kind == "static":
        return StaticSpace(Path(where))
    if where and kind == "hf":
        from keyart.models.embed.encoder_space import hugging_face_space

        return hugging_face_space(Path(where))
    if where and kind == "onnx":
        from keyart.models.embed.encoder_space import onnx_space

        return onnx_space(Path(where))
    raise UnknownName(f"space {spec!r}: use static, static:DIR, hf:DIR or onnx:DIR")
