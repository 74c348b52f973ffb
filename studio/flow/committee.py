"""The engine behind every stage that asks teachers: who is asked when, and again, and no more.

All teachers are asked at once, each up to its own concurrency; a reply that is on disk already is
used instead of a new call.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import (
    AsyncGenerator,
    Callable,
    Container,
    Coroutine,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import suppress

from studio.domain.errors import TeacherError
from studio.domain.records import TeacherRecord, digest
from studio.flow.calls import Ask, Calls
from studio.flow.stage import Bench, Progress
from studio.teachers.base import ACCOUNT_WIDE, PASSING, Outcome, RawReply, Reply

__all__ = ["Ask", "Keep", "ask_all"]

TRIES = 3  #: requests for one item, at most; each is a row of the ledger
FIRST_PAUSE_S = 0.5  #: doubled at each try, with a random part, unless the endpoint says how long
LONGEST_PAUSE_S = 120.0  #: an endpoint that wants more is left out and its wish is told
REPLIES_WITHIN_S = 10.0  #: how long a cancelled stage waits for replies that are paid for already
TELL_EVERY_S = 0.1
BUDGET_REACHED = "budget reached"


Keep = Callable[[Ask, Reply], Sequence[Ask] | None]


async def ask_all(
    bench: Bench,
    asks: Iterable[Ask],
    *,
    stage: str,
    total: int,
    keep: Keep,
    teachers: Sequence[TeacherRecord] | None = None,
) -> AsyncGenerator[Progress, None]:
    """Ask everything in ``asks`` and hand each usable reply to ``keep``, which adds the record.

    Args:
        asks: drawn from as teachers get free, so it may be long.
        keep: may return further asks that the reply makes necessary; they go to the same teacher.
        teachers: all that ``asks`` may name; by default the project's active ones.

    Raises:
        TeacherError: at the end, when a teacher had to be left out (no key, no quota, not there);
            all others have been asked, and everything they said is kept.
    """
    asked = bench.store.teachers() if teachers is None else teachers
    committee = _Committee(bench, asks, teachers=asked, stage=stage, total=total, keep=keep)
    workers = [asyncio.create_task(worker) for worker in committee.workers()]
    try:
        yield committee.progress()
        while pending := [worker for worker in workers if not worker.done()]:
            await asyncio.wait(pending, timeout=TELL_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
            yield committee.progress()
            for worker in workers:
                if worker.done() and (error := worker.exception()) is not None:
                    raise error
        yield committee.progress()
    finally:
        committee.stop()
        await _let_end(workers)
    if committee.left_out:
        raise TeacherError(committee.complaint())


async def _let_end(workers: Sequence[asyncio.Task[None]]) -> None:
    """Wait for replies in flight, then end what is left."""
    pending = [worker for worker in workers if not worker.done()]
    try:
        if pending:
            await asyncio.wait(pending, timeout=REPLIES_WITHIN_S)
    finally:  # also when cancelled once more
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)  # told already, or about to be


class _Dealer:
    """Hands out asks by teacher from one long iterable, reading no further than it must.

    Asks of a teacher in ``left_out`` are dropped: nobody will come for them.
    """

    def __init__(self, asks: Iterable[Ask], left_out: Container[str]) -> None:
        self._asks = iter(asks)
        self._left_out = left_out
        self._waiting: dict[str, deque[Ask]] = {}

    def next_for(self, teacher: str) -> Ask | None:
        """Return the next ask for this teacher, or None when there is none left."""
        waiting = self._waiting.setdefault(teacher, deque())
        if waiting:
            return waiting.popleft()
        for ask in self._asks:
            if ask.teacher.name == teacher:
                return ask
            if ask.teacher.name not in self._left_out:
                self._waiting.setdefault(ask.teacher.name, deque()).append(ask)
        return None

    def forget(self, teacher: str) -> None:
        """Drop what waits for this teacher."""
        self._waiting.pop(teacher, None)


class _Committee:
    def __init__(
        self,
        bench: Bench,
        asks: Iterable[Ask],
        *,
        teachers: Sequence[TeacherRecord],
        stage: str,
        total: int,
        keep: Keep,
    ) -> None:
        self._calls = Calls(bench)
        self._keep = keep
        self._stage, self._total = stage, total
        self._teachers = teachers
        self.left_out: dict[str, str] = {}  #: teacher: why, in words
        self._dealer = _Dealer(asks, self.left_out)
        self._done = self._failed = 0
        self._note = ""
        self._stopping = asyncio.Event()
        self._random = random.Random(digest(stage, total))

    def workers(self) -> Iterator[Coroutine[None, None, None]]:
        """Yield one coroutine per request that may be under way at once."""
        for teacher in self._teachers:
            for _ in range(teacher.concurrency):
                yield self._work(teacher)

    def stop(self) -> None:
        """Send nothing more; what is under way comes to its end."""
        self._stopping.set()
        self._calls.purse.close()

    def progress(self) -> Progress:
        """Return how far the stage is."""
        return Progress(self._stage, self._done + self._failed, self._total, self._failed,
                        self._calls.purse.spent_here, self._note)  # fmt: skip

    def complaint(self) -> str:
        """Return in one line which teachers were left out, why, and what to do."""
        told = "; ".join(f"{name} is left out: {why}" for name, why in self.left_out.items())
        return f"{told}. What was made is kept; run it again then"

    async def _work(self, teacher: TeacherRecord) -> None:
        while not self._stopping.is_set() and teacher.name not in self.left_out:
            ask = self._dealer.next_for(teacher.name)
            if ask is None:
                return
            await self._serve(ask)

    async def _serve(self, ask: Ask) -> None:
        waiting = [ask]
        while waiting:
            one = waiting.pop()
            reply = self._calls.on_disk(one) or await self._ask(one)
            if reply is None:
                return
            if not reply.outcome.is_usable:
                self._failed += 1
                return
            waiting.extend(self._keep(one, reply) or ())
        self._done += 1

    async def _ask(self, ask: Ask) -> Reply | None:
        """Ask up to ``TRIES`` times; None when the stage is ending or out of money."""
        for attempt in range(TRIES):
            if self._stopping.is_set() or ask.teacher.name in self.left_out:
                return None
            made = await self._calls.make(ask)
            if made is None:
                self._out_of_money()
                return None
            raw, reply = made
            if reason := _why_leave_out(raw, reply):
                self.left_out.setdefault(ask.teacher.name, reason)
                self._dealer.forget(ask.teacher.name)
                return None
            if reply.outcome not in PASSING or attempt == TRIES - 1:
                return reply
            await self._pause(raw, attempt)
        return None

    def _out_of_money(self) -> None:
        if not self._stopping.is_set():
            self._note = BUDGET_REACHED
            self.stop()

    async def _pause(self, raw: RawReply, attempt: int) -> None:
        pause = raw.retry_after_s
        if pause is None:
            pause = FIRST_PAUSE_S * 2**attempt * (0.5 + self._random.random())
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), pause)


def _why_leave_out(raw: RawReply, reply: Reply) -> str:
    """Return why the next item would fare no better, in words; else an empty text."""
    if raw.retry_after_s is not None and raw.retry_after_s > LONGEST_PAUSE_S:
        return (
            f"it asks to be left alone for {raw.retry_after_s / 60:,.0f} minutes ({reply.detail})"
        )
    if reply.outcome not in ACCOUNT_WIDE:
        return ""
    if raw.status is None and reply.outcome is Outcome.DENIED:
        return reply.detail  # no key was found here; it says which
    remedy = {
        Outcome.DENIED: "the key is refused, set the variable that --api-key-env names",
        Outcome.QUOTA: "the account has no quota left",
        Outcome.NO_MODEL: "there is no such model or address, see 'mapd-studio teacher list'",
        Outcome.OFFLINE: "the endpoint does not answer, is it running?",
    }[reply.outcome]
    return f"{remedy} ({reply.detail})" if reply.detail else remedy
