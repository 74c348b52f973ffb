"""Asks where the report of the newest round goes, writes it, and shows it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog

from studio.store.tables import Store
from studio.ui.texts import tr

if TYPE_CHECKING:
    from studio.ui.main_window import MainWindow


def ask_for_report(window: MainWindow) -> QFileDialog:
    """Open the dialog; the report is written off the thread that draws."""
    usual = window.workbench.project / "exports" / "report.html"
    dialog = QFileDialog(window, tr("Write report"), str(usual))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix("html")
    dialog.fileSelected.connect(lambda name: write_and_show(window, Path(name)))
    dialog.open()
    return dialog


def write_and_show(window: MainWindow, file: Path, *, show: bool = True) -> None:
    """Write the report of the newest round to ``file`` and open it with the desktop's browser."""

    def write(store: Store) -> Path:
        from studio.flow.report import write_report  # brings numpy

        return write_report(store, window.workbench.project, file)

    def written(made: Path) -> None:
        window.jobs.tell(tr("✓ Wrote {file}", file=made))
        if show:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(made)))

    window.reading.ask("report", write, written,
                       failed=lambda why: window.jobs.tell(why, failed=True))  # fmt: skip
