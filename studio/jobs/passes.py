"""Passes over the examples of a step: forward, backward, and the losses they add up to.

Here is decided how a step is laid out: packed in rows or padded by length, whichever is faster on
the device and exact for the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from studio.jobs import packing
from studio.jobs.batches import Item, collate, collate_packed, micro_batches, supervised_tokens
from studio.jobs.objectives.base import Batch, token_losses

if TYPE_CHECKING:
    from accelerate import Accelerator

    from studio.domain.specs import TrainSpec
    from studio.jobs.objectives.base import Objective
    from studio.jobs.student import Student

SHORT = 512  #: tokens; up to here plain attention is the fastest on a CPU
_SAMPLE = 4  #: examples that are asked whether a model packs exactly


class Passes:
    """Goes over the examples of a step.

    Args:
        model: the student's, as ``accelerate`` prepared it.
        items: the examples it will meet.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        model: Any,
        *,
        student: Student,
        objective: Objective,
        spec: TrainSpec,
        items: Sequence[Item],
    ) -> None:
        self._accelerator, self._model = accelerator, model
        self._student, self._objective, self._spec = student, objective, spec
        self.packed = self._packs(items)
        self._plain = (
            accelerator.device.type == "cpu" and max(len(item.ids) for item in items) <= SHORT
        )

    @property
    def layout(self) -> str:
        """How a step is laid out, in one word."""
        return "packed" if self.packed else "padded"

    @property
    def process(self) -> int:
        """The number of this process, of all that train together."""
        return int(self._accelerator.process_index)

    @property
    def processes(self) -> int:
        """How many train together."""
        return int(self._accelerator.num_processes)

    def over(self, items: Sequence[Item], *, learn: bool) -> dict[str, float]:
        """Go over examples as one step; returns the loss and the mean loss of each role.

        Each process takes its share of the examples; the loss is that of all of them.
        """
        totals, n = supervised_tokens(items), self._accelerator.num_processes
        names = ("loss", *(f"loss_{role}" for role in sorted(totals)))
        values = dict.fromkeys(names, torch.zeros((), device=self._accelerator.device))
        own = items[self._accelerator.process_index :: n]
        micros = list(micro_batches(own, self._spec, packed=self.packed))
        with self._attention():
            for micro in micros:
                batch = self._batch(micro, totals).to(self._accelerator.device)
                with self._alone(wait=learn and micro is not micros[-1]):
                    with self._accelerator.autocast():
                        share, roles = self._objective.loss(self._model, batch)
                    if learn:  # gradients are averaged over processes
                        self._accelerator.backward(share * n)
                values["loss"] = values["loss"] + share.detach()
                for role, value in roles.items():
                    values[f"loss_{role}"] = values[f"loss_{role}"] + value
        return self.summed(values)

    def agreed(self, wish: bool) -> bool:
        """Return whether any process wishes it: all must leave the loop at the same step."""
        return self.summed({"wish": torch.tensor(float(wish))})["wish"] > 0

    def _batch(self, micro: Sequence[Item], totals: Any) -> Batch:
        if self.packed:
            return collate_packed(micro, totals=totals, most=self._spec.batch_tokens)
        return collate(
            micro, pad=self._student.pad_id, totals=totals, start=self._student.answer_start
        )

    def _alone(self, *, wait: bool) -> AbstractContextManager[Any]:
        return self._accelerator.no_sync(self._model) if wait else nullcontext()

    @contextmanager
    def _attention(self) -> Iterator[None]:
        """Use the attention that fits the layout."""
        with ExitStack() as stack:
            if self.packed:
                stack.enter_context(packing.packed_attention(self._model))
            elif self._plain:
                stack.enter_context(packing.attention(self._model, "eager"))
            yield

    def summed(self, values: dict[str, Tensor]) -> dict[str, float]:
        """Return values summed over all processes."""
        own = torch.stack([value.float() for value in values.values()])
        if self._accelerator.num_processes > 1:
            own = self._accelerator.reduce(own.to(self._accelerator.device))
        return dict(zip(values, own.tolist(), strict=True))

    def _packs(self, items: Sequence[Item]) -> bool:
        """Return whether to pack: wished for, or a GPU's way; and the model's losses stay."""
        wish = self._spec.packing
        if self._student.answer_start is not None or wish == "off":
            return False
        if wish == "auto" and self._accelerator.device.type == "cpu":
            return False  # by length there is hardly any padding, and a matrix is a matrix
        few = sorted(items, key=lambda item: len(item.ids))[:: max(1, len(items) // _SAMPLE)]
        few = few[:_SAMPLE]

        def losses(packed: bool) -> Tensor:
            totals = supervised_tokens(few)
            batch = (
                collate_packed(few, totals=totals, most=self._spec.batch_tokens)
                if packed
                else collate(few, pad=self._student.pad_id, totals=totals)
            )
            with self._accelerator.autocast():
                found, _ = token_losses(self._model, batch.to(self._accelerator.device))
            return found

        return packing.is_exact(self._model, losses)
