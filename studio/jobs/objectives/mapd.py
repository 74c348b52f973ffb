"""The loss of MAPD (FAIR): a mixture of two mean cross-entropies.

``L = alpha * CE(explanation) + (1 - alpha) * CE(rationale)``, each CE the mean over its own
supervised tokens of the whole optimiser step, so the mixture is exact however many tokens each
side has and however the step is cut into micro-batches.

Source: arXiv 2410.03663, released code. Role ``replay`` (the student's own right answers, kept in
the mix against forgetting) is ours and is pooled with ``rationale``. Data with one side only has
the plain mean of that side as its loss; where the data has both, a step that happens to hold one
keeps that side's weight, so that no example counts more for standing there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from studio.domain.errors import SpecError
from studio.jobs.objectives.base import Batch, sent, token_losses

if TYPE_CHECKING:
    from transformers import PreTrainedModel

EXPLAINING = ("explanation",)
SOLVING = ("rationale", "replay")


class Mapd:
    """The mixture of two means.

    Args:
        alpha: weight of the explanations, 0 to 1.
        roles: the roles in the data; where only one side is there, it counts whole.

    Raises:
        SpecError: the data holds a role that this loss has no place for.
    """

    name: ClassVar[str] = "mapd"

    def __init__(self, *, alpha: float, roles: Iterable[str]) -> None:
        present = set(roles)
        if strange := sorted(present - {*EXPLAINING, *SOLVING}):
            raise SpecError(f"method mapd knows no role {strange[0]!r}: build the dataset with it")
        both = present & set(EXPLAINING) and present & set(SOLVING)
        self._weights = dict.fromkeys(EXPLAINING, alpha if both else 1.0)
        self._weights |= dict.fromkeys(SOLVING, 1 - alpha if both else 1.0)

    def loss(self, model: PreTrainedModel, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return this micro-batch's share of the step's loss, and of each role's mean CE.

        Source: arXiv 2410.03663, released code; one weighted pass instead of two.
        """
        losses, rows = token_losses(model, batch)
        each = [self._token_weight(role, batch.totals) for role in batch.roles]
        weights = sent(torch.tensor(each, dtype=losses.dtype), losses.device)
        return (losses * weights[rows]).sum(), _means(losses.detach(), rows, batch)

    def after_step(self, step: int) -> None:
        """Nothing changes from step to step."""

    def _token_weight(self, role: str, totals: Mapping[str, int]) -> float:
        """Return the weight of one token: its side's share, over the side's tokens in the step."""
        side = EXPLAINING if role in EXPLAINING else SOLVING
        return self._weights[role] / sum(totals.get(one, 0) for one in side)


def _means(losses: Tensor, rows: Tensor, batch: Batch) -> dict[str, Tensor]:
    """Return the batch's share of each role's mean cross-entropy in the step."""
    sums = losses.new_zeros(len(batch.roles)).index_add_(0, rows, losses)
    means = dict.fromkeys(batch.roles, losses.new_zeros(()))
    for role, value in zip(batch.roles, sums.unbind(), strict=True):
        means[role] = means[role] + value / batch.totals[role]
    return means
