"""Room for a run: where it would not fit, activations are made anew on the way back (gradient
checkpointing). That takes time and changes no result."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from studio.domain import memory
from studio.domain.ram import free_bytes
from studio.jobs.gauges import give_back_memory
from studio.jobs.rehearsal import is_out_of_memory

if TYPE_CHECKING:
    from studio.domain.specs import TrainSpec
    from studio.jobs.batches import Item

_Made = TypeVar("_Made")
_TOLD = "gradient checkpointing was switched on"


class Room:
    """Makes room where a run is allowed to and needs it.

    Args:
        model: with what is trained on it, not wrapped yet.
        say: tells a ``message``.
    """

    def __init__(self, model: Any, spec: TrainSpec, *, say: Callable[..., object]) -> None:
        self._model, self._spec, self._say = model, spec, say
        self.made = False
        if spec.gradient_checkpointing == "on":
            self._make()

    def foresee(
        self, items: Sequence[Item], *, precision: str, agreed: Callable[[bool], bool]
    ) -> None:
        """Make room if the largest batch of these examples would be too much for what is free.

        Args:
            agreed: says whether any process wishes something, the same in all of them.
        """
        if self.made or self._spec.gradient_checkpointing != "auto":
            return
        need, free = self._need(items, precision), _free(self._model.device)
        if agreed(memory.is_tight(need, free)):
            self._make()
            self._say(message=f"{_TOLD}: the run would not fit without it (about"
                      f" {need / 2**20:,.0f} MB more, {(free or 0) / 2**20:,.0f} free)")  # fmt: skip

    def within(self, work: Callable[[], _Made]) -> _Made:
        """Do some work; where there is no room for it, make some and do it once more.

        Args:
            work: may be begun anew.
        """
        try:
            return work()
        except Exception as error:
            if not (is_out_of_memory(error) and self._may_be_made()):
                raise
        # Only here: the error held on to all that the work had taken.
        gc.collect()
        give_back_memory()
        self._make()
        self._say(message=f"{_TOLD}: the memory was full without it")
        return work()

    def take_up(self, made: bool) -> None:
        """Make room as an earlier life of the run did, unless that is not wished any more."""
        if made and not self.made and self._spec.gradient_checkpointing != "off":
            self._make()

    def _may_be_made(self) -> bool:
        """Return whether it is allowed and new; of several processes the others would not know."""
        allowed = self._spec.gradient_checkpointing == "auto" and self._spec.processes == 1
        return allowed and not self.made

    def _make(self) -> None:
        # Transformers 5.2x renamed it; older ones know the other name only.
        name = "activation_checkpointing_enable"
        getattr(self._model, name, self._model.gradient_checkpointing_enable)()
        self._model.enable_input_require_grads()
        self.made = True

    def _need(self, items: Sequence[Item], precision: str) -> int:
        """Return how many bytes the run will take besides the student; 0 where that is not known."""
        shape = memory.shape_of(self._model.config.to_dict())
        if shape is None:
            return 0
        spec = self._spec.model_copy(update={"precision": precision})
        for config in getattr(self._model, "peft_config", {}).values():
            spec = memory.with_its_adapter(spec, vars(config))
        return memory.at_worst(
            shape, _tensors(self._model), spec, examples=items,
            on_gpu=self._model.device.type == "cuda",
        ).to_come  # fmt: skip


def _tensors(model: Any) -> memory.Tensors:
    """Return the shapes of a student's own weights, without its adapter; packed ones as they were."""
    found: dict[str, tuple[int, ...]] = {}
    seen = set()
    for name, module in model.named_modules():
        if "lora_" in name:
            continue
        for kind, value in module.named_parameters(recurse=False):
            if id(value) in seen:  # tied to another
                continue
            seen.add(id(value))
            sides = (getattr(module, f"{side}_features", 0) for side in ("out", "in"))
            own = tuple(sides) if kind == "weight" else ()
            place = f"{name.replace('.base_layer', '')}.{kind}"
            found[place] = own if own and all(own) else tuple(value.shape)
    return found


def _free(device: torch.device) -> int | None:
    """Return how many bytes a run could still take where it computes."""
    if device.type != "cuda":
        return free_bytes()
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(torch.cuda.mem_get_info(device)[0]) + kept
