"""How much memory a training run would find free: a GPU's where there is one, else this machine's."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from studio.app.gpu import question, read_answer
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
    return gpu if gpu is not None else Free(_system(), False, "")


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


def _system() -> int | None:
    if sys.platform == "win32":
        return _windows()
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        told = dict(line.split(":", 1) for line in lines if ":" in line)
        return int(told["MemAvailable"].split()[0]) << 10
    except (OSError, KeyError, ValueError):
        return None


def _windows() -> int | None:
    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_uint32), ("load", ctypes.c_uint32),
            ("total", ctypes.c_uint64), ("free", ctypes.c_uint64), *(
                (f"other{n}", ctypes.c_uint64) for n in range(5)
            ),
        )  # fmt: skip

    status = Status(length=ctypes.sizeof(Status))
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009  not there for mypy elsewhere
    return int(status.free) if kernel.GlobalMemoryStatusEx(ctypes.byref(status)) else None
