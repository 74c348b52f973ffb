"""The window of one project: the rail, the pages, the jobs bar. It knows no page's inside."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QListWidget,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from studio.app.workbench import Workbench
from studio.ui.bridge import Bridge, BusListener
from studio.ui.parts import label
from studio.ui.theme import GRID
from studio.ui.widgets.job_panel import JobPanel

STATIONS = {
    "overview": ("Overview", "overview", "OverviewPage"), "data": ("Data", "data", "DataPage"),
    "committee": ("Committee", "committee", "CommitteePage"), "desk": ("Desk", "desk", "DeskPage"),
    "train": ("Train", "training", "TrainingPage"),
    "evaluate": ("Evaluate", "evaluation", "EvaluationPage"),
    "export": ("Export", "export", "ExportPage"), "settings": ("Settings", "settings", "SettingsPage"),
}  # fmt: skip
SETTLE_MS = 150  #: changes of tables within this time are shown at once


class MainWindow(QMainWindow):
    """One open project."""

    def __init__(self, bench: Workbench, on_theme: Callable[[str], None]) -> None:
        super().__init__()
        self.bench = bench
        self._on_theme = on_theme
        self._pages: dict[str, Any] = {}
        self._changed: set[str] = set()
        self._closing = False
        self.bridge = Bridge(self)
        self._listener = BusListener(self.bridge)
        bench.bus.join(self._listener)
        self.setWindowTitle(f"{bench.project.name} – MAPD Studio")
        self.setAcceptDrops(True)
        self._build()
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(self._tell_page)
        self.bridge.tables_changed.connect(self._on_tables_changed)
        for keys, action in (("Ctrl+Z", self._on_undo), ("Ctrl+Shift+Z", self._on_redo),
                             ("?", self._on_keys)):  # fmt: skip
            QShortcut(QKeySequence(keys), self).activated.connect(action)
        QTimer.singleShot(0, self._recover)

    def _build(self) -> None:
        self._rail = QListWidget()
        self._rail.setProperty("role", "rail")
        self._rail.setAccessibleName("Stations")
        self._rail.setFixedWidth(GRID * 18)
        self._rail.addItems([title for title, _, _ in STATIONS.values()])
        self._rail.currentRowChanged.connect(lambda row: self.show_page(list(STATIONS)[row]))
        self._stack = QStackedWidget()
        self.jobs = JobPanel(self.bench, self.bridge)
        middle = QWidget()
        row = QHBoxLayout(middle)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._rail)
        row.addWidget(self._stack, 1)
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(middle, 1)
        column.addWidget(self.jobs)
        self.setCentralWidget(whole)
        self.resize(1280, 800)

    def show_page(self, name: str) -> Any:
        """Show a station; its page is built when it is first shown."""
        if name not in self._pages:
            _, module, title = STATIONS[name]
            page = getattr(import_module(f"studio.ui.pages.{module}"), title)(self.bench)
            self._pages[name] = page
            self._stack.addWidget(page)
            if name == "overview":
                page.queue_requested.connect(self._show_queue)
            if name == "settings":
                page.theme_changed.connect(self._on_theme)
        self._stack.setCurrentWidget(self._pages[name])
        self._rail.setCurrentRow(list(STATIONS).index(name))
        return self._pages[name]

    def _show_queue(self, queue: str) -> None:
        self.show_page("desk").show_queue(queue)

    def _on_tables_changed(self, tables: set[str]) -> None:
        self._changed |= tables
        if not self._settle.isActive():
            self._settle.start()

    def _tell_page(self) -> None:
        changed, self._changed = self._changed, set()
        for page in self._pages.values():
            if page.isVisible():
                page.on_tables_changed(changed)
            else:
                page.setProperty("stale", True)
        current = self._stack.currentWidget()
        if current is not None and current.property("stale"):
            current.setProperty("stale", False)

    def _recover(self) -> None:
        """Look after runs that went on, or died, while no window was open."""
        from studio.app.runs import recover

        bench = self.bench
        future = bench.background.call(lambda: recover(bench.bench))

        def told(done: Any) -> None:
            if done.cancelled() or done.exception() is not None:
                return
            for run_id in done.result().going:
                bench.follow_run(run_id)
            if done.result().ended or done.result().interrupted:
                self.bridge.tables_changed.emit({"runs", "run_states", "students"})

        future.add_done_callback(told)
        if bench.orphans:
            self.jobs.say(f"{bench.orphans:,} calls were in flight when the studio last ended; they "
                          "may have been billed and will be asked again.", "warn")  # fmt: skip

    # -- actions ---------------------------------------------------------------------------

    def _on_undo(self) -> None:
        self.bench.undo()

    def _on_redo(self) -> None:
        self.bench.redo()

    def _on_keys(self) -> None:
        from studio.ui.pages.desk import KEYS

        sheet = QDialog(self)
        sheet.setWindowTitle("Keys")
        form = QFormLayout(sheet)
        for keys, what in KEYS:
            form.addRow(label(keys, "big"), label(what))
        sheet.open()

    # Qt's own names

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Import the files dropped on the window."""
        files = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if files:
            self.bench.import_files(files)
            self.show_page("data")

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask when work is running; close the project otherwise."""
        tasks = [] if self._closing else self.bench.background.tasks
        if not tasks:
            self.bench.bus.leave(self._listener)
            event.accept()
            return
        event.ignore()
        dialog = QDialog(self)
        layout = QVBoxLayout(dialog)
        layout.addWidget(label(f"{len(tasks)} task(s) are running. What was made is kept; a training "
                               "run is stopped at a checkpoint.", wrap=True))  # fmt: skip
        kinds = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kinds.Close | kinds.Cancel)
        buttons.rejected.connect(dialog.reject)
        buttons.button(kinds.Close).clicked.connect(self._close_anyway)
        layout.addWidget(buttons)
        dialog.open()

    def _close_anyway(self) -> None:
        self._closing = True
        self.close()
