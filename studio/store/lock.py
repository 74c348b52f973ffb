"""The lock of a project: one process may write, and a second one is told who that is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

from studio.domain.errors import InUseError, ProjectError

LOCK_NAME = "studio.lock"


def take_lock(path: Path) -> IO[str]:
    """Lock a project for this process; closing the file lets go of it.

    Raises:
        InUseError: another process has it; names that process.
        ProjectError: the folder cannot be written.
    """
    try:
        lock = (path / LOCK_NAME).open("a+", encoding="utf-8")
    except OSError as error:
        raise ProjectError(f"{path} cannot be written: {error.strerror or error}") from None
    try:
        _lock_file(lock)
    except OSError:
        lock.close()
        raise InUseError(
            f"{path} is in use by {owner_of(path)}: close it there, then try again"
        ) from None
    lock.truncate(0)
    lock.write(f"mapd-studio, process {os.getpid()}")
    lock.flush()
    return lock


def owner_of(path: Path) -> str:
    """Return who has the project open, or had it last, in words."""
    try:
        found = (path / LOCK_NAME).read_text(encoding="utf-8").strip()
    except OSError:
        found = ""
    return found or "another process"


def _lock_file(lock: IO[str]) -> None:
    if os.name == "nt":  # pragma: no cover - exercised on Windows only
        import msvcrt

        lock.seek(1 << 20)  # a byte far away, so that the owner's name stays readable
        msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    else:
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
