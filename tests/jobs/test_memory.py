"""The memory estimate against what autograd really keeps, on another shape than it was fitted to."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, T5Config, T5ForConditionalGeneration

from studio.domain.dealing import Load
from studio.domain.memory import estimate, shape_of
from studio.domain.specs import train_spec
from studio.jobs.batches import Item, collate
from studio.jobs.objectives.base import Batch, token_losses
from studio.jobs.packing import attention
from studio.jobs.trainable import _with_lora

TOKENS = 384


def kept_bytes(model: Any, batch: Batch) -> int:
    """Return the bytes that one forward pass keeps for its way back, weights apart."""
    own = {value.untyped_storage().data_ptr() for value in model.parameters()}
    sizes: dict[int, int] = {}
    alive: list[torch.Tensor] = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        alive.append(tensor)
        if storage.data_ptr() not in own:
            sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        token_losses(model, batch)
    return sum(sizes.values())


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize(("full", "dropout"), [(False, 0.05), (False, 0.0), (True, 0.0)])
def test_activations_are_right_within_fifteen_percent(
    full: bool, dropout: float, plain: bool, half: bool
) -> None:
    config = LlamaConfig(
        hidden_size=192, intermediate_size=512, num_hidden_layers=5, num_attention_heads=6,
        num_key_value_heads=3, vocab_size=300, max_position_embeddings=512,
    )  # fmt: skip
    spec = train_spec({"student": {"location": "x"}, "full": full, "lora": {"dropout": dropout},
                       "precision": "bf16" if half else "fp32"})  # fmt: skip
    model: Any = LlamaForCausalLM(config)
    if not full:
        model = _with_lora(model.bfloat16() if half else model, spec)
        for value in model.parameters():
            if value.requires_grad:
                value.data = value.data.float()
    model.config.use_cache = False
    ids = torch.randint(0, 300, (3, TOKENS // 3))
    labels = ids.clone()
    labels[:, :100] = -100
    batch = Batch(ids, torch.ones_like(ids), labels, ("rationale",) * 3, {"rationale": 1})
    learned = int((labels[:, 1:] != -100).sum())
    with (
        attention(model, "eager" if plain else "sdpa"),
        torch.autocast("cpu", torch.bfloat16, enabled=half),
    ):
        measured = kept_bytes(model.train(), batch)
    measured -= learned * 300 * (2 if half else 4)  # but for the log-probabilities
    trained = sum(value.numel() for value in model.parameters() if value.requires_grad)
    if half:  # copies of what is trained
        measured -= 2 * (trained - (300 * 192 if full else 0))

    shape = shape_of(config.to_dict())
    assert shape is not None
    tensors = {
        name: tuple(value.shape) for name, value in LlamaForCausalLM(config).named_parameters()
    }
    load = Load(TOKENS, learned, TOKENS // 3)
    found = estimate(shape, tensors, spec, load=load, on_gpu=not plain)
    told = {need.name: need.bytes for need in found.needs}
    assert told["activations"] == pytest.approx(measured, rel=0.15)
    assert told["optimiser"] == 8 * trained
    assert told["gradients"] == (6 if half else 4) * trained


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize(("full", "dropout", "gated"), [(False, 0.05, True), (False, 0.0, False), (True, 0.0, True)])  # fmt: skip
def test_an_encoder_decoder_is_foretold_as_well(
    full: bool, dropout: float, gated: bool, half: bool
) -> None:
    asked, said, lot = 70, 50, 3
    config = T5Config(
        vocab_size=300, d_model=160, d_kv=32, d_ff=448, num_layers=3, num_decoder_layers=4, num_heads=5,
        decoder_start_token_id=0, pad_token_id=0, eos_token_id=1, dropout_rate=0.1,
        feed_forward_proj="gated-gelu" if gated else "relu",
    )  # fmt: skip
    spec = train_spec({"student": {"location": "x"}, "full": full, "lora": {"dropout": dropout},
                       "precision": "bf16" if half else "fp32"})  # fmt: skip
    model: Any = T5ForConditionalGeneration(config)
    tensors = {name: tuple(value.shape) for name, value in model.named_parameters()}
    if not full:
        model = _with_lora(model.bfloat16() if half else model, spec)
        for value in model.parameters():
            if value.requires_grad:
                value.data = value.data.float()
    model.config.use_cache = False
    items = [Item(torch.randint(2, 300, (asked + said,)).tolist(), asked, "rationale")] * lot
    batch = collate(items, pad=0, totals=Counter(rationale=1), start=0)
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        measured = kept_bytes(model.train(), batch)
    size = 2 if half else 4
    trained = sum(v.numel() for v in model.parameters() if v.requires_grad and v.dim() == 2)
    measured -= lot * said * 300 * size + (2 * trained if half else 0)  # logits, and copies in bf16

    shape = shape_of(config.to_dict())
    assert shape is not None
    load = Load(lot * (asked + said), lot * said, asked + said)
    told = {need.name: need.bytes for need in estimate(shape, tensors, spec, load=load, on_gpu=False).needs}  # fmt: skip
    assert told["activations"] == pytest.approx(measured, rel=0.1)
