"""The window of one project: the rail, the pages, the jobs bar. It knows no page's inside."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QWidget

from studio.app.workbench import Workbench
from studio.store import window_views
from studio.store.tables import Store
from studio.ui.bridge import Bridge, BusListener
from studio.ui.key_sheet import KeySheet
from studio.ui.page import Page
from studio.ui.parts import ask, column, row
from studio.ui.reading import Reading
from studio.ui.theme import GRID
from studio.ui.widgets.job_panel import JobPanel
from studio.ui.widgets.rail import Rail
from studio.ui.words import things


class Station(NamedTuple):
    """A page: its title on the rail, its module, its class."""

    title: str
    module: str
    page: str


STATIONS = {
    "overview": Station("Overview", "overview", "OverviewPage"),
    "data": Station("Data", "data", "DataPage"),
    "committee": Station("Committee", "committee", "CommitteePage"),
    "desk": Station("Desk", "desk", "DeskPage"),
    "train": Station("Train", "training", "TrainingPage"),
    "evaluate": Station("Evaluate", "evaluation", "EvaluationPage"),
    "export": Station("Export", "export", "ExportPage"),
    "settings": Station("Settings", "settings", "SettingsPage"),
}
SETTLE_MS = 300  #: changes of tables within this time are shown together
BUSY_MS = (
    1_500  #: the same while stages write without pause: a large project takes a second to count
)
PROMPT_MS = 20  #: what a person has just decided is shown at once
_DECIDED = {"overrides", "policies"}
_COUNTED = {"questions", "teachers", "rationales", "runs"}


class MainWindow(QMainWindow):
    """One open project.

    Signals:
        theme_requested(str): light, dark or system.
        closed(): the window is gone.
    """

    theme_requested = Signal(str)
    closed = Signal()

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        self.workbench = workbench
        self._pages: dict[str, Page] = {}
        self._changed: dict[str, set[str]] = {}  # by page: what it has not heard of yet
        self._closing = self._closed = False
        self.bridge = Bridge(self)
        background = workbench.background
        self._listener = BusListener(self.bridge, lambda: background.tasks)
        workbench.bus.join(self._listener)
        self._reading = Reading(workbench.project, self)
        self.setWindowTitle(f"{workbench.project.name} – MAPD Studio")
        self.setAcceptDrops(True)
        self._build()
        self._connect()
        QTimer.singleShot(0, self, self._begin)

    def _build(self) -> None:
        self._rail = Rail({name: station.title for name, station in STATIONS.items()})
        self._stack = QStackedWidget()
        self._stack.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        background = self.workbench.background
        self.jobs = JobPanel(lambda: background.tasks, self.bridge.seen, background.cancel)
        middle = row(self._rail, self._stack, gap=0)
        middle.setStretch(1, 1)
        whole = QWidget()
        layout = column(middle, self.jobs, gap=0)
        layout.setStretch(0, 1)
        whole.setLayout(layout)
        self.setCentralWidget(whole)
        self.setMinimumSize(GRID * 120, GRID * 75)
        self.resize(1280, 800)

    def _connect(self) -> None:
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.timeout.connect(self._tell_page)
        self._rail.chosen.connect(self.show_page)
        self.bridge.tables_changed.connect(self._on_tables_changed)
        self.bridge.task_progressed.connect(self.jobs.on_progressed)
        self.bridge.task_failed.connect(self.jobs.on_failed)
        self.bridge.task_finished.connect(self.jobs.on_finished)
        self._reading.failed.connect(lambda message: self.jobs.tell(f"✗ {message}", True))
        keys: tuple[tuple[str, Callable[[], object]], ...] = (
            ("Ctrl+Z", self._on_undo), ("Ctrl+Shift+Z", self._on_redo),
            ("?", lambda: KeySheet(self).open()), ("F1", lambda: KeySheet(self).open()),
        )  # fmt: skip
        for key, action in keys:
            QShortcut(QKeySequence(key), self).activated.connect(action)

    # -- pages -----------------------------------------------------------------------------

    def show_page(self, name: str, wanted: Any = None) -> Page:
        """Show a station (built when it is first shown), and on it what is wanted."""
        page = self._pages.get(name) or self._make_page(name)
        self._stack.setCurrentWidget(page)
        self._rail.show_chosen(name)
        self._stack.setFocus()
        self._tell_page()
        if wanted is not None:
            page.show_this(wanted)
        return page

    def _make_page(self, name: str) -> Page:
        station = STATIONS[name]
        made: Page = getattr(import_module(f"studio.ui.pages.{station.module}"), station.page)(
            self.workbench
        )
        made.told.connect(self.jobs.tell)
        made.page_requested.connect(self.show_page)
        if name == "settings":
            made.theme_requested.connect(self.theme_requested)  # type: ignore[attr-defined]
        self._pages[name] = made
        self._stack.addWidget(made)
        return made

    def _on_tables_changed(self, tables: set[str]) -> None:
        for name in self._pages:
            self._changed.setdefault(name, set()).update(tables)
        if tables & _COUNTED:
            self._count()
        wait = BUSY_MS if self.workbench.background.tasks else SETTLE_MS
        wait = PROMPT_MS if tables & _DECIDED else wait
        if not self._settle.isActive() or self._settle.remainingTime() > wait:
            self._settle.start(wait)

    def _tell_page(self) -> None:
        """Let the page in sight take the changes that have gathered; others hear when shown."""
        for name, page in self._pages.items():
            if page is self._stack.currentWidget() and (changed := self._changed.pop(name, None)):
                page.on_tables_changed(changed)

    def _count(self) -> None:
        def read(store: Store) -> dict[str, int]:
            return dict(store.one(window_views.RAIL) or {})

        self._reading.ask("rail", read, self._rail.show_counts)

    # -- coming back -----------------------------------------------------------------------

    def _begin(self) -> None:
        """Count, and look after runs that went on, or died, while no window was open."""
        from studio.app.runs import Recovery, recover

        if self._closed:  # before it could begin
            return

        def take(found: Recovery) -> None:
            for run_id in found.going:
                self.workbench.follow_run(run_id)
            if found.ended or found.interrupted:
                self._on_tables_changed({"runs", "run_states", "students"})
            if told := found.describe():
                self.jobs.tell(told[0].upper() + told[1:])

        self._count()
        bench = self.workbench.bench
        self._reading.when(self.workbench.background.call(lambda: recover(bench)), take)
        if orphans := self.workbench.orphans:
            self.jobs.tell(f"{things(orphans, 'call')} had no answer yet when the studio last ended; "
                           "they may have been billed, and are made again when needed.")  # fmt: skip

    # -- actions ---------------------------------------------------------------------------

    def _on_undo(self) -> None:
        self._reading.when(self.workbench.undo(), lambda what: self.jobs.tell(
            f"Undone: {what} (Ctrl+Shift+Z does it again)" if what else "Nothing to undo."))  # fmt: skip

    def _on_redo(self) -> None:
        self._reading.when(self.workbench.redo(), lambda what: self.jobs.tell(
            f"Done again: {what}" if what else "Nothing to do again."))  # fmt: skip

    # Qt's own names

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Show what the files dropped on the window hold, and offer to import them."""
        urls = event.mimeData().urls()
        files = [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
        if files:
            self.show_page("data").show_this(files)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask when work is running; else let go of pages, threads and the bus."""
        tasks = [] if self._closing else self.workbench.background.tasks
        if tasks:
            event.ignore()
            ask(self, "Work is running",
                f"{things(len(tasks), 'task')} would be stopped: "
                f"{', '.join(task.title for task in tasks)}. What was made is kept; a training run "
                "stops at a checkpoint and can be resumed.",
                yes="Stop and close", then=self._close_anyway, no="Go on working")  # fmt: skip
            return
        self._closed = True
        self._settle.stop()
        self.workbench.bus.leave(self._listener)
        for page in self._pages.values():
            page.leave()
        self._reading.close()
        event.accept()
        self.closed.emit()

    def _close_anyway(self) -> None:
        self._closing = True
        self.close()
