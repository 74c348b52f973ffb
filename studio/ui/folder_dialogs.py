"""How files and folders come in: asked for in a dialog, or dropped on a window."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog, QWidget

from studio.ui.texts import tr


def new_dialog(parent: QWidget) -> QFileDialog:
    """Return a dialog that asks for the folder of a new project."""
    dialog = QFileDialog(parent, tr("Name the new project's folder"))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
    return dialog


def open_dialog(parent: QWidget) -> QFileDialog:
    """Return a dialog that asks for the folder of a project."""
    dialog = QFileDialog(parent, tr("Open a project folder"))
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    return dialog


def backup_dialog(parent: QWidget, project: Path) -> QFileDialog:
    """Return a dialog that asks for a backup of a project, where its own ones are."""
    dialog = QFileDialog(parent, tr("Restore a backup"))
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    own = project / "backups"
    dialog.setDirectory(str(own if own.is_dir() else project.parent))
    dialog.setNameFilter(tr("Backups (*.db)"))
    return dialog


def dropped_paths(event: QDropEvent) -> list[Path]:
    """Return the files and folders of this machine that were dropped."""
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
