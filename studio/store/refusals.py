"""A project file that cannot be opened, or not made: what is said of it, and what is left behind."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

from studio.domain.errors import DamagedError, ProjectError, StorageError, StudioError
from studio.store.plain_errors import plain

LEAST_FREE = 16 << 20  #: bytes; with less nothing is bought
_OF_THE_DISK = ("disk I/O", "full", "locked", "unable to open")


def unreadable(file: Path, error: sqlite3.Error) -> StudioError:
    """Return the error for a file that SQLite cannot open: the disk's doing, or the file's."""
    if not any(word in str(error) for word in _OF_THE_DISK):
        kind = DamagedError if file.name == "studio.db" else ProjectError
        return kind(
            f"{file} cannot be read as a project ({plain(str(error))}); nothing in it was touched;"
            f" {put_back(file)}, or save what can be read: 'mapd-studio salvage {file.parent} NEW'"
        )
    with contextlib.suppress(OSError):
        free = shutil.disk_usage(file.parent).free
        if free < LEAST_FREE:  # SQLite needs room for its log even to read
            return StorageError(
                f"{file.parent} cannot be opened, only {free >> 20} MB are free on its disk: free"
                " some space and run again; what was saved is safe"
            )
    return StorageError(f"{file} cannot be read now ({error}): try again; nothing was touched")


def put_back(file: Path) -> str:
    """Return how to go on with a file that is no project any more, or no backup."""
    if file.name != "studio.db":
        return "choose another backup"
    made = (*file.parent.glob("studio-*.db"), *file.parent.glob("backups/studio-*.db"))
    beside = sorted(made, key=lambda one: one.stat().st_mtime)
    backup = str(beside[-1]) if beside else "BACKUP"
    return f"'mapd-studio restore {file.parent} {backup}' puts a backup in its place"


def take_back(path: Path) -> None:
    """Remove a project that could not be made whole; nothing of anybody's is in it yet."""
    with contextlib.suppress(OSError):
        for file in path.glob("studio.*"):
            file.unlink()
        for folder in (path / "runs", path / "exports", path):
            folder.rmdir()
