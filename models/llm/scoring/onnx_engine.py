"""The scoring graph in ONNX Runtime."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.llm.scoring.plan import Tokens
from keyart.schemas.errors import MissingExtra, ModelRejected

CUDA: Final = "CUDAExecutionProvider"
CPU: Final = "CPUExecutionProvider"


class OnnxEngine:
    """Runs an exported graph.

    Parameters
    ----------
    path
        The graph's file.
    device
        `cpu`; `cuda` (asserted: without it nothing is loaded, never a silent fall to the CPU); or
        `auto`, CUDA where ONNX Runtime has it and it starts.
    threads
        Threads of one run; 0 lets ONNX Runtime choose.

    Raises
    ------
    MissingExtra
        ONNX Runtime is not installed.
    ModelRejected
        CUDA was asked for and did not start.
    """

    def __init__(self, path: Path, *, device: str = "cpu", threads: int = 0) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise MissingExtra("onnx", "scoring an exported model") from None
        available = onnxruntime.get_available_providers()
        if device == "cuda" and CUDA not in available:
            raise ModelRejected(f"no {CUDA} here (onnxruntime-gpu offers it): {available}")
        wanted = [CUDA, CPU] if device != "cpu" and CUDA in available else [CPU]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session: Any = onnxruntime.InferenceSession(
            str(path), sess_options=options, providers=wanted
        )
        self.providers: list[str] = self._session.get_providers()
        if device == "cuda" and self.providers[0] != CUDA:
            raise ModelRejected(f"{CUDA} was asked for, the session runs on {self.providers[0]}")
        inputs = {each.name: each for each in self._session.get_inputs()}
        self.reads_spans = "spans" in inputs
        past = inputs["past"]
        self._dtype = np.float16 if past.type == "tensor(float16)" else np.float32
        layers, _, heads, _, size = past.shape
        self._empty = np.zeros((layers, 1, heads, 0, size), self._dtype)

    def remember(self, tokens: Tokens) -> NDArray[Any]:
        """Return the prefix's keys and values, (2L, 1, H, P, D)."""
        ids = np.asarray(tokens, np.int64)[None]
        feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids), "past": self._empty}
        if self.reads_spans:
            feeds["spans"] = np.full_like(ids, -1)
        present: NDArray[Any] = self._session.run(["present"], feeds)[0]
        return present

    def logits(
        self,
        input_ids: NDArray[np.int64],
        attention_mask: NDArray[np.int64],
        spans: NDArray[np.int64],
        past: NDArray[Any] | None,
    ) -> NDArray[np.float32]:
        """Return the options' logits, (B, M)."""
        feeds = {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            "past": self._empty if past is None else past,
        }
        if self.reads_spans:
            feeds["spans"] = spans
        found: NDArray[np.float32] = self._session.run(["logits"], feeds)[0].astype(np.float32)
        return found
