"""A base model in 4 bit, for an adapter to learn on (QLoRA, arXiv 2305.14314)."""

from __future__ import annotations

from typing import Any

import torch

from studio.domain.errors import SpecError


def four_bit_options(dtype: torch.dtype, device: torch.device) -> dict[str, Any]:
    """Return what ``from_pretrained`` is told to load a base in 4 bit where this process computes.

    Args:
        dtype: what it computes in.

    Raises:
        SpecError: this machine cannot; says why and what to set instead.
    """
    if device.type not in ("cuda", "cpu"):
        raise SpecError(
            f"four_bit needs an NVIDIA GPU or a CPU, not {device.type}: set four_bit=false"
        )
    _find_package()
    from transformers import BitsAndBytesConfig

    told = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )  # fmt: skip
    return {"quantization_config": told, "device_map": {"": device}}


def _find_package() -> None:
    try:
        import bitsandbytes  # type: ignore[import-not-found,unused-ignore] # noqa: F401
    except ImportError:
        raise SpecError(
            "four_bit needs the package bitsandbytes: 'pip install mapd-studio[qlora]', or set"
            " four_bit=false"
        ) from None


def ready_to_learn_on(model: Any) -> Any:
    """Return a 4-bit model with all that is not in 4 bit kept in fp32, as QLoRA has it.

    What learns already, an earlier round's adapter, goes on learning.
    """
    from peft import PeftModel, prepare_model_for_kbit_training

    for module in model.modules():
        # On some CPUs a pass that learns nothing would turn a layer's weights into a form through
        # which no gradient flows, for good.
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
    adapter = [value for value in model.parameters() if value.requires_grad]
    ready = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    if isinstance(model, PeftModel):  # all of it was frozen, what learns too
        for value in adapter:
            value.requires_grad = True
    return ready
