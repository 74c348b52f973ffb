"""Where a job folder runs: the one interface every launcher offers."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class Launcher(Protocol):
    """Starts ``python -m studio.jobs FOLDER`` somewhere and keeps an eye on it."""

    name: str

    def start(self, folder: Path) -> str:
        """Start the job; returns a handle that survives a restart of the studio."""

    def is_alive(self, handle: str) -> bool:
        """Return whether the very job that the handle names is still running."""

    def cancel(self, handle: str, *, kill: bool = True) -> None:
        """Ask the job to stop and keep what it has, and wait a while for that.

        Args:
            kill: end it if it does not answer in time; else it stops when it comes to it.
        """
