"""Says what happened, on whatever thread it happened; front ends listen.

The window turns these four calls into Qt signals, the command line into lines.
"""

from __future__ import annotations

from typing import Protocol


class Listener(Protocol):
    """What a front end wants to hear."""

    def tables_changed(self, tables: set[str]) -> None:
        """Rows of these tables were added or changed."""

    def task_progressed(self, task: str, done: int, total: int) -> None:
        """A task has finished ``done`` of ``total`` items."""

    def task_failed(self, task: str, message: str, detail: str) -> None:
        """A task ended with an error; ``detail`` is empty for a StudioError."""

    def task_finished(self, task: str) -> None:
        """A task ended with its result, or was cancelled."""


class Bus:
    """Passes each event on to every listener, in the order they joined."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def join(self, listener: Listener) -> None:
        """Let ``listener`` hear everything from now on."""
        self._listeners.append(listener)

    def leave(self, listener: Listener) -> None:
        """Stop telling ``listener``."""
        self._listeners.remove(listener)

    def tables_changed(self, tables: set[str]) -> None:
        """Tell that rows of these tables were written."""
        for listener in tuple(self._listeners):
            listener.tables_changed(tables)

    def task_progressed(self, task: str, done: int, total: int) -> None:
        """Tell how far a task is."""
        for listener in tuple(self._listeners):
            listener.task_progressed(task, done, total)

    def task_failed(self, task: str, message: str, detail: str) -> None:
        """Tell that a task failed."""
        for listener in tuple(self._listeners):
            listener.task_failed(task, message, detail)

    def task_finished(self, task: str) -> None:
        """Tell that a task has ended."""
        for listener in tuple(self._listeners):
            listener.task_finished(task)
