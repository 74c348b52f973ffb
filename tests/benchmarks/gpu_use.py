"""How much of a GPU training makes use of: its peak memory, and the share of its arithmetic.

Model FLOP utilisation is what the weights alone ask for, 6 a token and trained weight (4 where it is
frozen) and 12 a token, layer, width and token seen for attention, over what the GPU's maker promises
for dense bf16; of a GPU not in the list, over what a large matrix product reaches on it.

Source: arXiv 2204.02311, appendix B.
"""

from __future__ import annotations

import time
from typing import Any

import torch

#: Dense bf16 with fp32 sums, FLOP a second, from the makers' data sheets.
_PROMISED = {
    "B200": 2250e12, "H200": 989e12, "H100 PCIe": 756e12, "H100": 989e12, "A100": 312e12,
    "L40S": 362e12, "L4": 121e12, "A10G": 70e12, "A10": 125e12, "RTX 4090": 165e12,
    "RTX 3090": 71e12,
}  # fmt: skip


def promised() -> float:
    """Return the arithmetic of this GPU, FLOP a second."""
    name = torch.cuda.get_device_name()
    found = next((flops for known, flops in _PROMISED.items() if known in name), None)
    return found or _reached()


def flops_a_token(model: Any, *, seen: float) -> float:
    """Return what learning from one token takes.

    Args:
        seen: tokens a token attends to, on average.
    """
    embeddings = {id(model.get_input_embeddings().weight)}
    head = model.get_output_embeddings()
    if head is not None:
        embeddings.discard(id(head.weight))  # it is multiplied by, tied or not
    weights = [each for each in model.parameters() if id(each) not in embeddings]
    text = model.config.get_text_config()
    attention = 12 * text.num_hidden_layers * text.hidden_size * seen
    return sum((6 if each.requires_grad else 4) * each.numel() for each in weights) + attention


def peak_gb() -> float:
    """Return the most that tensors took since ``forget_peak``."""
    return torch.cuda.max_memory_allocated() / 1e9


def forget_peak() -> None:
    """Begin to measure memory anew."""
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()


def _reached(size: int = 8192, times: int = 20) -> float:
    one = torch.randn(size, size, device="cuda", dtype=torch.bfloat16)
    one @ one
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(times):
        one @ one
    torch.cuda.synchronize()
    return 2 * size**3 * times / (time.perf_counter() - began)
