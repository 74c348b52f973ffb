"""Backups from the window: where one goes, which one comes back, and what is said of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog

from studio.store.backups import make_backup
from studio.store.tables import Store
from studio.ui.folder_dialogs import backup_dialog
from studio.ui.menus import Verb
from studio.ui.parts import ask
from studio.ui.texts import tr

if TYPE_CHECKING:
    from studio.ui.main_window import MainWindow


class BackupActions(QObject):
    """What the menu does with backups.

    Signals:
        restore_requested(Path): that backup is to take the place of the project's records, which
            this window has open.
    """

    restore_requested = Signal(object)

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window

    def verbs(self) -> tuple[Verb, ...]:
        """Return the entries of the menu."""
        return (
            Verb("backup", tr("Make a &backup …"), "", tr("Write a checked copy of this project's records, "
                 "also while work is running"), self.ask_where),
            Verb("restore", tr("Restore a back&up …"), "", tr("Put a backup in the place of this project's "
                 "records; what is there now is kept beside it"), self.ask_which),
        )  # fmt: skip

    def ask_where(self) -> None:
        """Ask where a backup goes, and write it."""
        project = self._window.workbench.project
        dialog = QFileDialog(self._window, tr("Make a backup"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDirectory(str(project.parent))
        dialog.selectFile(f"{project.name}-backup.db")
        dialog.setDefaultSuffix("db")
        dialog.fileSelected.connect(lambda name: self.write(Path(name)))
        dialog.open()

    def write(self, file: Path) -> None:
        """Write a backup off the thread that draws, and say so."""
        jobs = self._window.jobs
        jobs.tell(tr("Writing a backup …"))
        self._window.reading.ask(
            "backup", lambda store: _write(store, file),
            lambda made: jobs.tell(tr("✓ {file} holds the records, and opens", file=made)),
            failed=lambda why: jobs.tell(f"✗ {why}", True), slow=True,
        )  # fmt: skip

    def ask_which(self) -> None:
        """Ask for a backup, and whether it is to take the place of what is there."""
        dialog = backup_dialog(self._window, self._window.workbench.project)
        dialog.fileSelected.connect(lambda name: self.offer(Path(name)))
        dialog.open()

    def offer(self, file: Path) -> None:
        """Ask before a backup takes the place of what is there."""
        if self._window.workbench.background.tasks:
            self._window.jobs.tell(tr("✗ Work is running: stop it first, then restore"), True)
            return
        ask(
            self._window,
            tr("Restore a backup"),
            tr(
                "This project becomes as {file} has it. What is there now is kept beside it, in "
                "a file studio-before-restore-….db; runs and exports stay as they are.",
                file=file.name,
            ),
            yes=tr("Restore"),
            then=lambda: self.restore_requested.emit(file),
        )


def _write(store: Store, file: Path) -> Path:
    return make_backup(store, file)
