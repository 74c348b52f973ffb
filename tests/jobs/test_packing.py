"""Examples in one row: the losses and gradients are those of each example by itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import (
    BloomConfig,
    BloomForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
)

from studio.domain.dealing import cheapest_cuts, micro_batches
from studio.domain.specs import StudentSpec, TrainSpec
from studio.jobs.batches import Item, collate, collate_packed, supervised_tokens
from studio.jobs.objectives.base import token_losses
from studio.jobs.objectives.mapd import Mapd
from studio.jobs.packing import is_exact, packed_attention
from tests.jobs.conftest import Jobs, MakeFolder, events_of, examples, losses_of
from tests.jobs.test_train import SETTINGS, go

SHAPE: dict[str, Any] = {
    "vocab_size": 64, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128,
}  # fmt: skip


def items(lengths: tuple[int, ...] = (3, 4, 4, 9, 17, 30)) -> list[Item]:
    chance = torch.Generator().manual_seed(731)
    roles = ("explanation", "rationale", "replay")
    return [
        Item(torch.randint(64, (n,), generator=chance).tolist(), max(1, n // 3), roles[i % 3])
        for i, n in enumerate(lengths)
    ]


@pytest.fixture(params=["llama", "mistral", "gpt2"])
def model(request: pytest.FixtureRequest) -> Any:
    torch.manual_seed(731)
    match request.param:
        case "llama":
            made: Any = LlamaForCausalLM(LlamaConfig(**SHAPE))
        case "mistral":  # sees eight tokens back
            made = MistralForCausalLM(MistralConfig(**SHAPE, head_dim=8, sliding_window=8))
        case _:
            made = GPT2LMHeadModel(
                GPT2Config(vocab_size=64, n_positions=128, n_embd=32, n_layer=2, n_head=4)
            )
    return made.eval()


def alone(model: Any, alpha: float) -> Tensor:
    """The loss of a plain implementation: one example at a time, whole logits, torch's own loss."""
    sides: dict[bool, list[Tensor]] = {True: [], False: []}
    for item in items():
        logits = model(input_ids=torch.tensor([item.ids])).logits[0, item.prompt - 1 : -1]
        right = torch.tensor(item.ids[item.prompt :])
        losses = cross_entropy(logits, right, reduction="none")
        sides[item.role == "explanation"].append(losses)
    explaining, solving = (torch.cat(sides[side]).mean() for side in (True, False))
    return alpha * explaining + (1 - alpha) * solving


def in_a_row(model: Any, lot: list[Item], *, most: int) -> Tensor:
    objective = Mapd(alpha=0.3, roles=("explanation", "rationale", "replay"))
    batch = collate_packed(lot, totals=supervised_tokens(lot), most=most)
    with packed_attention(model):
        return objective.loss(model, batch)[0]


@pytest.mark.parametrize("most", [16, 40, 4096])
def test_loss_and_gradient_of_a_row_are_those_of_each_example_alone(model: Any, most: int) -> None:
    plain, packed = alone(model, 0.3), in_a_row(model, items(), most=most)
    assert packed.item() == pytest.approx(plain.item(), abs=1e-5)
    gradients = [torch.autograd.grad(loss, list(model.parameters())) for loss in (plain, packed)]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_one_step_of_the_optimiser_is_the_same_too(model: Any) -> None:
    after = []
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for loss_of in (lambda: alone(model, 0.3), lambda: in_a_row(model, items(), most=40)):
        model.load_state_dict(before)
        optimiser = torch.optim.SGD(model.parameters(), lr=0.5)
        optimiser.zero_grad()
        loss_of().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.3)
        optimiser.step()
        after.append({name: value.clone() for name, value in model.state_dict().items()})
    for name, value in after[0].items():
        torch.testing.assert_close(after[1][name], value, atol=1e-5, rtol=0)


def test_no_example_sees_another(model: Any) -> None:
    lot = items()
    batch = collate_packed(lot, totals=supervised_tokens(lot), most=40)
    with packed_attention(model), torch.no_grad():
        losses, rows = token_losses(model, batch)
        for changed, item in enumerate(lot):
            others = [*lot]
            others[changed] = item._replace(ids=[(token + 7) % 64 for token in item.ids])
            again, _ = token_losses(
                model, collate_packed(others, totals=supervised_tokens(lot), most=40)
            )
            same = rows != changed
            torch.testing.assert_close(again[same], losses[same], atol=1e-6, rtol=0)
            assert not torch.allclose(again[~same], losses[~same], atol=1e-3)


@pytest.mark.parametrize(
    ("model", "packs"),
    [
        (LlamaForCausalLM(LlamaConfig(**SHAPE)), True),
        (Gemma2ForCausalLM(Gemma2Config(**SHAPE, head_dim=8)), False),  # caps what attention sees
        (BloomForCausalLM(BloomConfig(vocab_size=64, hidden_size=32, n_layer=1, n_head=4)), False),
    ],
)
def test_a_model_that_cannot_be_packed_exactly_is_found_out(model: Any, packs: bool) -> None:
    lot = items()

    def losses(packed: bool) -> Tensor:
        totals = supervised_tokens(lot)
        batch = (
            collate_packed(lot, totals=totals, most=40)
            if packed
            else collate(lot, pad=0, totals=totals)
        )
        return token_losses(model, batch)[0]

    before = model.config._attn_implementation
    assert is_exact(model, losses) is packs
    assert model.config._attn_implementation == before


@pytest.mark.parametrize("settings", [{}, {"full": True, "gradient_checkpointing": True}])
def test_a_packed_run_has_the_losses_of_a_padded_one(
    make_folder: MakeFolder, settings: dict[str, Any]
) -> None:
    told = []
    for packing in ("off", "on"):
        plain = {**SETTINGS, "lora": {"r": 4, "dropout": 0}, **settings, "packing": packing}
        folder = make_folder("train", plain, name=packing, train=examples(), validation=examples(3))
        go(folder)
        layout = events_of(folder, "started")[0].model_dump()["layout"]
        assert layout == {"off": "padded", "on": "packed"}[packing]
        told.append(losses_of(folder))
    assert told[0].keys() == told[1].keys()
    for step, said in told[0].items():
        assert told[1][step] == pytest.approx(said, abs=1e-5)
    config = (folder / "artifacts").glob("*/config.json")
    assert not any("mapd_packed" in path.read_text() for path in config)


@pytest.mark.skipif(os.name == "nt", reason="forks")
@pytest.mark.parametrize("full", [True, False])
def test_a_run_in_half_precision_is_packed_whatever_its_weights_are_kept_in(
    make_folder: MakeFolder, jobs: Jobs, full: bool
) -> None:
    settings = {**SETTINGS, "packing": "on", "precision": "bf16", "full": full}
    folder = make_folder("train", settings, train=examples())
    assert jobs.run(folder) == 0
    assert events_of(folder, "started")[0].model_dump()["layout"] == "packed"


def test_rows_hold_what_the_budget_allows() -> None:
    spec = TrainSpec(student=StudentSpec(location=str(Path("x"))), batch_tokens=32)
    rows = list(micro_batches(items(), spec, packed=True))
    assert [[len(item.ids) for item in row] for row in rows] == [[3, 4, 4, 9], [17], [30]]


def test_pieces_are_cut_where_padding_costs_more_than_one_more() -> None:
    assert cheapest_cuts([5, 5, 50], most=4096, each=1000) == [range(3)]
    assert cheapest_cuts([5, 5, 50], most=4096, each=10) == [range(2), range(2, 3)]
    assert cheapest_cuts([5, 5, 50], most=20, each=1000) == [range(2), range(2, 3)]
