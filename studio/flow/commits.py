"""Commits in one go what several calls have to say in the same moment.

A commit waits for the disk, and the loop waits with it: one at a time, a slow disk would set the
pace of all teachers together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from studio.store.tables import Store

T = TypeVar("T")
LEISURE_S = 0.02  #: what is safe on disk already is read after what is waiting to be sent
_Waiting = tuple[Callable[[], object], "asyncio.Future[Any]", bool]


class Commits:
    """Collects writes and commits them together at the loop's next turn."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[_Waiting] = []
        self._leisurely: list[_Waiting] = []

    async def join(self, write: Callable[[], T], *, unless_cancelled: bool = False) -> T:
        """Do ``write`` with the next commit; returns its result when that is on disk.

        Args:
            unless_cancelled: leave it undone when nobody waits for it any more.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._commit)
        self._waiting.append((write, done, unless_cancelled))
        return await done

    async def join_later(self, write: Callable[[], T]) -> T:
        """Do ``write`` in a while, with what others can wait with; returns its result."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        if not self._leisurely:
            loop.call_later(LEISURE_S, self._commit_leisurely)
        self._leisurely.append((write, done, False))
        return await done

    def _commit(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._write(waiting)

    def _commit_leisurely(self) -> None:
        waiting, self._leisurely = self._leisurely, []
        self._write(waiting)

    def _write(self, waiting: list[_Waiting]) -> None:
        wanted = [(write, done) for write, done, unless_cancelled in waiting
                  if not (unless_cancelled and done.cancelled())]  # fmt: skip
        try:
            with self._store.transaction():
                results = [write() for write, _ in wanted]
        except Exception as error:  # not handled here: each one who waits raises it
            for _, done in wanted:
                if not done.cancelled():
                    done.set_exception(error)
            return
        for (_, done), result in zip(wanted, results, strict=True):
            if not done.cancelled():
                done.set_result(result)
