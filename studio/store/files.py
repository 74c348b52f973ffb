"""What the file system knows of a file: which one it is, and that its name outlasts a power cut."""

from __future__ import annotations

import os
from pathlib import Path


def identity(file: Path) -> tuple[int, int] | None:
    """Return what tells a file from any other, also one of the same name; None where there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def sync_folder(folder: Path) -> None:
    """Make sure that the names in a folder outlast a power cut, where the system can."""
    if os.name == "nt":  # pragma: no cover - its file systems log names by themselves
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
