"""What a loss is to the training loop: a number per micro-batch, and its parts by role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

if TYPE_CHECKING:
    from transformers import PreTrainedModel

IGNORED = -100  #: label of a token that is not learned
_RESCALES_LOGITS = (
    "final_logit_softcapping",
    "logit_scale",
    "logits_scaling",
    "lm_head_multiplier",
)


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

    Logits are made for supervised positions only: they are the largest tensors of a step. Shapes:
    both (supervised tokens,).
    """
    wanted = batch.labels[:, 1:] != IGNORED
    targets = batch.labels[:, 1:][wanted]
    rows = torch.nonzero(wanted)[:, 0]
    whole: Any = model
    inner: Any = whole.get_base_model() if hasattr(whole, "get_base_model") else whole
    head: Any = inner.get_output_embeddings() if hasattr(inner, "get_output_embeddings") else None
    body: Any = getattr(inner, inner.base_model_prefix, None)
    rescaled = any(getattr(inner.config, name, None) for name in _RESCALES_LOGITS)
    if head is None or body is None or body is inner or rescaled:
        logits = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
        chosen = logits[:, :-1][wanted]
    else:
        out = body(input_ids=batch.input_ids, attention_mask=batch.attention_mask, use_cache=False)
        chosen = head(out.last_hidden_state[:, :-1][wanted])
    return cross_entropy(chosen.float(), targets, reduction="none"), rows
