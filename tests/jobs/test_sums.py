"""Students that sum up what they have read, beside keys and values or instead of them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from transformers import (
    AutoModelForCausalLM,
    FalconH1Config,
    Gemma3TextConfig,
    Lfm2Config,
    MambaConfig,
    OpenAIGPTConfig,
    OpenAIGPTLMHeadModel,
    Qwen3_5TextConfig,
)

from studio.domain.errors import StudentError
from studio.domain.specs import GenerateSpec, StudentSpec, TrainSpec
from studio.jobs.batches import Item, collate, supervised_tokens
from studio.jobs.decode import Reply, decode
from studio.jobs.generate import Asked, batches
from studio.jobs.objectives.base import token_losses
from studio.jobs.objectives.mapd import Mapd
from studio.jobs.passes import Passes
from studio.jobs.student import Student, load_student

SHAPE: dict[str, Any] = {
    "vocab_size": 258, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 4,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256,
    "pad_token_id": 0,
}  # fmt: skip
LINEAR: dict[str, Any] = {
    "linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
}  # fmt: skip
MIXED: dict[str, Any] = {"mamba_d_ssm": 32, "mamba_n_heads": 4, "mamba_d_head": 8,
                         "mamba_d_state": 8, "mamba_n_groups": 1}  # fmt: skip
CONFIGS = [
    Lfm2Config(**SHAPE, layer_types=["conv", "full_attention", "conv", "full_attention"]),
    Qwen3_5TextConfig(**SHAPE, head_dim=8, **LINEAR),
    FalconH1Config(**SHAPE, head_dim=8, **MIXED),
    MambaConfig(vocab_size=258, hidden_size=32, state_size=8, num_hidden_layers=2, pad_token_id=0),
    Gemma3TextConfig(**SHAPE, head_dim=8, sliding_window=8),  # keys and values, not all of them
]
NEW = 20


@pytest.fixture(params=CONFIGS, ids=lambda config: config.model_type)
def unlike(request: pytest.FixtureRequest, student: Student) -> Student:
    """A student of another make, of random weights large enough for answers that differ."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(request.param).eval()
    with torch.no_grad():
        for value in model.parameters():
            if value.dim() > 1:
                value.mul_(4)
    return student._replace(model=model)


def prompts() -> list[list[int]]:
    chance = torch.Generator().manual_seed(3)
    return [torch.randint(3, 250, (n,), generator=chance).tolist() for n in (5, 14, 9, 3)]


def theirs(model: Any, prompt: list[int]) -> list[int]:
    ids = torch.tensor([prompt])
    mask = torch.ones_like(ids)
    model.generation_config.eos_token_id = None
    made = model.generate(input_ids=ids, attention_mask=mask, max_new_tokens=NEW, do_sample=False)
    return list(made[0, len(prompt) :].tolist())


def until(ids: list[int], stops: frozenset[int]) -> list[int]:
    end = next((n for n, token in enumerate(ids) if token in stops), len(ids))
    return ids[:end]


def test_answers_are_those_of_transformers_whoever_sits_beside_and_leaves(unlike: Student) -> None:
    model: Any = unlike.model
    right = [theirs(model, prompt) for prompt in prompts()]
    model.generation_config.eos_token_id = right[1][4]  # some end while others go on
    expected = [until(ids, unlike.stops) for ids in right]
    assert len({len(ids) for ids in expected}) > 1
    together = decode(unlike, prompts(), max_new_tokens=NEW)
    assert together == [Reply(ids, ended=len(ids) < NEW) for ids in expected]
    asked = [Asked(str(n), ids) for n, ids in enumerate(prompts())]
    spec = GenerateSpec(student=StudentSpec(location="x"), batch_tokens=64)
    assert sum(map(len, batches(asked, unlike, spec))) == len(asked)


def test_losses_of_a_padded_batch_are_those_of_each_example_alone(unlike: Student) -> None:
    lot = [Item(ids, 2, "rationale") for ids in prompts()]
    losses, rows = token_losses(unlike.model, collate(lot, pad=0, totals=supervised_tokens(lot)))
    for n, item in enumerate(lot):
        alone = collate([item], pad=0, totals=supervised_tokens([item]))
        torch.testing.assert_close(losses[rows == n], token_losses(unlike.model, alone)[0])


def test_what_carries_a_sum_from_token_to_token_is_not_packed(unlike: Student) -> None:
    lot = [Item(ids, 2, "rationale") for ids in prompts()]
    spec = TrainSpec(student=StudentSpec(location="x"), packing="on")
    accelerator = Accelerator(cpu=True)
    objective = Mapd(alpha=0.5, roles=["rationale"])
    passes = Passes(
        accelerator, unlike.model, student=unlike, objective=objective, spec=spec, items=lot
    )
    assert passes.packed == (unlike.model.config.model_type == "gemma3_text")


def test_what_cannot_go_on_from_what_it_has_read_is_refused(weights: Path, tmp_path: Path) -> None:
    folder = tmp_path / "old"
    shutil.copytree(weights, folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    config = OpenAIGPTConfig(vocab_size=258, n_embd=16, n_layer=1, n_head=2)
    OpenAIGPTLMHeadModel(config).save_pretrained(folder)
    with pytest.raises(StudentError, match="cannot go on from what it has read"):
        load_student(StudentSpec(location=str(folder)), beside=tmp_path, dtype=torch.float32)
