"""Attention over a packed row in one call, by a GPU's own kernel for examples of unlike length.

The kernel is torch's, or flash-attn's where that is installed. One that is not there, or does not
give what our own attention gives on this very machine, there and back, is not used.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface

from studio.domain.dealing import cheapest_cuts
from studio.jobs.packing import STRANGE, Pack, attend, pack_of

NAME = "mapd_varlen"  #: in Transformers' register
_LENGTHS = (3, 17, 40, 40, 129)  #: of the examples it is tried on
#: Half precision rounds the one way here and the other way there.
_CLOSE = {torch.bfloat16: 3e-2, torch.float16: 5e-3, torch.float32: 1e-4}

Kernel = Callable[..., Tensor]
"""``(queries, keys, values, starts, longest, scale, window)`` to what is attended: all tensors but
``starts`` are (tokens, heads, size); ``window`` is the number of tokens seen before, or -1."""


def torchs(
    queries: Tensor, keys: Tensor, values: Tensor, *,
    starts: Tensor, longest: int, scale: float | None, window: int,
) -> Tensor:  # fmt: skip
    """Attend with torch's kernel; raises ImportError where this torch has none."""
    from torch.nn.attention.varlen import varlen_attn

    found: Any = varlen_attn(
        queries, keys, values, starts, starts, longest, longest, scale=scale,
        window_size=(window, 0), enable_gqa=queries.shape[1] != keys.shape[1],
    )  # fmt: skip
    return found  # type: ignore[no-any-return]


def flash_attns(
    queries: Tensor, keys: Tensor, values: Tensor, *,
    starts: Tensor, longest: int, scale: float | None, window: int,
) -> Tensor:  # fmt: skip
    """Attend with flash-attn's kernel; raises ImportError where it is not installed."""
    from flash_attn import (  # type: ignore[import-not-found,unused-ignore]
        flash_attn_varlen_func,
    )

    found: Any = flash_attn_varlen_func(
        queries, keys, values, starts, starts, longest, longest, softmax_scale=scale,
        causal=True, window_size=(window, 0 if window >= 0 else -1),
    )  # fmt: skip
    return found  # type: ignore[no-any-return]


def attention_by(kernel: Kernel) -> Callable[..., tuple[Tensor, None]]:
    """Return a kernel as an attention function of Transformers: shapes are those of ``attend``."""

    def attend_at_once(
        module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, *,
        pack: Pack, scaling: float | None = None, dropout: float = 0.0,
        sliding_window: int | None = None, **others: Any,
    ) -> tuple[Tensor, None]:  # fmt: skip
        if strange := [name for name in STRANGE if others.get(name) is not None]:
            raise ValueError(f"attention with {strange[0]} is not done packed")
        if dropout:
            return attend(
                module, query, key, value, attention_mask, pack=pack, scaling=scaling,
                dropout=dropout, sliding_window=sliding_window,
            )  # fmt: skip
        # Under autocast what was turned by its position is in fp32, and values are not.
        by_token = (
            each[0].transpose(0, 1).to(value.dtype).contiguous() for each in (query, key, value)
        )
        window = -1 if sliding_window is None else sliding_window - 1
        made = kernel(
            *by_token, starts=pack.starts, longest=pack.longest, scale=scaling, window=window
        )
        return made[None], None

    return attend_at_once


def agrees(
    kernel: Kernel, *, heads: int, of_keys: int, size: int, dtype: torch.dtype, device: torch.device
) -> bool:
    """Return whether a kernel attends as ours does, and has the same gradients."""
    pack = pack_of(_LENGTHS, cheapest_cuts(_LENGTHS, most=512, each=64)).to(device)
    chance = torch.Generator().manual_seed(731)

    def drawn(width: int) -> Tensor:
        made = torch.randn(1, width, sum(_LENGTHS), size, generator=chance)
        return made.to(device, dtype).requires_grad_()

    given = [drawn(heads), drawn(of_keys), drawn(of_keys)]
    weight = drawn(heads).detach().transpose(1, 2)

    def tried(function: Callable[..., tuple[Tensor, None]]) -> Iterator[Tensor]:
        made, _ = function(None, *given, None, pack=pack)
        yield made
        yield from torch.autograd.grad((made * weight).sum(), given)

    try:
        pairs = zip(tried(attend), tried(attention_by(kernel)), strict=True)
        return all(_close(theirs, ours) for ours, theirs in pairs)
    except (ImportError, RuntimeError, TypeError, ValueError, AssertionError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        logging.getLogger(__name__).info("%s: %s", kernel.__name__, error)
        return False


def _close(one: Tensor, other: Tensor) -> bool:
    one, other = one.detach(), other.detach()
    scale = max(1.0, float(other.abs().max()))
    return bool((one - other).abs().max() <= _CLOSE[other.dtype] * scale)


def offered(config: Any, *, dtype: torch.dtype, device: torch.device) -> bool:
    """Register the best kernel of this machine under ``NAME``; False where there is none."""
    if device.type != "cuda" or dtype == torch.float32:
        return False
    heads = getattr(config, "num_attention_heads", None)
    if not heads:
        return False
    of_keys = getattr(config, "num_key_value_heads", None) or heads
    size = getattr(config, "head_dim", None) or config.hidden_size // heads
    for kernel in (torchs, flash_attns):
        if agrees(kernel, heads=heads, of_keys=of_keys, size=size, dtype=dtype, device=device):
            AttentionInterface.register(NAME, attention_by(kernel))
            return True
    return False
