"""What may become of a project's folder while it is open: gone, moved, replaced, locked, full.

SQLite goes on writing into a file that was deleted, and nothing would say that all of it is lost.
So the folder is looked at every few seconds, by whatever thread has time for a few system calls.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from pathlib import Path
from typing import Literal, NamedTuple

from studio.domain.disk import identity
from studio.store.database import FILE_NAME

LEAST_FREE = 200_000_000  #: bytes; below that a training run's checkpoint no longer fits
Kind = Literal["gone", "moved", "replaced", "read-only", "full"]


class Trouble(NamedTuple):
    """What is the matter with the folder, in one line that says what to do."""

    kind: Kind
    text: str
    moved_to: Path | None = None

    @property
    def is_grave(self) -> bool:
        """Whether what is written from now on would be lost."""
        return self.kind in ("gone", "moved", "replaced")


class ProjectWatch:
    """Looks at one project's folder; ``close`` lets go of it."""

    def __init__(self, project: Path, *, read_only: bool = False) -> None:
        self._project = project
        self._file = project / FILE_NAME
        self._read_only = read_only
        self._was = identity(self._file)
        self._folder = _hold(project)

    def look(self) -> Trouble | None:
        """Return what is the matter now, or None."""
        now = identity(self._file)
        if now is None or (self._was is not None and now != self._was):
            return self._lost(there=now is not None)
        if self._read_only:
            return None
        if not (os.access(self._file, os.W_OK) and os.access(self._project, os.W_OK)):
            return Trouble("read-only", f"{self._project} has become read-only: nothing can be saved "
                           "until you may write there again")  # fmt: skip
        with contextlib.suppress(OSError):
            free = shutil.disk_usage(self._project).free
            if free < LEAST_FREE:
                return Trouble("full", f"only {free / 1e6:,.0f} MB are free on the disk of this project: "
                               "make room before work goes on")  # fmt: skip
        return None

    def close(self) -> None:
        """Let go of the folder."""
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None

    def _lost(self, *, there: bool) -> Trouble:
        moved = self._moved_to()
        if moved is not None:
            return Trouble("moved", f"this project was moved to {moved}: nothing more is saved from "
                           "here, open it there", moved)  # fmt: skip
        if there:
            return Trouble("replaced", f"the project file in {self._project} was replaced by another: "
                           "nothing more is saved from here, open the project anew")  # fmt: skip
        return Trouble("gone", f"the folder {self._project} is gone (deleted, or its disk was taken "
                       "out): nothing more can be saved; put it back and open it anew")  # fmt: skip

    def _moved_to(self) -> Path | None:
        """Return where the folder we hold is now, where the system can tell."""
        if self._folder is None:
            return None
        found = ""
        with contextlib.suppress(OSError):
            if sys.platform == "linux":
                found = os.readlink(f"/proc/self/fd/{self._folder}")
            elif sys.platform == "darwin":  # pragma: no cover - macOS only
                import fcntl

                found = fcntl.fcntl(self._folder, 50, b"\0" * 1024).rstrip(b"\0").decode()
        here = Path(found)
        if not found or here == self._project or identity(here / FILE_NAME) != self._was:
            return None
        return here


def _hold(folder: Path) -> int | None:
    """Return a descriptor that stays with the folder when it is moved; None where there is none."""
    if os.name == "nt":  # an open folder cannot be moved there
        return None
    try:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
