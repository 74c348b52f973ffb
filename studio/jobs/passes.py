"""Passes over the examples of a step: forward, backward, and the losses they add up to.

Here is decided how a step is laid out: packed in rows or padded by length, whichever is faster on
the device and exact for the model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from studio.domain.dealing import micro_batches
from studio.domain.memory_of_layers import PLAIN_UP_TO
from studio.jobs import packing, varlen
from studio.jobs.batches import Item, collate, collate_packed, supervised_tokens
from studio.jobs.objectives.base import Batch, token_losses
from studio.jobs.room import sums_up
from studio.jobs.student import DTYPES

if TYPE_CHECKING:
    from accelerate import Accelerator

    from studio.domain.specs import TrainSpec
    from studio.jobs.objectives.base import Objective
    from studio.jobs.student import Student

_SAMPLE = 4  #: examples that are asked whether a model packs exactly


def wished(accelerator: Accelerator, wish: bool) -> bool:
    """Return whether any process wishes something; the same in all of them."""
    if accelerator.num_processes == 1:
        return wish
    told = accelerator.reduce(torch.tensor(float(wish), device=accelerator.device))
    return bool(told.item() > 0)


def prepared(accelerator: Accelerator, model: Any, *, shared: bool) -> Any:
    """Return a model as ``accelerate`` makes it ready to learn.

    Args:
        shared: its weights are divided among processes, and it is ready already.
    """
    if shared:
        return model
    forward = model.forward
    made = accelerator.prepare(model)
    if accelerator.mixed_precision == "bf16":
        # Autocast stands around each pass already. What else was put around it makes fp32 of the
        # logits, the largest tensors there are; fp16, which has too little room for chances, needs it.
        model.forward = forward
    return made


class _Laid(NamedTuple):
    """A step's examples, laid out ahead of their time."""

    items: Sequence[Item]
    batches: list[Batch]


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
        self._attending = self._packs(items)
        self._laid: _Laid | None = None
        self._plain = (
            accelerator.device.type == "cpu" and max(len(item.ids) for item in items) <= PLAIN_UP_TO
        )

    @property
    def packed(self) -> bool:
        """Whether the examples of a step stand in rows without padding."""
        return self._attending != ""

    @property
    def layout(self) -> str:
        """How a step is laid out, in a word or two."""
        at_once = ", attended at once" if self._attending == varlen.NAME else ""
        return f"packed{at_once}" if self.packed else "padded"

    @property
    def process(self) -> int:
        """The number of this process, of all that train together."""
        return int(self._accelerator.process_index)

    @property
    def processes(self) -> int:
        """How many train together."""
        return int(self._accelerator.num_processes)

    @property
    def in_step(self) -> bool:
        """Whether all processes must call the model equally often: they share its weights."""
        return self._spec.sharded

    def over(self, items: Sequence[Item], *, learn: bool) -> dict[str, float]:
        """Go over examples as one step; returns the loss and the mean loss of each role.

        Each process takes its share of the examples; the loss is that of all of them.
        """
        return self.summed(self.through(items, learn=learn))

    def through(self, items: Sequence[Item], *, learn: bool) -> dict[str, Tensor]:
        """Go over examples as one step; returns this process's share of what ``over`` does.

        They are tensors on the device, which may still be at work on them.
        """
        totals = supervised_tokens(items)
        names = ("loss", *(f"loss_{role}" for role in sorted(totals)))
        values = dict.fromkeys(names, torch.zeros((), device=self._accelerator.device))
        batches, n = self._batches(items), self._count(items)
        # The wrapper of several processes talks to the others also where nothing is learned, and one
        # that has nothing to validate would not answer.
        model = self._model if learn else self._student.model
        with self._attention():
            for k in range(n):
                batch = next(batches, None)
                counts = batch is not None
                if batch is None:  # the others still have something to do, and we take part
                    (batch,) = self._made([[min(items, key=lambda item: len(item.ids))]], totals)
                with self._alone(wait=learn and k < n - 1):
                    with self._accelerator.autocast():
                        share, roles = self._objective.loss(model, batch)
                    if learn:  # gradients are averaged over processes
                        self._accelerator.backward(share * (self.processes if counts else 0))
                if counts:
                    values["loss"] = values["loss"] + share.detach()
                    for role, value in roles.items():
                        values[f"loss_{role}"] = values[f"loss_{role}"] + value
        return values

    def prepare(self, items: Sequence[Item]) -> None:
        """Lay out the examples of the next step, while a GPU is at work on this one."""
        self._laid = _Laid(items, list(self._made(self._micros(items), supervised_tokens(items))))

    def agreed(self, wish: bool) -> bool:
        """Return whether any process wishes it: all must leave the loop at the same step."""
        return wished(self._accelerator, wish)

    def summed(self, values: dict[str, Tensor]) -> dict[str, float]:
        """Return values summed over all processes; waits for the device."""
        own = torch.stack([value.float() for value in values.values()])
        if self._accelerator.num_processes > 1:
            own = self._accelerator.reduce(own.to(self._accelerator.device))
        return dict(zip(values, own.tolist(), strict=True))

    # -- laying out ------------------------------------------------------------------------

    def _batches(self, items: Sequence[Item]) -> Iterator[Batch]:
        """Return the batches of a step, made already or one by one."""
        laid, self._laid = self._laid, None
        if laid is not None and laid.items is items:
            return iter(laid.batches)
        return self._made(self._micros(items), supervised_tokens(items))

    def _micros(self, items: Sequence[Item], process: int | None = None) -> list[list[Item]]:
        own = items[self.process if process is None else process :: self.processes]
        return list(micro_batches(own, self._spec, packed=self.packed)) if own else []

    def _count(self, items: Sequence[Item]) -> int:
        """Return how often the model is called: as often as in the busiest process, if in step."""
        if not self.in_step:
            return len(self._micros(items))
        return max(len(self._micros(items, process)) for process in range(self.processes))

    def _made(self, micros: Sequence[Sequence[Item]], totals: Counter[str]) -> Iterator[Batch]:
        return (self._batch(micro, totals).to(self._accelerator.device) for micro in micros)

    def _batch(
        self, micro: Sequence[Item], totals: Counter[str], *, packed: bool | None = None
    ) -> Batch:
        if self.packed if packed is None else packed:
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
                stack.enter_context(packing.packed_attention(self._model, self._attending))
            elif self._plain:
                stack.enter_context(packing.attention(self._model, "eager"))
            yield

    def _packs(self, items: Sequence[Item]) -> str:
        """Return the attention to pack with: wished for, or a GPU's way, and the losses stay."""
        wish, device = self._spec.packing, self._accelerator.device
        if self._student.answer_start is not None or wish == "off":
            return ""
        if sums_up(self._student.model.config):  # by so little, maybe, that half precision hides it
            return ""
        if wish == "auto" and device.type == "cpu":
            return ""  # by length there is hardly any padding, and a matrix is a matrix
        few = sorted(items, key=lambda item: len(item.ids))[:: max(1, len(items) // _SAMPLE)]
        few = few[:_SAMPLE]

        def losses(packed: bool) -> Tensor:
            batch = self._batch(few, supervised_tokens(few), packed=packed)
            with self._accelerator.autocast():
                return token_losses(self._model, batch.to(device))[0]

        config = self._student.model.config.get_text_config()
        dtype = DTYPES.get(self._accelerator.mixed_precision, torch.float32)
        names = [varlen.NAME] if varlen.offered(config, dtype=dtype, device=device) else []
        for name in (*names, packing.NAME):
            if packing.is_exact(self._model, losses, name=name, in_half=dtype != torch.float32):
                return name
        return ""
