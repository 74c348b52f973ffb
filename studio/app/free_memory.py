"""How much memory a training run would find free: a GPU's where there is one, else this machine's."""

from __future__ import annotations

import os
import subprocess
from typing import NamedTuple

from studio.app.gpu import question, read_answer
from studio.domain.ram import free_bytes
from studio.launch.local import without_secrets

_PATIENCE_S = 5.0


class Free(NamedTuple):
    """What is free now; ``bytes`` is None where the system does not tell."""

    bytes: int | None
    on_gpu: bool
    where: str  #: to be said behind the number; empty for this machine's own memory


def free_memory() -> Free:
    """Return what is free; asks ``nvidia-smi``, so not for the thread that draws."""
    gpu = _gpu()
    return gpu if gpu is not None else Free(free_bytes(), False, "")


def _gpu() -> Free | None:
    command = question()
    if command is None:
        return None
    try:
        told = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=True,
            env=without_secrets(os.environ),
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = read_answer(told.stdout)
    if not found:
        return None
    first = found[0]  # a run uses the first one
    return Free((first.total - first.used) << 20, True, f" on the {first.name}")
