"""The loss of methods.md 1.7: exact mixture, in one pass, of supervised tokens only."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import Tensor
from torch.nn.functional import cross_entropy

from studio.domain.errors import SpecError
from studio.jobs.batches import Item, collate, supervised_tokens
from studio.jobs.objectives import base
from studio.jobs.objectives.base import Batch
from studio.jobs.objectives.mapd import Mapd
from studio.jobs.passes import prepared
from studio.jobs.student import Student

ROLES = ("explanation", "rationale", "replay")
ITEMS = [
    Item([5, 9, 30, 41, 52, 60, 1], 3, "explanation"),
    Item([7, 8, 33, 1], 2, "explanation"),
    Item([5, 9, 12, 30, 44, 1], 4, "rationale"),
    Item([6, 100, 101, 102, 103, 104, 105, 106, 1], 1, "rationale"),
    Item([11, 12, 13, 1], 2, "replay"),
]


@pytest.fixture
def model(student: Student) -> Any:
    return copy.deepcopy(student.model).double()


def batch_of(items: list[Item], *, totals: Counter[str] | None = None) -> Batch:
    return collate(items, pad=0, totals=totals or supervised_tokens(items))


def mean_ce(model: Any, items: list[Item]) -> Tensor:
    """Mean cross-entropy over all learned tokens, one example at a time: nothing padded."""
    losses = []
    for item in items:
        logits = model(input_ids=torch.tensor([item.ids])).logits[0, item.prompt - 1 : -1]
        losses.append(
            cross_entropy(logits, torch.tensor(item.ids[item.prompt :]), reduction="none")
        )
    return torch.cat(losses).mean()


def apart(model: Any, alpha: float) -> Tensor:
    explaining = [item for item in ITEMS if item.role == "explanation"]
    solving = [item for item in ITEMS if item.role != "explanation"]
    return alpha * mean_ce(model, explaining) + (1 - alpha) * mean_ce(model, solving)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.5, 1.0])
def test_one_weighted_pass_equals_two_passes(model: Any, alpha: float) -> None:
    loss, parts = Mapd(alpha=alpha, roles=ROLES).loss(model, batch_of(ITEMS))
    torch.testing.assert_close(loss, apart(model, alpha), atol=1e-9, rtol=0)
    for role in ROLES:
        alone = mean_ce(model, [item for item in ITEMS if item.role == role])
        assert parts[role].item() == pytest.approx(alone.item(), abs=1e-9)


def test_gradients_of_one_pass_equal_those_of_two(model: Any) -> None:
    loss, _ = Mapd(alpha=0.3, roles=ROLES).loss(model, batch_of(ITEMS))
    together = torch.autograd.grad(loss, list(model.parameters()))
    separate = torch.autograd.grad(apart(model, 0.3), list(model.parameters()))
    for one, other in zip(together, separate, strict=True):
        torch.testing.assert_close(one, other, atol=1e-9, rtol=1e-6)


def test_micro_batches_of_any_cut_add_up_to_the_step(model: Any) -> None:
    objective, totals = Mapd(alpha=0.3, roles=ROLES), supervised_tokens(ITEMS)
    whole, parts = objective.loss(model, batch_of(ITEMS))
    for cut in (1, 2, 4):
        shares = [
            objective.loss(model, batch_of(items, totals=totals))
            for items in (ITEMS[:cut], ITEMS[cut:])
        ]
        torch.testing.assert_close(shares[0][0] + shares[1][0], whole, atol=1e-9, rtol=0)
        for role, value in parts.items():
            summed = sum(float(roles.get(role, 0)) for _, roles in shares)
            assert summed == pytest.approx(value.item())


def test_padding_has_no_influence(model: Any) -> None:
    objective = Mapd(alpha=0.5, roles=ROLES)
    batch = batch_of(ITEMS)
    loss, _ = objective.loss(model, batch)
    strange = batch._replace(
        input_ids=torch.where(batch.attention_mask == 1, batch.input_ids, torch.tensor(77))
    )
    torch.testing.assert_close(objective.loss(model, strange)[0], loss)
    longer = batch._replace(
        input_ids=torch.nn.functional.pad(batch.input_ids, (0, 5), value=3),
        attention_mask=torch.nn.functional.pad(batch.attention_mask, (0, 5)),
        labels=torch.nn.functional.pad(batch.labels, (0, 5), value=-100),
    )
    torch.testing.assert_close(objective.loss(model, longer)[0], loss)


def test_no_prompt_token_is_learned(model: Any) -> None:
    # Without attention a token's logits follow from the token before it alone: what stands earlier
    # in the prompt can then have an influence only by being learned itself.
    for layer in model.model.layers:
        torch.nn.init.zeros_(layer.self_attn.o_proj.weight)
    objective = Mapd(alpha=0.5, roles=ROLES)
    loss, _ = objective.loss(model, batch_of(ITEMS))
    others = [
        item._replace(ids=[99] * (item.prompt - 1) + item.ids[item.prompt - 1 :]) for item in ITEMS
    ]
    assert others != ITEMS
    torch.testing.assert_close(objective.loss(model, batch_of(others))[0], loss)


def test_the_end_of_an_answer_is_learned(model: Any) -> None:
    objective = Mapd(alpha=0.5, roles=["rationale"])
    ending = [Item([5, 6, 7, 1], 2, "rationale")]
    without = [Item([5, 6, 7], 2, "rationale")]
    losses = [objective.loss(model, batch_of(items))[0].item() for items in (ending, without)]
    assert losses[0] != pytest.approx(losses[1])


@pytest.mark.parametrize("role", ["explanation", "rationale", "replay"])
def test_data_with_one_side_only_has_its_plain_mean_as_loss(model: Any, role: str) -> None:
    items = [item._replace(role=role) for item in ITEMS]
    loss, _ = Mapd(alpha=0.3, roles=[role]).loss(model, batch_of(items))
    torch.testing.assert_close(loss, mean_ce(model, items), atol=1e-9, rtol=0)


def test_logits_are_made_for_learned_positions_only(model: Any) -> None:
    seen: list[tuple[int, ...]] = []
    head = model.get_output_embeddings()
    hook = head.register_forward_hook(lambda layer, given, made: seen.append(made.shape))
    Mapd(alpha=0.5, roles=ROLES).loss(model, batch_of(ITEMS))
    hook.remove()
    learned = sum(item.supervised for item in ITEMS)
    assert seen == [(1, learned, model.config.vocab_size)]


def test_a_role_of_another_method_is_refused() -> None:
    with pytest.raises(SpecError, match="no role 'negative'"):
        Mapd(alpha=0.5, roles=["rationale", "negative"])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_losses_made_in_pieces_are_torchs_own(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype
) -> None:
    monkeypatch.setattr(base, "_PIECE", {True: 3 * 50})  # three rows at a time
    logits = (torch.randn(11, 50) * 4).to(dtype).requires_grad_()
    targets, weights = torch.randint(50, (11,)), torch.rand(11)
    own = base._TokenLosses.apply(logits, targets)
    usual = cross_entropy(logits.float(), targets, reduction="none")
    torch.testing.assert_close(own, usual, atol=1e-5, rtol=0)
    gradients = [torch.autograd.grad((each * weights).sum(), logits)[0] for each in (own, usual)]
    close = 1e-6 if dtype == torch.float32 else 8e-3  # bf16 has three digits
    torch.testing.assert_close(*gradients, atol=close, rtol=0)


@pytest.fixture
def anew() -> Iterator[None]:
    """Of accelerate there is one state a process."""
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.usefixtures("anew")
def test_in_bf16_no_second_copy_of_the_logits_is_made_in_fp32(student: Student) -> None:
    model = copy.deepcopy(student.model)
    accelerator = Accelerator(cpu=True, mixed_precision="bf16")
    ready = prepared(accelerator, model, shared=False)
    batch = batch_of(ITEMS)
    with accelerator.autocast():
        assert ready(**batch.given()).logits.dtype == torch.bfloat16
        loss, _ = Mapd(alpha=0.5, roles=ROLES).loss(ready, batch)
    accelerator.backward(loss)
    assert loss.dtype == torch.float32
    told = [value.grad.clone() for value in model.parameters() if value.grad is not None]
    model.zero_grad()
    exact, _ = Mapd(alpha=0.5, roles=ROLES).loss(model, batch)
    exact.backward()
    assert loss.item() == pytest.approx(exact.item(), rel=0.01)
    for grad, right in zip(told, (v.grad for v in model.parameters()), strict=True):
        assert right is not None
        assert (grad - right).norm() < 0.05 * right.norm()
