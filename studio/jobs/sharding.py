"""Weights shared between processes (FSDP): each holds its part, and a layer is put together when it
is its turn. What is kept on disk is whole, so a run may go on in more or fewer processes.

All processes must take part in whatever is asked here, in the same order.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor, distribute_tensor

from studio.jobs.blocks import blocks_of


def share_weights(model: Any, *, processes: int, device: torch.device) -> None:
    """Divide the model's weights among all processes, layer by layer."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(device.type, (processes,))
    for block in blocks_of(model):
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh)


def held(model: Any) -> int:
    """Return how many of a model's weights this very process holds."""
    parts = (v.to_local() if isinstance(v, DTensor) else v for v in model.parameters())
    return sum(part.numel() for part in parts)


def whole(value: Tensor) -> Tensor:
    """Return a tensor as it is when put together, in the CPU's memory."""
    together = value.full_tensor() if isinstance(value, DTensor) else value
    return together.detach().cpu()


def part_like(own: Tensor, value: Tensor) -> Tensor:
    """Return of a whole tensor the part that stands in the place of ``own``."""
    if not isinstance(own, DTensor) or isinstance(value, DTensor):
        return value
    # Each process has read it from the disk by itself: nothing needs to be sent.
    return distribute_tensor(
        value.to(own.device), own.device_mesh, own.placements, src_data_rank=None
    )
