"""A step for trial on the largest batches there will be: what does not fit shows before the run, not
an hour into it. And the smaller settings to offer then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from studio.domain.dealing import steps_for_trial
from studio.domain.errors import OutOfMemory
from studio.jobs.gauges import peak_mb

if TYPE_CHECKING:
    from studio.domain.specs import TrainSpec
    from studio.jobs.batches import Item
    from studio.jobs.passes import Passes

LONG = 20  #: steps from which a run is rehearsed
_NO_ROOM = ("can't allocate memory", "out of memory", "STATUS_ALLOC_FAILED")


def rehearse(
    passes: Passes, optimiser: Any, items: Sequence[Item], spec: TrainSpec
) -> dict[str, float]:
    """Do the step or two that take the most memory, and change nothing.

    Returns what it took: ``rehearsed_tokens``, and ``peak_mb`` of the GPU or of this process.
    """
    steps = steps_for_trial(items, spec, packed=passes.packed)
    for step in steps:
        optimiser.zero_grad(set_to_none=True)  # it may have been begun before, without room for it
        passes.over(step, learn=True)
    norms = [
        value.grad.abs().max()
        for group in optimiser.param_groups for value in group["params"] if value.grad is not None
    ]  # fmt: skip
    # Times a rate of 0 a number changes nothing; what is no number would.
    if norms and bool(torch.isfinite(torch.stack(norms)).all()):
        for group in optimiser.param_groups:
            group["lr"] = 0.0
        optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    optimiser.state.clear()
    return {
        "rehearsed_tokens": sum(item.tokens for step in steps for item in step),
        "peak_mb": round(peak_mb(), 1),
    }


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether there was no room for a tensor; devices other than NVIDIA's say so in words."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and any(words in str(error) for words in _NO_ROOM)
    )


def out_of_memory(spec: TrainSpec, *, longest: int) -> OutOfMemory:
    """Return what to say where a run does not fit, with the next smaller setting."""
    where = "the GPU's memory" if torch.cuda.is_available() else "this machine's memory"
    offer = smaller(spec, longest=longest)
    if not offer:
        return OutOfMemory(
            f"{where} is full, and the batch is as small as it can be: lower max_tokens, train an"
            " adapter instead of all weights, or take a smaller student; what was saved is kept",
            offer={},
        )
    told = " and ".join(f"{name}={str(value).lower()}" for name, value in offer.items())
    return OutOfMemory(
        f"{where} is full: resume the run, and it goes on with {told}; its results stay the same,"
        " and what was saved so far is kept",
        offer=offer,
    )


def smaller(spec: TrainSpec, *, longest: int) -> dict[str, Any]:
    """Return the settings that take less memory and change no result; empty when all are used."""
    if spec.batch_tokens > longest:
        return {"batch_tokens": max(longest, spec.batch_tokens // 2)}
    # Left to itself a single process has tried that already.
    tried = {"on": True, "auto": spec.processes == 1, "off": False}[spec.gradient_checkpointing]
    return {} if tried else {"gradient_checkpointing": "on"}
