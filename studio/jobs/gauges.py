"""What a step is measured by: tokens a second, memory, and how much of a GPU it makes use of."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from studio.jobs.batches import Item


def speed(items: Sequence[Item], seconds: float) -> dict[str, float]:
    """Return the speed of a step over these examples, and what it took of a GPU's memory."""
    supervised = sum(item.supervised for item in items)
    found = {
        "seconds": seconds,
        "tokens_per_s": supervised / max(seconds, 1e-6),
        "unpadded_tokens_per_s": sum(len(item.ids) for item in items) / max(seconds, 1e-6),
    }
    if torch.cuda.is_available():
        found["gpu_memory_mb"] = peak_mb()
    return found


def peak_mb() -> float:
    """Return the most memory held so far: of the GPU, else of this process; 0 if not known."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    if sys.platform == "win32":
        return 0.0
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 2**20 if sys.platform == "darwin" else most / 2**10


def give_back_memory() -> None:
    """Give back what a GPU holds for later, after there was no room."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()


def processor() -> Mapping[str, Any]:
    """Return what this CPU can do and what it is called; nothing where torch is too old to tell."""
    found: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return found
