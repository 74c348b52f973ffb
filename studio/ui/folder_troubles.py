"""Looks after the open project's folder every two seconds, and says what is the matter with it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QObject, QTimer, Signal

from studio.app.watch import ProjectWatch, Trouble
from studio.domain.errors import StudioError
from studio.store.lock import owner_of
from studio.store.tables import Store
from studio.ui.texts import tr
from studio.ui.widgets.banner import Banner

if TYPE_CHECKING:
    from studio.ui.main_window import MainWindow

EVERY_MS = 2_000


class _Seen(NamedTuple):
    trouble: Trouble | None
    written: int  # changes when another process has written


class FolderTroubles(QObject):
    """Shows what became of the folder in the window's banner, and stops work that would be lost.

    Signals:
        written_elsewhere(): another process has written to a project that is open to be looked at.
    """

    written_elsewhere = Signal()
    _looked = Signal(object)

    def __init__(self, window: MainWindow, banner: Banner) -> None:
        super().__init__(window)
        workbench = window.workbench
        self._window, self._banner, self._workbench = window, banner, workbench
        self._project = workbench.project
        self._watch = ProjectWatch(workbench.project, read_only=workbench.read_only)
        self._reads_along = workbench.read_only
        self._store: Store | None = None  # belongs to the thread that looks
        self._before = _Seen(None, 0)
        self._is_looking = self._closed = False
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="studio-folder")
        self._looked.connect(self._on_looked)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)
        self._timer.start(EVERY_MS)
        if workbench.read_only:
            self._say_read_only()
        elif workbench.store.remarks:
            self._say_remarks()

    def close(self) -> None:
        """Look no more."""
        self._closed = True
        self._timer.stop()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._watch.close()
        if self._store is not None:
            self._store.close()

    def _look(self) -> None:
        if not self._is_looking and not self._closed:  # a slow disk is asked once at a time
            self._is_looking = True
            self._pool.submit(lambda: self._looked.emit(self._see()))

    def _see(self) -> _Seen:
        trouble = self._watch.look()
        written = self._before.written
        if self._reads_along and trouble is None:
            try:
                if self._store is None:
                    self._store = Store(self._project, read_only=True)
                written = self._store.elsewhere()
            except StudioError as error:
                trouble = Trouble("gone", str(error))
        return _Seen(trouble, written)

    def _on_looked(self, seen: _Seen) -> None:
        self._is_looking = False
        if self._closed:
            return
        before, self._before = self._before, seen
        if seen.trouble != before.trouble:
            self._show(seen.trouble)
        if before.written and seen.written != before.written:
            self.written_elsewhere.emit()

    # -- what is said ----------------------------------------------------------------------

    def _say_read_only(self) -> None:
        project = self._project
        self._banner.show_text(
            tr("Only to look at: {project} has this project open. What it writes "
               "appears here; nothing can be changed.", project=owner_of(project)),
            actions=[(tr("Try to open it"), tr("Open it for changes, in case its owner has closed it"),
                      lambda: self._window.open_requested.emit(project))],
        )  # fmt: skip

    def _say_remarks(self) -> None:
        remarks = self._workbench.store.remarks
        self._banner.show_text(
            f"{'; '.join(remarks)}.",
            actions=[(tr("Hide"), tr("Hide this line until the project is opened again"),
                      self._banner.hide)],
        )  # fmt: skip

    def _show(self, trouble: Trouble | None) -> None:
        self._workbench.refusal = trouble.text if trouble is not None and trouble.is_grave else ""
        if trouble is None:
            self._banner.hide()
            if self._workbench.read_only:
                self._say_read_only()
            self._window.jobs.tell(tr("The project's folder is as it was again."))
            return
        where = trouble.moved_to
        actions: list[tuple[str, str, Callable[[], object]]] = []
        if where is not None:
            actions.append((tr("Open it there"), tr("Close this window and open {where}", where=where),
                            lambda: self._window.open_requested.emit(where)))  # fmt: skip
        if trouble.is_grave:
            background = self._workbench.background
            for task in background.tasks:
                background.cancel(task.id)
            actions.append((tr("Close"), tr("Close this window"), self._window.close_at_once))
        text = trouble.text[0].upper() + trouble.text[1:]
        self._banner.show_text(f"{text}.", actions=actions)
        self._window.toast.announce(tr("The project's folder"), text, failed=True)
