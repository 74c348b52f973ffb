"""What a loss is to the training loop: a number per micro-batch, and its parts by role."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

if TYPE_CHECKING:
    from transformers import PreTrainedModel

IGNORED = -100  #: label of a token that is not learned


class Batch(NamedTuple):
    """A padded micro-batch.

    Attributes:
        input_ids: (batch, tokens).
        attention_mask: (batch, tokens), 1 where there is a token.
        labels: (batch, tokens), IGNORED for prompt and padding.
        roles: one per example, length batch.
        totals: supervised tokens per role of the whole optimiser step this is a part of.
    """

    input_ids: Tensor
    attention_mask: Tensor
    labels: Tensor
    roles: tuple[str, ...]
    totals: Mapping[str, int]

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        return self._replace(
            input_ids=self.input_ids.to(device),
            attention_mask=self.attention_mask.to(device),
            labels=self.labels.to(device),
        )


class Objective(Protocol):
    """One way to learn from a batch; its name is that of a method in ``studio.methods``."""

    name: ClassVar[str]

    def loss(self, model: PreTrainedModel, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """Return this micro-batch's share of the step's loss, and of each role's mean CE.

        Summed over the micro-batches of a step both are the step's own.
        """

    def after_step(self, step: int) -> None:
        """Take note that an optimiser step is done."""


def token_losses(model: PreTrainedModel, batch: Batch) -> tuple[Tensor, Tensor]:
    """Return the cross-entropy of each supervised token and the row it stands in.

    Shapes: both (supervised tokens,).
    """
    wanted = batch.labels[:, 1:] != IGNORED
    with _logits_only_at(model, wanted):
        logits = model(
            input_ids=batch.input_ids, attention_mask=batch.attention_mask, use_cache=False
        ).logits
    targets = batch.labels[:, 1:][wanted]
    exact = logits[0].to(torch.promote_types(logits.dtype, torch.float32))
    losses = cross_entropy(exact, targets, reduction="none")
    return losses, torch.nonzero(wanted)[:, 0]


@contextmanager
def _logits_only_at(model: Any, wanted: Tensor) -> Iterator[None]:
    """Let the model make logits where they are wanted only: they are a step's largest tensors.

    The output layer is handed the chosen positions as one row, ``(1, chosen, hidden)``. Whatever a
    model does to its logits afterwards (caps, scales) it does to each by itself, so it still holds.
    """

    def choose(layer: Any, given: tuple[Any, ...]) -> tuple[Any, ...]:
        hidden, *rest = given
        return hidden[:, :-1][wanted][None], *rest

    whole = getattr(model, "module", model)  # wrapped where several processes train together
    hook = whole.get_output_embeddings().register_forward_pre_hook(choose)
    try:
        yield
    finally:
        hook.remove()
