"""Commands that make data: preference pairs, rationales, captions."""

from pathlib import Path

import msgspec
from rich.console import Console

from keyart.models.llm.rationales.write import REASONS_FILE, Spending, Teacher
from keyart.schemas.errors import SettingsError
from keyart.services.llm.screen import progress_bar

MAX_KEY_BYTES = 4096


def run_export_dpo(
    dataset: Path, out: Path, *, split: str, tokenizer: str, template: str, seed: int
) -> None:
    """Write preference pairs for others' trainers."""
    from keyart.models.llm.export_dpo import write_dpo
    from keyart.models.llm.loading import load_causal_lm
    from keyart.models.llm.preferences import preferences
    from keyart.models.llm.prepare import read_split
    from keyart.models.llm.prompts import Prompter
    from keyart.models.llm.template import load_template

    prompter = Prompter(load_causal_lm(tokenizer).tokenizer, load_template(template))
    pairs = [pair for pair in preferences(read_split(dataset, split), seed=seed) if pair.weight > 0]
    written = write_dpo(prompter, pairs, out, seed=seed)
    seen = sum(pair.seen for pair in pairs)
    Console().print(f"{written} pairs, {seen} of them with a rejected artwork that was shown")


def run_rationales(
    dataset: Path,
    *,
    teacher: str,
    url: str,
    key_file: Path | None,
    tokenizer: str,
    template: str,
    calls: int,
    characters: int,
    seed: int,
) -> None:
    """Ask a teacher for reasons about the training and validation answers."""
    from keyart.models.llm.loading import load_causal_lm
    from keyart.models.llm.prepare import read_split
    from keyart.models.llm.prompts import Prompter
    from keyart.models.llm.rationales.write import write_reasons
    from keyart.models.llm.template import load_template

    if not teacher:
        raise SettingsError("name the teacher's model: --teacher, with --url for an endpoint")
    asked = _teacher(teacher, url, key_file)
    prompter = Prompter(load_causal_lm(tokenizer).tokenizer, load_template(template))
    examples = read_split(dataset, "valid") + read_split(dataset, "train")
    with progress_bar() as draw:
        report = write_reasons(
            prompter,
            examples,
            asked,
            asked,
            dataset / REASONS_FILE,
            spending=Spending(calls=calls, characters=characters),
            seed=seed,
            progress=lambda done, total: draw("reasons", done, total, ""),
        )
    Console().print_json(msgspec.json.encode(report).decode())


def _teacher(model: str, url: str, key_file: Path | None) -> Teacher:
    if url:
        from keyart.services.llm.endpoint import endpoint_teacher

        key = ""
        if key_file is not None:
            key = key_file.read_text("utf-8")[:MAX_KEY_BYTES].strip()
        return endpoint_teacher(url, model, key=key)
    from keyart.models.llm.rationales.hugging_face import hugging_face_teacher

    return hugging_face_teacher(model)


def run_caption(
    catalogue: Path, images: Path, out: Path, *, model: str, cache: Path | None, batch: int
) -> None:
    """Describe the artworks that have an image and no words, and write the catalogue anew."""
    from keyart.models.llm.captions import CaptionCache, HuggingFaceCaptioner, caption_catalogue
    from keyart.models.llm.catalogue import read_catalogue

    titles = list(read_catalogue(catalogue).values())
    with progress_bar() as draw:
        described, report = caption_catalogue(
            titles,
            images,
            HuggingFaceCaptioner(model),
            CaptionCache(cache or out.with_suffix(".captions.jsonl")),
            batch=batch,
            progress=lambda done, total: draw("captions", done, total, ""),
        )
    with out.open("wb") as written:
        for title in described:
            written.write(msgspec.json.encode(title) + b"\n")
    Console().print_json(msgspec.json.encode(report).decode())
