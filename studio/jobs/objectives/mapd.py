"""The loss of MAPD (FAIR): a mixture of two mean cross-entropies.

``L = alpha * CE(explanation) + (1 - alpha) * CE(rationale)``, each CE the mean over its own
supervised tokens of the whole optimiser step, so the mixture is exact however many tokens each
side has and however the step is cut into micro-batches.

Source: arXiv 2410.03663, released code. Role ``replay`` (the student's own right answers, kept in
the mix against forgetting) is ours and is pooled with ``rationale``. Data with one side only has
the plain mean of that side as its loss.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor

from studio.jobs.objectives.base import Batch, token_losses

if TYPE_CHECKING:
    from transformers import PreTrainedModel

EXPLAINING = ("explanation",)
SOLVING = ("rationale", "replay")


class Mapd:
    """The mixture of two means.

    Args:
        alpha: weight of the explanations, 0 to 1.
        roles: the roles in the data; where only one side is there, it counts whole.
    """

    name: ClassVar[str] = "mapd"

    def __init__(self, *, alpha: float, roles: Iterable[str]) -> None:
        present = set(roles)
        both = present & set(EXPLAINING) and present & set(SOLVING)
        self._weights = dict.fromkeys(EXPLAINING, alpha if both else 1.0)
        self._weights |= dict.fromkeys(SOLVING, 1 - alpha if both else 1.0)

    def loss(self, model: PreTrainedModel, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """Return this micro-batch's share of the step's loss, and of each role's mean CE.

        Source: arXiv 2410.03663, released code; one weighted pass instead of two.
        """
        losses, rows = token_losses(model, batch)
        weights = losses.new_tensor(
            [self._token_weight(role, batch.totals) for role in batch.roles]
        )
        parts: dict[str, float] = {}
        for role in set(batch.roles):
            is_role = losses.new_tensor([r == role for r in batch.roles])[rows]
            parts[role] = float((losses.detach() * is_role).sum()) / batch.totals[role]
        return (losses * weights[rows]).sum(), parts

    def after_step(self, step: int) -> None:
        """Nothing changes from step to step."""

    def _token_weight(self, role: str, totals: Mapping[str, int]) -> float:
        """Return the weight of one token: its side's share, over the side's tokens in the step."""
        side = EXPLAINING if role in EXPLAINING else SOLVING
        return self._weights[role] / sum(totals.get(one, 0) for one in side)
