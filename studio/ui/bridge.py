"""Turns what the bus says, on whatever thread, into four Qt signals on the thread that draws."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal


class Bridge(QObject):
    """The window's ear on the bus; join it as a listener.

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


class BusListener:
    """Hears the bus and emits on the bridge: their names are the same, so they can't be one class."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def tables_changed(self, tables: set[str]) -> None:
        """Emit that rows were written."""
        self._bridge.tables_changed.emit(tables)

    def task_progressed(self, task: str, done: int, total: int) -> None:
        """Emit how far a task is."""
        self._bridge.task_progressed.emit(task, done, total)

    def task_failed(self, task: str, message: str, detail: str) -> None:
        """Emit that a task failed."""
        self._bridge.task_failed.emit(task, message, detail)

    def task_finished(self, task: str) -> None:
        """Emit that a task ended."""
        self._bridge.task_finished.emit(task)
