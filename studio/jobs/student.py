"""Load a student: base weights, an adapter on top, tokenizer, device and number format.

Also says how a conversation becomes tokens, in one place for the exam and for training, so that a
training example's prompt is to the token what the exam asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from studio.domain.errors import StudentError
from studio.domain.specs import Precision, StudentSpec
from studio.jobs.weights import find_adapter, find_weights

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Messages = Sequence[dict[str, str]]


class Student(NamedTuple):
    """A loaded student. ``model`` is a PEFT model where there is an adapter."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    device: torch.device
    dtype: torch.dtype


def load_student(
    spec: StudentSpec, *, beside: Path, precision: Precision, adapter_trainable: bool = False
) -> Student:
    """Load a student onto the best device here.

    Args:
        beside: the folder that relative paths start from.
        adapter_trainable: go on training the adapter it has.

    Raises:
        StudentError: it cannot be loaded; says why in one line.
    """
    device = best_device()
    dtype = dtype_for(precision, device)
    weights = find_weights(spec.location, beside=beside)
    options: dict[str, Any] = {"gguf_file": weights.gguf_file} if weights.gguf_file else {}
    try:
        tokenizer = _tokenizer(weights.place, options)
        model = _model(weights.place, options, dtype)
    except (OSError, ValueError, KeyError, ImportError) as error:
        reason = " ".join(str(error).split())[:300]
        raise StudentError(
            f"{spec.location} cannot be loaded as a causal model: {reason}"
        ) from None
    if spec.adapter:
        from peft import PeftModel

        adapter = find_adapter(spec.adapter, beside=beside)
        model = PeftModel.from_pretrained(model, adapter, is_trainable=adapter_trainable)
    return Student(model.to(device), tokenizer, device, dtype)


def _tokenizer(place: str, options: dict[str, Any]) -> PreTrainedTokenizerBase:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(place, trust_remote_code=False, **options)
    if tokenizer.eos_token_id is None:
        raise ValueError("its tokenizer has no end-of-sequence token, so it would never stop")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer  # type: ignore[no-any-return]


def _model(place: str, options: dict[str, Any], dtype: torch.dtype) -> PreTrainedModel:
    from transformers import AutoModelForCausalLM

    safe = {} if options else {"use_safetensors": True}
    return AutoModelForCausalLM.from_pretrained(  # type: ignore[no-any-return]
        place, dtype=dtype, trust_remote_code=False, **safe, **options
    )


def best_device() -> torch.device:
    """Return the GPU where there is one, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def dtype_for(precision: Precision, device: torch.device) -> torch.dtype:
    """Return the number format; ``auto`` is bf16 on a GPU that has it, else fp32."""
    if precision == "auto":
        has_bf16 = device.type == "cuda" and torch.cuda.is_bf16_supported()
        return torch.bfloat16 if has_bf16 else torch.float32
    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]


def prompt_ids(tokenizer: PreTrainedTokenizerBase, messages: Messages) -> list[int]:
    """Return the tokens a student is shown before it answers.

    Without a chat template of its own, the messages are simply put one below the other.
    """
    if tokenizer.chat_template:
        text = tokenizer.apply_chat_template(
            list(messages), tokenize=False, add_generation_prompt=True
        )
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])
    text = "".join(f"{message['content']}\n" for message in messages)
    ids = list(tokenizer(text)["input_ids"])
    return ids[:-1] if ids and ids[-1] == tokenizer.eos_token_id else ids


def completion_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Return the tokens of an answer with the end-of-sequence token that stops it."""
    return [*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]


def longest_context(model: PreTrainedModel) -> int | None:
    """Return how many tokens the model can look at, where its configuration says so."""
    value = getattr(model.config, "max_position_embeddings", None)
    return value if isinstance(value, int) and value > 0 else None


def use_threads(threads: int) -> None:
    """Let torch use so many CPU threads; 0 leaves it as it is."""
    if threads:
        torch.set_num_threads(threads)
