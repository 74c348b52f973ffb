"""Puts a backup in a project's place while its window is closed, off the thread that draws."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from studio.domain.errors import StudioError
from studio.store.backups import restore_backup
from studio.ui.texts import tr

Then = Callable[[str, bool], None]


class Restoring(QObject):
    """Restores backups, one at a time; ``close`` waits for the one that is under way."""

    _ended = Signal(object, str, bool)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="studio-restore")
        self._ended.connect(lambda then, said, failed: then(said, failed))

    def start(self, project: Path, backup: Path, then: Then) -> None:
        """Restore, then call ``then`` on the thread that draws: what to say, and whether it failed."""

        def work() -> None:
            try:
                kept = restore_backup(project, backup)
            except (StudioError, OSError) as error:  # nothing was changed
                self._ended.emit(then, str(error), True)
                return
            said = tr("✓ The project is as {file} has it", file=backup.name)
            if kept is not None:
                said += tr("; what was there is kept as {kept}", kept=kept.name)
            self._ended.emit(then, said, False)

        self._pool.submit(work)

    def close(self) -> None:
        """Let what is under way come to its end."""
        self._pool.shutdown(wait=True)
