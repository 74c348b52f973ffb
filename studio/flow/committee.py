"""The engine behind every stage that asks teachers: who is asked when, and again, and no more.

All teachers are asked at once, each up to its own concurrency; a reply that is on disk already is
used instead of a new call.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress

from studio.domain.errors import TeacherError
from studio.domain.records import TeacherRecord, digest
from studio.flow.batch_deal import BatchDeal
from studio.flow.calls import Ask, Calls, Keep, Kept, Made
from studio.flow.dealer import Dealer
from studio.flow.pace import FIRST_PAUSE_S, LONGEST_PAUSE_S, Pace, Ticket
from studio.flow.stage import Bench, Progress
from studio.teachers.base import ACCOUNT_WIDE, PASSING, Outcome, RawReply, Reply

__all__ = ["Ask", "Keep", "Kept", "ask_all"]

TRIES = 3  #: requests for one item while its teacher works otherwise; each is a row of the ledger
MOST_TRIES = 50  #: with all that were the endpoint's trouble and not the item's
REPLIES_WITHIN_S = 10.0  #: how long a cancelled stage waits for replies that are paid for already
TELL_EVERY_S = 0.1
_CHARACTERS_A_TOKEN = 4
BUDGET_REACHED = "budget reached"


async def ask_all(
    bench: Bench,
    asks: Iterable[Ask],
    *,
    stage: str,
    total: int,
    keep: Keep,
    teachers: Sequence[TeacherRecord] | None = None,
    tables: Iterable[str] = (),
    follows: Mapping[str, int] = {},
) -> AsyncGenerator[Progress, None]:
    """Ask everything in ``asks`` and hand each usable reply to ``keep``, which adds the record.

    Args:
        asks: drawn from as teachers get free, so it may be long.
        keep: runs inside a commit; may return further asks, which are asked before all others.
        teachers: all that may be asked; by default the project's active ones.
        tables: what ``keep`` writes to.
        follows: how many further asks one of a stage is expected to lead to; ``total`` counts them,
            so that the time left is not told too short.

    Raises:
        TeacherError: at the end, when a teacher had to be left out (no key, no quota, not there);
            all others have been asked, and everything they said is kept.
    """
    asked = bench.store.teachers() if teachers is None else teachers
    committee = _Committee(bench, asks, teachers=asked, stage=stage, total=total, keep=keep,
                           follows=follows)  # fmt: skip
    work = asyncio.create_task(committee.run())
    written, told = {"calls", *tables}, 0
    try:
        yield committee.progress()
        while not work.done():
            await asyncio.wait([work], timeout=TELL_EVERY_S)
            if committee.calls_made != told:
                told = committee.calls_made
                bench.changed(written)
            yield committee.progress()
        work.result()
    finally:
        committee.stop()
        await _let_end(work, committee)
        bench.changed(written)
    if committee.left_out:
        raise TeacherError(committee.complaint())


async def _let_end(work: asyncio.Task[None], committee: _Committee) -> None:
    """Wait for replies in flight, then end what is left."""
    try:
        if not work.done():
            await asyncio.wait([work], timeout=REPLIES_WITHIN_S)
    finally:  # also when cancelled once more
        ending = committee.cancel()
        work.cancel()
        await asyncio.gather(work, *ending, return_exceptions=True)  # told already, or about to be


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
        follows: Mapping[str, int],
    ) -> None:
        self.calls = Calls(bench, keep)
        self._follows = follows
        self._stage, self._total = stage, total
        self._teachers = teachers
        self._paces = {teacher.name: Pace(teacher) for teacher in teachers}
        self._batches = {one.name: BatchDeal(bench, one, self) for one in teachers if one.batch}
        self.parked = 0  #: asks that wait in batches
        self.is_out_of_money = False
        self.left_out: dict[str, str] = {}  #: teacher: why, in words
        self.dealer = Dealer(asks, self.left_out)
        self._tasks: set[asyncio.Task[None]] = set()
        self._error: BaseException | None = None
        self._done = self._failed = self.calls_made = 0
        self._note = ""
        self.stopping = asyncio.Event()
        self._random = random.Random(digest(stage, total))

    async def run(self) -> None:
        """Ask everybody everything; ends when all has been said."""
        for teacher in self._teachers:
            batches = self._batches.get(teacher.name)
            self._start(self._deal(teacher) if batches is None else batches.run())
        while self._tasks:
            await asyncio.wait(self._tasks)
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Send nothing more; what is under way comes to its end."""
        self.stopping.set()
        self.calls.purse.close()
        self.dealer.close()
        for pace in self._paces.values():
            pace.close()

    def cancel(self) -> list[asyncio.Task[None]]:
        """End what is under way; returns it."""
        for task in self._tasks:
            task.cancel()
        return list(self._tasks)

    def progress(self) -> Progress:
        """Return how far the stage is."""
        said = {name: pace.describe() for name, pace in self._paces.items()}
        said |= {name: batches.describe() for name, batches in self._batches.items()}
        waits = [f"{name} {why}" for name, why in said.items() if why]
        return Progress(self._stage, self._done + self._failed, self._total, self._failed,
                        self.calls.purse.spent_here, self._note or ", ".join(waits))  # fmt: skip

    def complaint(self) -> str:
        """Return in one line which teachers were left out, why, and what to do."""
        told = "; ".join(f"{name} is left out: {why}" for name, why in self.left_out.items())
        return f"{told}. What was made is kept; run it again then"

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._error = self._error or error
            self.stop()

    async def _deal(self, teacher: TeacherRecord) -> None:
        """Send one teacher's asks on their way, as fast as its pace allows."""
        pace = self._paces[teacher.name]
        while (ask := await self.dealer.next_for(teacher.name)) is not None:
            made = self.calls.on_disk(ask)
            if made is not None:
                self.finish(ask, made.kept)
                await asyncio.sleep(0)  # there may be thousands of them, and others wait
                continue
            ticket = await pace.enter(_tokens(ask))
            if ticket is None:
                self.dealer.done()
                return
            self._start(self._serve(ask, pace, ticket))

    async def _serve(self, ask: Ask, pace: Pace, ticket: Ticket) -> None:
        made = await self._ask(ask, pace, ticket)
        if made is None:
            self.dealer.done()
            return
        if not made.reply.outcome.is_usable:
            self.fail(ask)
            return
        self.finish(ask, made.kept)

    def fail(self, ask: Ask) -> None:
        """One ask has come to nothing, and nothing follows from it."""
        self._failed += 1
        self._total -= self._follows.get(ask.stage, 0)
        self.dealer.done()

    def finish(self, ask: Ask, kept: Kept | None) -> None:
        """One ask has been answered, and its record is made."""
        again, new, _ = kept or Kept()
        self._total += self.dealer.add(new)
        if not self.dealer.add(again):
            self._done += 1
            self._total -= self._follows.get(ask.stage, 0)
        self.dealer.done()

    async def _ask(self, ask: Ask, pace: Pace, first: Ticket) -> Made | None:
        """Ask until something comes of it; None when the stage is ending or out of money."""
        tries, ticket = 0, first
        for _ in range(MOST_TRIES):
            made = await self.calls.make(ask, pace, ticket)
            self.calls_made += 1
            if made is None:
                self.out_of_money()
                return None
            raw, reply, _ = made
            if reason := self._why_leave_out(raw, reply, pace):
                self.leave_out(ask.teacher.name, reason)
                return None
            is_theirs = pace.is_out or (reply.outcome is Outcome.RATE_LIMITED and pace.answers > 0)
            tries += not is_theirs
            if reply.outcome not in PASSING and not (is_theirs and reply.outcome in ACCOUNT_WIDE):
                return made
            if tries >= TRIES:
                return made
            if not is_theirs and raw.retry_after_s is None:
                await self._pause(tries)
            again = await pace.enter(_tokens(ask))
            if again is None:
                return None
            ticket = again
        return made

    def _why_leave_out(self, raw: RawReply, reply: Reply, pace: Pace) -> str:
        if pace.is_given_up:
            return f"the endpoint gives no answers any more ({reply.detail})"
        if reply.outcome is Outcome.OFFLINE and pace.answers:
            return ""  # it was there a moment ago
        return _why_leave_out(raw, reply)

    def leave_out(self, teacher: str, reason: str) -> None:
        """Ask this teacher nothing more."""
        self.left_out.setdefault(teacher, reason)
        self.dealer.forget(teacher)
        self._paces[teacher].close()

    def out_of_money(self) -> None:
        """The budget holds no further call."""
        if not self.stopping.is_set():
            self._note, self.is_out_of_money = BUDGET_REACHED, True
            self.stop()

    async def _pause(self, tries: int) -> None:
        pause = FIRST_PAUSE_S * 2 ** (tries - 1) * (0.5 + self._random.random())
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), pause)


def _tokens(ask: Ask) -> int:
    prompt = sum(len(message["content"]) for message in ask.messages)
    return prompt // _CHARACTERS_A_TOKEN + ask.max_tokens


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
