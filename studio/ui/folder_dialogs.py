"""The two questions for a folder: where a new project goes, and which one to open."""

from __future__ import annotations

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
