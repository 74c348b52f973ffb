"""A whole run beside a plain loop that shares nothing with ours, and its gradients beside differences."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoTokenizer

from studio.domain.specs import read_spec
from studio.jobs.batches import collate, collate_packed, supervised_tokens
from studio.jobs.objectives.mapd import Mapd
from studio.jobs.packing import packed_attention
from tests.jobs.conftest import MakeFolder, Row, events_of, examples, losses_of
from tests.jobs.test_packing import items, model
from tests.jobs.test_train import go, weights_in

__all__ = ["model"]

ALPHA, STEPS, LR, DECAY, CLIP, WARM = 0.3, 8, 2e-3, 0.1, 0.5, 2
#: All examples in every step: their order is then no part of the comparison.
SETTINGS = {
    "full": True, "epochs": STEPS, "batch_examples": 12, "batch_tokens": 128, "alpha": ALPHA, "lr": LR,
    "weight_decay": DECAY, "max_grad_norm": CLIP, "warmup": WARM / STEPS, "schedule": "cosine",
    "precision": "fp32",
}  # fmt: skip

STRIDE = 3e-5  #: of a difference; a norm in fp32, which Llama keeps in a model in fp64, leaves three digits


def plain_loss(model: Any, tokenizer: Any, rows: list[Row]) -> Tensor:
    """One example at a time, whole logits, torch's own loss, the mixture of methods.md 1.7."""
    explaining, solving = [], []
    for row in rows:
        asked, answer = (turn["content"] for turn in row["messages"])
        prompt = tokenizer.encode(f"<user>{asked}</s><assistant>")
        learned = tokenizer.encode(f"{answer}</s>")
        logits = model(input_ids=torch.tensor([prompt + learned])).logits[0, len(prompt) - 1 : -1]
        losses = cross_entropy(logits, torch.tensor(learned), reduction="none")
        (explaining if row["role"] == "explanation" else solving).append(losses)
    return ALPHA * torch.cat(explaining).mean() + (1 - ALPHA) * torch.cat(solving).mean()


def plain_run(weights: str, rows: list[Row]) -> tuple[list[float], dict[str, Tensor]]:
    model = AutoModelForCausalLM.from_pretrained(weights, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(weights)
    optimiser = torch.optim.AdamW(model.parameters(), weight_decay=DECAY, foreach=False)
    told = []
    for step in range(STEPS):
        done = (step - WARM) / (STEPS - WARM)
        rate = (step + 1) / WARM if step < WARM else (1 + math.cos(math.pi * done)) / 2
        optimiser.param_groups[0]["lr"] = LR * rate
        loss = plain_loss(model, tokenizer, rows)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimiser.step()
        told.append(loss.item())
    return told, {name: value.detach() for name, value in model.state_dict().items()}


@pytest.mark.parametrize("packing", ["off", "on"])
def test_a_run_has_the_losses_and_the_weights_of_a_plain_loop(
    make_folder: MakeFolder, packing: str
) -> None:
    rows = examples()
    folder = make_folder("train", {**SETTINGS, "packing": packing}, train=rows)
    go(folder)
    layout = events_of(folder, "started")[0].model_dump()["layout"]
    assert layout == {"off": "padded", "on": "packed"}[packing]
    spec: Any = read_spec(folder)
    losses, weights = plain_run(spec.student.location, rows)
    told = losses_of(folder)
    assert [told[n + 1]["loss"] for n in range(STEPS)] == pytest.approx(losses, abs=1e-5)
    assert losses[-1] < losses[0] - 0.1
    made = weights_in(folder, "model/model")
    for name, value in made.items():
        torch.testing.assert_close(value, weights[name], atol=1e-5, rtol=0)


@pytest.mark.parametrize("packed", [False, True])
def test_the_gradient_of_a_step_is_what_differences_say(model: Any, packed: bool) -> None:
    model, lot = model.double(), items()
    objective = Mapd(alpha=ALPHA, roles=("explanation", "rationale", "replay"))
    totals = supervised_tokens(lot)

    def loss() -> Tensor:
        if not packed:
            return objective.loss(model, collate(lot, pad=0, totals=totals))[0]
        with packed_attention(model):
            return objective.loss(model, collate_packed(lot, totals=totals, most=40))[0]

    values = [value for value in model.parameters() if value.requires_grad]
    gradients = torch.autograd.grad(loss(), values)
    chance = torch.Generator().manual_seed(731)
    for _ in range(3):
        way = [torch.randn(value.shape, generator=chance, dtype=value.dtype) for value in values]
        ends = []
        for by in (STRIDE, -STRIDE):
            with torch.no_grad():
                for value, along in zip(values, way, strict=True):
                    value.add_(along, alpha=by)
                ends.append(loss().item())
                for value, along in zip(values, way, strict=True):
                    value.sub_(along, alpha=by)
        slope = sum(float((g * along).sum()) for g, along in zip(gradients, way, strict=True))
        assert slope == pytest.approx((ends[0] - ends[1]) / (2 * STRIDE), rel=1e-3, abs=1e-4)
