"""Keeps the search index up with the project, on a thread of its own, a short step at a time.

It reads what is committed and writes a file of its own, so neither the stages nor the window wait.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

from studio.domain.errors import StorageError
from studio.store.search_index import SOURCES, SearchIndex

if TYPE_CHECKING:
    from pathlib import Path

    from studio.app.bus import Bus

TABLE = "search"  #: what the bus calls it
TELL_EVERY_S = 2.0
REST = 0.5  #: of the time a step took: one core of two stays free for the person


class Indexing:
    """The index of one open project, taken up to date from ``begin`` on.

    Each change of a text makes it go on; the bus is told while it grows and when it is whole.
    """

    def __init__(self, project: Path, bus: Bus) -> None:
        self._project = project
        self._bus = bus
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Start, if it has not begun: now is the first time that somebody may search."""
        if self._thread is None and not self._closing.is_set():
            self._bus.join(self)
            self._wake.set()
            self._thread = threading.Thread(target=self._run, name="studio-indexing", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End; what is in the index stays."""
        self._closing.set()
        self._wake.set()
        if self._thread is not None:
            self._bus.leave(self)
            self._thread.join()

    def _run(self) -> None:
        # the disk may be full or gone: then a search finds what there is, and says how much
        with (
            contextlib.suppress(StorageError),
            contextlib.closing(SearchIndex(self._project)) as index,
        ):
            while not self._closing.is_set():
                self._wake.wait()
                self._wake.clear()
                self._catch_up(index)

    def _catch_up(self, index: SearchIndex) -> None:
        told, grown = time.monotonic(), False
        while not self._closing.is_set():
            begun = time.monotonic()
            if not index.step():
                break
            grown = True
            now = time.monotonic()
            if now - told > TELL_EVERY_S:
                told = now
                self._bus.tables_changed({TABLE})
            self._closing.wait((now - begun) * REST)
        if grown and not self._closing.is_set():
            self._bus.tables_changed({TABLE})

    # what the bus tells

    def tables_changed(self, tables: set[str]) -> None:
        """Go on where there is a new text."""
        if tables & SOURCES.keys():
            self._wake.set()

    def task_progressed(self, task: str, done: int, total: int) -> None:
        """Is of no interest here."""

    def task_failed(self, task: str, message: str, detail: str) -> None:
        """Is of no interest here."""

    def task_finished(self, task: str) -> None:
        """Is of no interest here."""
