"""Hands out what is to be asked, teacher by teacher, from one long iterable."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Container, Iterable

from studio.flow.calls import Ask


class Dealer:
    """Knows what waits for whom, and when there is nothing left and nothing more can come.

    It reads no further in ``asks`` than it must. Asks of a teacher in ``left_out`` are dropped:
    nobody will come for them.
    """

    def __init__(self, asks: Iterable[Ask], left_out: Container[str]) -> None:
        self._asks = iter(asks)
        self._left_out = left_out
        self._waiting: dict[str, deque[Ask]] = {}
        self._out = 0
        self._is_closed = False
        self._news: asyncio.Future[None] | None = None

    async def next_for(self, teacher: str) -> Ask | None:
        """Return the next ask for this teacher; None when there is none and none can follow."""
        while not self._is_closed and teacher not in self._left_out:
            ask = self._take(teacher)
            if ask is not None:
                self._out += 1
                return ask
            if not self._out and not any(self._waiting.values()):
                self._tell()
                break
            if self._news is None:
                self._news = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._news)
        return None

    def take_now(self, teacher: str) -> Ask | None:
        """Return the next ask for this teacher if there is one by now, without waiting."""
        if self._is_closed or teacher in self._left_out:
            return None
        ask = self._take(teacher)
        self._out += ask is not None
        return ask

    def give_back(self, ask: Ask) -> None:
        """Take back one that was handed out and not asked."""
        self._waiting.setdefault(ask.teacher.name, deque()).appendleft(ask)
        self._out -= 1

    @property
    def out(self) -> int:
        """How many were handed out and have not come to their end."""
        return self._out

    def done(self) -> None:
        """One that was handed out has come to its end; what follows from it was added before."""
        self._out -= 1
        if not self._out:
            self._tell()

    def add(self, asks: Iterable[Ask]) -> int:
        """Put asks before all others; returns how many. They go to whoever is not left out."""
        added = [ask for ask in asks if ask.teacher.name not in self._left_out]
        for ask in reversed(added):
            self._waiting.setdefault(ask.teacher.name, deque()).appendleft(ask)
        if added:
            self._tell()
        return len(added)

    def forget(self, teacher: str) -> None:
        """Drop what waits for this teacher."""
        self._waiting.pop(teacher, None)
        self._tell()

    def close(self) -> None:
        """Hand out nothing more."""
        self._is_closed = True
        self._tell()

    def _take(self, teacher: str) -> Ask | None:
        waiting = self._waiting.setdefault(teacher, deque())
        if waiting:
            return waiting.popleft()
        for ask in self._asks:
            if ask.teacher.name == teacher:
                return ask
            if ask.teacher.name not in self._left_out:
                self._waiting.setdefault(ask.teacher.name, deque()).append(ask)
        return None

    def _tell(self) -> None:
        news, self._news = self._news, None
        if news is not None and not news.done():
            news.set_result(None)
