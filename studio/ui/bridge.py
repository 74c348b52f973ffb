"""Turns what the bus says, on whatever thread, into four Qt signals on the thread that draws."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from studio.app.background import Task
from studio.ui.remedies import in_window


class Bridge(QObject):
    """The window's ear on the bus.

    Attributes:
        seen: tasks as they were when they last told of progress, also those that have ended since.

    Signals:
        tables_changed(set): rows of these tables were written.
        task_progressed(id, done, total): a task is so far.
        task_failed(id, message, detail): a task ended with an error.
        task_finished(id): a task ended, or was cancelled.
    """

    tables_changed = Signal(object)
    task_progressed = Signal(str, int, int)
    task_failed = Signal(str, str, str)
    task_finished = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.seen: dict[str, Task] = {}


class BusListener:
    """Hears the bus and emits on the bridge: their names are the same, so they can't be one class.

    Args:
        running: returns the tasks that have not ended. Asked on the bus's own thread: when the
            window hears of a short task, it may have ended.
    """

    def __init__(self, bridge: Bridge, running: Callable[[], list[Task]]) -> None:
        self._bridge = bridge
        self._running = running

    def tables_changed(self, tables: set[str]) -> None:
        """Emit that rows were written."""
        self._bridge.tables_changed.emit(tables)

    def task_progressed(self, task: str, done: int, total: int) -> None:
        """Emit how far a task is."""
        self._bridge.seen.update({one.id: one for one in self._running() if one.id == task})
        self._bridge.task_progressed.emit(task, done, total)

    def task_failed(self, task: str, message: str, detail: str) -> None:
        """Emit that a task failed."""
        self._bridge.task_failed.emit(task, in_window(message), detail)

    def task_finished(self, task: str) -> None:
        """Emit that a task ended."""
        self._bridge.task_finished.emit(task)
