"""Puts a project right while no window has it open, off the thread that draws: a backup takes its
place, or what can be read of it becomes a new one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from studio.domain.errors import StudioError
from studio.store.backups import restore_backup
from studio.store.salvage import salvage
from studio.ui.remedies import in_window
from studio.ui.texts import tr

Then = Callable[[str, bool], None]


class Restoring(QObject):
    """Restores and saves, one at a time; ``close`` waits for what is under way."""

    _ended = Signal(object, str, bool)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="studio-restore")
        self._ended.connect(lambda then, said, failed: then(said, failed))

    def start(self, project: Path, backup: Path, then: Then) -> None:
        """Restore, then call ``then`` on the thread that draws: what to say, and whether it failed."""

        def work() -> str:
            kept = restore_backup(project, backup)
            said = tr("✓ The project is as {file} has it", file=backup.name)
            if kept is not None:
                said += tr("; what was there is kept as {kept}", kept=kept.name)
            return said

        self._pool.submit(self._told, work, then)

    def save_rest(self, project: Path, new: Path, then: Then) -> None:
        """Make a new project of what can be read, then call ``then`` as ``start`` does."""

        def work() -> str:
            found = salvage(project, new)
            rows, gaps = sum(found.rows.values()), ", ".join(found.gaps)
            said = tr("✓ {n} records were saved", n=f"{rows:,}")
            if gaps:
                said += tr("; gaps in {tables}", tables=gaps)
            if found.loose:
                said += tr("; {n} left out, for what they refer to is gone", n=f"{found.loose:,}")
            return said + tr("; runs, exports and prompts stay in the old folder")

        self._pool.submit(self._told, work, then)

    def _told(self, work: Callable[[], str], then: Then) -> None:
        try:
            self._ended.emit(then, work(), False)
        except (StudioError, OSError) as error:  # nothing was changed
            self._ended.emit(then, in_window(str(error)), True)

    def close(self) -> None:
        """Let what is under way come to its end."""
        self._pool.shutdown(wait=True)
