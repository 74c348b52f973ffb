"""Reads off the thread that draws: short ones on one thread, whole scorebooks on another, each with
its own read-only connection; and lets the page go on when a change it asked for is done."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from PySide6.QtCore import QObject, Signal
from shiboken6 import isValid

from studio.domain.errors import StudioError
from studio.store.tables import Store
from studio.ui.remedies import in_window

T = TypeVar("T")


class _Answer(NamedTuple):
    future: Future[Any]
    then: Callable[[Any], None]
    failed: Callable[[str], None]
    what: str = ""
    number: int = 0


class Reading(QObject):
    """Asks and is answered on the thread that draws.

    Signals:
        failed(str): something could not be read or written, and nobody else was told.
        unread(str): told besides, where it could not be read.
    """

    failed = Signal(str)
    unread = Signal(str)
    _answered = Signal(object)

    def __init__(self, project: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self._stores: dict[bool, Store] = {}  # each belongs to its reading thread
        self._newest: dict[str, int] = {}
        self._closed = False
        self._open = 0  # asked and not yet answered
        self._pools = {
            slow: ThreadPoolExecutor(1, thread_name_prefix="studio-reading")
            for slow in (False, True)
        }
        self._answered.connect(self._on_answered)

    @property
    def is_idle(self) -> bool:
        """Whether everything that was asked has been answered."""
        return self._open == 0

    @property
    def is_closed(self) -> bool:
        """Whether the connections are gone, and with them the project."""
        return self._closed

    def ask(
        self,
        what: str,
        read: Callable[[Store], T],
        then: Callable[[T], None],
        *,
        failed: Callable[[str], None] | None = None,
        slow: bool = False,
    ) -> None:
        """Run ``read`` on a reading thread, then ``then`` with its result here.

        Args:
            what: a name; the answer to an older question of the same name is dropped.
            slow: it may take seconds: the others do not wait for it.
        """
        if self._closed:
            return
        number = self._newest[what] = self._newest.get(what, 0) + 1

        def work() -> T | None:
            if self._newest[what] != number:  # asked anew before this one had its turn
                return None
            if slow not in self._stores:
                store = self._stores[slow] = Store(self._project, read_only=True)
                store.sql.set_progress_handler(lambda: self._closed, 200_000)
            return read(self._stores[slow])

        self._hear(self._pools[slow].submit(work), then, failed or self._on_unread, what, number)

    def when(
        self, done: Future[T], then: Callable[[T], None] = lambda _: None,
        *, failed: Callable[[str], None] | None = None,
    ) -> None:  # fmt: skip
        """Call ``then`` here when a change on the background thread is done."""
        self._hear(done, then, failed)

    def close(self) -> None:
        """End the reads in progress, drop the others, and let go of the connections."""
        self._closed = True
        for pool in self._pools.values():
            pool.shutdown(wait=True, cancel_futures=True)
        for store in self._stores.values():
            store.close()

    def _hear(
        self, future: Future[Any], then: Callable[[Any], None],
        failed: Callable[[str], None] | None, what: str = "", number: int = 0,
    ) -> None:  # fmt: skip
        self._open += 1
        answer = _Answer(future, then, failed or self.failed.emit, what, number)
        future.add_done_callback(lambda _: self._answered.emit(answer))

    def _on_unread(self, why: str) -> None:
        self.failed.emit(why)
        self.unread.emit(why)

    def _on_answered(self, answer: _Answer) -> None:
        self._open -= 1
        outdated = answer.what and self._newest[answer.what] != answer.number
        if self._closed or outdated or answer.future.cancelled() or _is_gone(answer.then):
            return
        error = answer.future.exception()
        if isinstance(error, StudioError):
            answer.failed(in_window(str(error)))
        elif error is not None:
            raise error
        else:
            answer.then(answer.future.result())


def _is_gone(then: Callable[[Any], None]) -> bool:
    """Return whether the window that wanted an answer was closed meanwhile, and deleted."""
    owner = getattr(then, "__self__", None)
    return isinstance(owner, QObject) and not isValid(owner)
