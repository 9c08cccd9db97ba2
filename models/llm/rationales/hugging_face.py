"""A teacher that is a Hugging Face model on this machine."""

from pathlib import Path

from keyart.models.embed.language_models import load_causal_lm
from keyart.models.llm.rationales.write import Teacher


def hugging_face_teacher(
    model: str, *, tokens: int = 96, device: str = "cpu", cache: Path | None = None
) -> Teacher:
    """Return a teacher that answers greedily, in at most so many tokens."""
    import torch

    loaded = load_causal_lm(model, cache=cache, device=device)
    tokenizer = loaded.tokenizer

    def ask(prompt: str) -> str:
        text = f"{prompt}\n"
        if getattr(tokenizer, "chat_template", None):
            text = tokenizer.apply_chat_template(
                [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
            )
        ids = torch.tensor([tokenizer.encode(text, add_special_tokens=False)], device=device)
        with torch.inference_mode():
            said = loaded.model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=tokens,
                do_sample=False,
                pad_token_id=tokenizer.pad_token_id,
            )
        reply: str = tokenizer.decode(said[0, ids.shape[1] :], skip_special_tokens=True)
        return reply.strip()

    return ask
