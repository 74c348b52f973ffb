"""What a disk is asked beyond reading and writing: to keep it now, and which file a name means."""

from __future__ import annotations

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Make a file, or the names in a folder, outlast a power cut, where the system can."""
    if os.name == "nt" and path.is_dir():  # its file systems log names by themselves
        return
    # Windows syncs only what may be written; elsewhere a folder cannot be opened so.
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def identity(file: Path) -> tuple[int, int] | None:
    """Return what tells a file from another of its name; None where there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
