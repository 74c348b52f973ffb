"""How much of this machine's memory is free, as far as the system tells."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")  #: what a container may take, where one limits it


def free_bytes() -> int | None:
    """Return how many bytes a program could still take; None where the system does not tell."""
    if sys.platform == "win32":
        return _windows()
    found = [each for each in (_linux(_MEMINFO), left_of_group(_GROUP)) if each is not None]
    return min(found, default=None)


def _linux(file: Path) -> int | None:
    try:
        lines = file.read_text(encoding="ascii").splitlines()
        told = dict(line.split(":", 1) for line in lines if ":" in line)
        return int(told["MemAvailable"].split()[0]) << 10
    except (OSError, KeyError, ValueError):
        return None


def left_of_group(folder: Path) -> int | None:
    """Return what a control group leaves to its programs; None where it sets no limit.

    Args:
        folder: of a group of version 2; what it keeps of files is given back when it is needed.
    """
    try:
        limit, used = (int((folder / f"memory.{name}").read_text()) for name in ("max", "current"))
        told = (folder / "memory.stat").read_text(encoding="ascii").split()
        kept = dict(zip(told[::2], map(int, told[1::2]), strict=True)).get("inactive_file", 0)
    except (OSError, ValueError):  # "max" is no number: there is no limit
        return None
    return max(0, limit - used + kept)


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
