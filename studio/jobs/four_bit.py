"""A base model in 4 bit, for an adapter to learn on (QLoRA, arXiv 2305.14314)."""

from __future__ import annotations

import os
from typing import Any

import torch

from studio.domain.errors import SpecError


def four_bit_options(dtype: torch.dtype) -> dict[str, Any]:
    """Return what ``from_pretrained`` is told to load a base in 4 bit, on this process's GPU.

    Args:
        dtype: what it computes in.

    Raises:
        SpecError: this machine cannot; says why and what to set instead.
    """
    if not torch.cuda.is_available():
        raise SpecError("four_bit needs an NVIDIA GPU, and there is none here: set four_bit=false")
    try:
        import bitsandbytes  # type: ignore[import-not-found,unused-ignore] # noqa: F401
    except ImportError:
        raise SpecError(
            "four_bit needs the package bitsandbytes: 'pip install mapd-studio[qlora]', or set"
            " four_bit=false"
        ) from None
    from transformers import BitsAndBytesConfig

    told = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )  # fmt: skip
    return {
        "quantization_config": told,
        "device_map": {"": int(os.environ.get("LOCAL_RANK", "0"))},
    }


def ready_to_learn_on(model: Any) -> Any:
    """Return a 4-bit model whose norms are kept in fp32, as QLoRA has it."""
    from peft import prepare_model_for_kbit_training

    return prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
