"""A GPU's own attention over packed rows: what is handed to its kernel, and when it is not used.

The kernel here is a plain loop over examples that takes what the real ones take.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import (
    AttentionInterface,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
)

from studio.jobs import varlen
from studio.jobs.batches import collate_packed, supervised_tokens
from studio.jobs.objectives.base import token_losses
from studio.jobs.packing import packed_attention
from tests.jobs.test_packing import SHAPE, items


def one_by_one(
    queries: Tensor, keys: Tensor, values: Tensor, *,
    starts: Tensor, longest: int, scale: float | None, window: int,
) -> Tensor:  # fmt: skip
    made = []
    assert queries.dtype == keys.dtype == values.dtype, "the real ones refuse a mixture"
    edges = starts.tolist()
    assert starts.dtype == torch.int32
    assert longest == max(b - a for a, b in pairwise(edges))
    wide = queries.shape[1] // keys.shape[1]
    for first, end in pairwise(edges):
        q, k, v = (each[first:end].transpose(0, 1) for each in (queries, keys, values))
        k, v = k.repeat_interleave(wide, 0), v.repeat_interleave(wide, 0)
        scores = q @ k.transpose(1, 2) * (scale or q.shape[-1] ** -0.5)
        places = torch.arange(end - first)
        apart = places[:, None] - places[None, :]
        seen = (apart >= 0) & ((window < 0) | (apart <= window))
        made.append((scores.masked_fill(~seen, -torch.inf).softmax(-1) @ v).transpose(0, 1))
    return torch.cat(made)


def looks_ahead(queries: Tensor, keys: Tensor, values: Tensor, **others: Any) -> Tensor:
    return one_by_one(queries, keys, values.roll(-1, 0), **others)


def is_not_there(*_: Tensor, **__: Any) -> Tensor:
    raise ImportError("no such kernel in this torch")


WIDE: dict[str, Any] = {"heads": 4, "of_keys": 2, "size": 8}
HERE: dict[str, Any] = {"dtype": torch.float32, "device": torch.device("cpu")}


@pytest.mark.parametrize(
    "model",
    [
        LlamaForCausalLM(LlamaConfig(**SHAPE)),
        MistralForCausalLM(MistralConfig(**SHAPE, head_dim=8, sliding_window=8)),
    ],
)
def test_a_kernel_gives_the_losses_and_gradients_of_our_own_attention(model: Any) -> None:
    AttentionInterface.register(varlen.NAME, varlen.attention_by(one_by_one))
    lot = items()
    batch = collate_packed(lot, totals=supervised_tokens(lot), most=40)
    found = []
    for name in ({}, {"name": varlen.NAME}):
        with packed_attention(model, **name):
            losses, _ = token_losses(model, batch)
            found.append((losses, *torch.autograd.grad(losses.sum(), list(model.parameters()))))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(theirs, ours, atol=1e-4, rtol=1e-4)


def test_a_kernel_is_handed_half_precision_where_all_weights_learn_in_fp32() -> None:
    AttentionInterface.register(varlen.NAME, varlen.attention_by(one_by_one))
    model: Any = LlamaForCausalLM(LlamaConfig(**SHAPE))
    lot = items()
    batch = collate_packed(lot, totals=supervised_tokens(lot), most=40)
    with torch.autocast("cpu", torch.bfloat16), packed_attention(model, varlen.NAME):
        losses, _ = token_losses(model, batch)
    with packed_attention(model, varlen.NAME):
        exact, _ = token_losses(model, batch)
    assert not torch.equal(losses, exact)
    torch.testing.assert_close(losses, exact, atol=0.1, rtol=0)


def test_a_kernel_is_used_only_if_it_agrees_there_and_back() -> None:
    assert varlen.agrees(one_by_one, **WIDE, **HERE)
    assert not varlen.agrees(looks_ahead, **WIDE, **HERE)
    assert not varlen.agrees(is_not_there, **WIDE, **HERE)


@pytest.mark.skipif(torch.cuda.is_available(), reason="is about machines without one")
def test_without_a_gpu_there_is_none() -> None:
    assert not varlen.agrees(varlen.torchs, **WIDE, **HERE)
    assert not varlen.agrees(varlen.flash_attns, **WIDE, **HERE)
    assert not varlen.offered(LlamaConfig(**SHAPE), **HERE)
    half = {**HERE, "dtype": torch.bfloat16}
    assert not varlen.offered(LlamaConfig(**SHAPE), **half)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_torchs_own_agrees() -> None:  # pragma: no cover - where there is one
    on_gpu: dict[str, Any] = {"dtype": torch.bfloat16, "device": torch.device("cuda")}
    assert varlen.agrees(varlen.torchs, heads=4, of_keys=2, size=64, **on_gpu)
