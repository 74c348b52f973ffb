"""How full the memory of this machine's GPUs is, as ``nvidia-smi`` tells it; never asks torch."""

from __future__ import annotations

import shutil
from typing import NamedTuple

FIELDS = ("name", "memory.used", "memory.total", "utilization.gpu")


class GpuMemory(NamedTuple):
    """One GPU: its memory in MiB, and how busy it is in percent (None where it does not tell)."""

    name: str
    used: int
    total: int
    busy: int | None


def question() -> list[str] | None:
    """Return the command whose output ``read_answer`` reads; None where there is no such tool."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    return [tool, f"--query-gpu={','.join(FIELDS)}", "--format=csv,noheader,nounits"]


def read_answer(text: str) -> list[GpuMemory]:
    """Return the GPUs of an answer; lines that tell no memory are left out."""
    found = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.rsplit(",", 3)]
        if len(cells) == len(FIELDS) and cells[1].isdecimal() and cells[2].isdecimal():
            busy = int(cells[3]) if cells[3].isdecimal() else None
            found.append(GpuMemory(cells[0], int(cells[1]), int(cells[2]), busy))
    return found
