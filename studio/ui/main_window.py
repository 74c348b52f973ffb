"""The window of one project: the rail, the pages, the jobs bar. It knows no page's inside."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSettings, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QWidget

from studio.app.workbench import Workbench
from studio.flow.undo import TABLES as UNDOABLE
from studio.store import window_views
from studio.store.tables import Store
from studio.ui.bridge import Bridge, BusListener
from studio.ui.folder_dialogs import dropped_paths
from studio.ui.folder_troubles import FolderTroubles
from studio.ui.page import Page
from studio.ui.parts import ask, column, row
from studio.ui.reading import Reading
from studio.ui.recent import is_project
from studio.ui.stations import STATIONS
from studio.ui.texts import tr
from studio.ui.theme import GRID
from studio.ui.widgets.banner import Banner
from studio.ui.widgets.job_panel import JobPanel
from studio.ui.widgets.rail import Rail
from studio.ui.widgets.toast import Toast
from studio.ui.window_actions import WindowActions
from studio.ui.window_state import keep_page, keep_panes, keep_window, restore_panes, title_of
from studio.ui.words import things

SETTLE_MS = 300  #: changes of tables within this time are shown together
BUSY_MS = 1_500  #: the same while stages write: a large project takes a second to count
PROMPT_MS = 20  #: what a person has just decided is shown at once
_DECIDED = {"overrides", "policies"}
_COUNTED = {"questions", "teachers", "rationales", "runs"}


class MainWindow(QMainWindow):
    """One open project.

    Signals:
        theme_requested(str): light, dark or system.
        open_requested(Path): another project is to be opened in place of this one.
        new_requested(Path): one is to be made and opened.
        start_requested(): the start page is to take the place of this window.
        restart_requested(): the program is to start anew, with this project.
        closed(): the window is gone.
    """

    theme_requested = Signal(str)
    open_requested = Signal(object)
    new_requested = Signal(object)
    start_requested = Signal()
    restart_requested = Signal()
    closed = Signal()

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        self.workbench = workbench
        self._pages: dict[str, Page] = {}
        self._changed: dict[str, set[str]] = {}  # by page: what it has not heard of yet
        self._closing = self._closed = False
        self.keeps_state = False  #: whether place and panes are remembered; not for a screenshot
        self.page_name = "overview"
        self.bridge = Bridge(self)
        background = workbench.background
        self._listener = BusListener(self.bridge, lambda: background.tasks)
        workbench.bus.join(self._listener)
        self.reading = Reading(workbench.project, self)
        self.setWindowTitle(title_of(workbench.project.name, read_only=workbench.read_only))
        self.setAcceptDrops(True)
        self._build()
        self.actions_ = WindowActions(self, {n: tr(one.title) for n, one in STATIONS.items()})
        self._connect()
        QTimer.singleShot(0, self, self._begin)

    def _build(self) -> None:
        self._rail = Rail({name: tr(station.title) for name, station in STATIONS.items()})
        self._stack = QStackedWidget()
        self._stack.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        background = self.workbench.background
        self.jobs = JobPanel(lambda: background.tasks, self.bridge.seen, background.cancel)
        self._banner = Banner()
        self.toast = Toast(self, self.jobs.height)
        middle = row(self._rail, self._stack, gap=0)
        middle.setStretch(1, 1)
        whole = QWidget()
        layout = column(self._banner, middle, self.jobs, gap=0)
        layout.setStretch(1, 1)
        whole.setLayout(layout)
        self.setCentralWidget(whole)
        self.setMinimumSize(GRID * 128, GRID * 80)  # below, buttons would be cut off
        self.resize(1280, 800)

    def _connect(self) -> None:
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.timeout.connect(self._tell_page)
        self._rail.chosen.connect(self.show_page)
        self.bridge.tables_changed.connect(self._on_tables_changed)
        self.bridge.task_progressed.connect(self.jobs.on_progressed)
        for told in (
            self.bridge.task_progressed,
            self.bridge.task_failed,
            self.bridge.task_finished,
        ):
            told.connect(lambda *_: self.actions_.show_work())
        self.bridge.task_failed.connect(self.jobs.on_failed)
        self.bridge.task_finished.connect(self.jobs.on_finished)
        self.reading.failed.connect(lambda message: self.jobs.tell(f"✗ {message}", True))
        self.jobs.ended.connect(self.toast.announce_end)
        self._troubles = FolderTroubles(self, self._banner)
        self._troubles.written_elsewhere.connect(lambda: self._on_tables_changed(
            set(_COUNTED | UNDOABLE).union(*(page.watches for page in self._pages.values()))))  # fmt: skip

    # -- pages -----------------------------------------------------------------------------

    def show_page(self, name: str, wanted: Any = None) -> Page:
        """Show a station (built when it is first shown), and on it what is wanted."""
        page = self._pages.get(name) or self._make_page(name)
        self._stack.setCurrentWidget(page)
        self._rail.show_chosen(name)
        self.page_name = name
        self.actions_.show_page(name)
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
            made.theme_requested.connect(self.use_theme)  # type: ignore[attr-defined]
            self.theme_requested.connect(made.show_theme)  # type: ignore[attr-defined]
            made.zoom_requested.connect(self.actions_.zoom)  # type: ignore[attr-defined]
            made.keys_requested.connect(self.actions_.menus["change-keys"].trigger)  # type: ignore[attr-defined]
        self._pages[name] = made
        self._stack.addWidget(made)
        if self.keeps_state:
            restore_panes(name, made)
        return made

    def _on_tables_changed(self, tables: set[str]) -> None:
        for name in self._pages:
            self._changed.setdefault(name, set()).update(tables)
        if tables & _COUNTED:
            self._count()
        if tables & UNDOABLE:
            self.actions_.read_changes()
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

        self.reading.ask("rail", read, self._rail.show_counts)

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
        if self.workbench.read_only:  # its runs belong to the process that has it open
            return
        bench = self.workbench.bench
        self.reading.when(self.workbench.background.call(lambda: recover(bench)), take)
        if orphans := self.workbench.orphans:
            self.jobs.tell(tr(
                "{orphans} had no answer yet when the studio last ended; they may "
                "have been billed, and are made again when needed.", orphans=things(orphans, "call"),
            ))  # fmt: skip

    # -- actions ---------------------------------------------------------------------------

    def undo(self) -> None:
        """Take the newest change back and say what it was."""
        self.reading.when(self.workbench.undo(), lambda what: self._on_changed(
            tr("Undone: {what} (Ctrl+Shift+Z does it again)", what=what) if what else tr("Nothing to undo.")))  # fmt: skip

    def redo(self) -> None:
        """Do the newest undone change again and say what it was."""
        self.reading.when(self.workbench.redo(), lambda what: self._on_changed(
            tr("Done again: {what}", what=what) if what else tr("Nothing to do again.")))  # fmt: skip

    def import_files(self, files: list[Path]) -> None:
        """Show what files hold, and offer to take questions from them."""
        self.show_page("data").show_this(files)

    def use_theme(self, theme: str) -> None:
        """Choose the colours, here and for the next time."""
        QSettings().setValue("theme", theme)
        self.actions_.menus[f"theme-{theme}"].setChecked(True)
        self.theme_requested.emit(theme)

    def _on_changed(self, told: str) -> None:
        self.jobs.tell(told)
        self.actions_.read_changes()

    # Qt's own names

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the pages what room there is."""
        super().resizeEvent(event)
        self._rail.fit(event.size().width())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files and folders."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Show what the files dropped on the window hold; open a project's folder."""
        paths = dropped_paths(event)
        folders = [path for path in paths if path.is_dir()]
        if folders and is_project(folders[0]):
            self.open_requested.emit(folders[0])
        elif folders:
            self.jobs.tell(
                tr(
                    "✗ {folder} is not a project: drop the files in it, or a project's folder",
                    folder=folders[0],
                ),
                True,
            )
        elif paths:
            self.import_files(paths)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask when work is running; else let go of pages, threads and the bus."""
        tasks = [] if self._closing else self.workbench.background.tasks
        if tasks:
            event.ignore()
            ask(
                self,
                tr("Work is running"),
                tr(
                    "{tasks} would be stopped: {titles}. What was made is kept; a "
                    "training run stops at a checkpoint and can be resumed.",
                    tasks=things(len(tasks), "task"),
                    titles=", ".join(task.title for task in tasks),
                ),
                yes=tr("Stop and close"),
                then=self.close_at_once,
                no=tr("Go on working"),
            )
            return
        self._closed = True
        self._settle.stop()
        self.workbench.bus.leave(self._listener)
        if self.keeps_state:
            keep_window(self)
            keep_page(self.workbench.project, self.page_name)
        for name, page in self._pages.items():
            if self.keeps_state:
                keep_panes(name, page)
            page.leave()
        self.jobs.leave()
        self.toast.leave()
        self._troubles.close()
        self.reading.close()
        event.accept()
        self.closed.emit()

    def close_at_once(self) -> None:
        """Stop what is running and close, without asking."""
        self._closing = True
        self.close()
