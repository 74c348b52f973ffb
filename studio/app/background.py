"""One thread with one asyncio loop, where every write and every call to a teacher happens.

The window submits work and goes on drawing; tasks run side by side on the loop and are cancelled
by cancelling. A task is an async generator of ``Progress``, so its progress is its own business.
"""

from __future__ import annotations

import asyncio
import threading
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from studio.domain.errors import StudioError
from studio.domain.redaction import without_keys

if TYPE_CHECKING:
    from studio.app.bus import Bus
    from studio.flow.stage import Progress

T = TypeVar("T")
REST_AFTER_S = 3.0  #: without work
CLOSE_WITHIN_S = 12.0  #: cancelled stages wait up to 10 s for replies in flight, then end


@dataclass
class Task:
    """A piece of work in progress, as the jobs bar shows it."""

    id: str
    title: str
    started: float
    latest: Progress | None = None
    future: Future[None] | None = None


class Background:
    """The background thread. ``submit`` for long work, ``call`` for a short write.

    Args:
        at_rest: done on the thread whenever there has been no work for a while.
    """

    def __init__(self, bus: Bus, at_rest: Callable[[], object] | None = None) -> None:
        self._bus = bus
        self._at_rest = at_rest
        self._rest: asyncio.TimerHandle | None = None
        self._loop = asyncio.new_event_loop()
        self._tasks: dict[str, Task] = {}
        self._drivers: set[asyncio.Task[None]] = set()
        self._made = 0
        self._thread = threading.Thread(target=self._run, name="studio-background", daemon=True)
        self._thread.start()

    @property
    def tasks(self) -> list[Task]:
        """Tasks that have not ended."""
        return list(self._tasks.values())

    def submit(self, title: str, work: Callable[[], AsyncIterator[Progress]]) -> str:
        """Start ``work`` on the loop; returns the task's id. Its end is told on the bus."""
        self._made += 1
        task = Task(f"task-{self._made}", title, time.monotonic())
        self._tasks[task.id] = task
        task.future = asyncio.run_coroutine_threadsafe(self._drive(task, work), self._loop)
        return task.id

    def call(self, function: Callable[[], T]) -> Future[T]:
        """Run a short ``function`` on the background thread; the future holds its result."""

        async def once() -> T:
            try:
                return function()
            finally:
                self._rest_later()

        return self.run(once())

    def run(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the loop; the future holds its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def cancel(self, task_id: str) -> None:
        """Ask a task to stop; what it has added stays."""
        task = self._tasks.get(task_id)
        if task is not None and task.future is not None:
            task.future.cancel()

    def close(self, last: Callable[[], Awaitable[None]] | None = None) -> None:
        """Cancel everything, wait for it to end, and stop the thread.

        Args:
            last: done on the loop when all work has ended.
        """
        if not self._thread.is_alive():
            return
        ended = asyncio.run_coroutine_threadsafe(self._end_all(last), self._loop)
        try:
            ended.result(CLOSE_WITHIN_S)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(CLOSE_WITHIN_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._rest_later()
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    async def _drive(self, task: Task, work: Callable[[], AsyncIterator[Progress]]) -> None:
        driver = asyncio.current_task()
        assert driver is not None  # this is its coroutine
        self._drivers.add(driver)
        driver.add_done_callback(self._drivers.discard)
        try:
            async for progress in work():
                task.latest = progress
                self._bus.task_progressed(task.id, progress.done, progress.total)
        except asyncio.CancelledError:
            pass  # asked for by the user; the stage has kept what it had
        except StudioError as error:
            self._forget(task)
            self._bus.task_failed(task.id, without_keys(str(error)), "")
            return
        except Exception as error:  # the outermost boundary of a task: a bug, told as one
            self._forget(task)
            detail = without_keys("".join(traceback.format_exception(error)))
            self._bus.task_failed(task.id, without_keys(f"{type(error).__name__}: {error}"), detail)
            return
        self._forget(task)
        self._bus.task_finished(task.id)

    def _forget(self, task: Task) -> None:
        self._tasks.pop(task.id, None)
        self._rest_later()

    def _rest_later(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
        if self._at_rest is not None:
            self._rest = self._loop.call_later(REST_AFTER_S, self._do_rest)

    def _do_rest(self) -> None:
        if self._at_rest is not None and not self._tasks:
            self._at_rest()

    async def _end_all(self, last: Callable[[], Awaitable[None]] | None) -> None:
        self._at_rest = None
        drivers = set(self._drivers)
        for driver in drivers:
            driver.cancel()
        if drivers:  # what they have under way is theirs to end: it may be paid for
            await asyncio.wait(drivers, timeout=CLOSE_WITHIN_S - 1)
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if last is not None:
            await last()
