"""The engine behind every stage that asks teachers: ledger, pace, retries, identity, budget.

For each call: an intent row, the request, the raw reply on disk, and only then a look at it. All
teachers are asked at once, each up to its own concurrency; a reply that is on disk already is
used instead of a new call.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from pydantic import BaseModel

from studio.domain.errors import TeacherError
from studio.domain.records import TeacherRecord, digest
from studio.flow.stage import Bench, Progress
from studio.teachers.base import ACCOUNT_WIDE, PASSING, Outcome, RawReply, Reply, read_reply

TRIES = 3  #: requests for one item, at most; each is a row of the ledger
FIRST_PAUSE_S = 0.5  #: doubled at each try, with a random part, unless the endpoint says how long
REPLIES_WITHIN_S = 10.0  #: how long a cancelled stage waits for replies that are paid for already
TELL_EVERY_S = 0.1


class Ask(NamedTuple):
    """One thing to ask one teacher.

    ``subject`` is what the ledger finds it by again: the same subject and request is never bought
    twice.
    """

    subject: str
    teacher: TeacherRecord
    stage: str
    messages: list[dict[str, str]]
    prompt_hash: str
    max_tokens: int
    schema: type[BaseModel] | None = None

    @property
    def request_hash(self) -> str:
        """Hash of all that decides the reply."""
        shape = self.schema.__name__ if self.schema else ""
        return digest(self.teacher.model, self.teacher.base_url, self.messages, self.max_tokens,
                      shape)  # fmt: skip


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
        committee.stopping.set()
        await _let_end(workers)
    if committee.left_out:
        raise TeacherError(committee.complaint())


async def _let_end(workers: Sequence[asyncio.Task[None]]) -> None:
    """Wait for replies in flight, then end what is left."""
    pending = [worker for worker in workers if not worker.done()]
    if pending:
        await asyncio.wait(pending, timeout=REPLIES_WITHIN_S)
    for worker in workers:
        worker.cancel()
    for worker in workers:
        with suppress(asyncio.CancelledError, Exception):  # told already, or about to be
            await worker


class _Dealer:
    """Hands out asks by teacher from one long iterable, reading no further than it must."""

    def __init__(self, asks: Iterable[Ask]) -> None:
        self._asks = iter(asks)
        self._waiting: dict[str, deque[Ask]] = {}

    def next_for(self, teacher: str) -> Ask | None:
        """Return the next ask for this teacher, or None when there is none left."""
        waiting = self._waiting.setdefault(teacher, deque())
        if waiting:
            return waiting.popleft()
        for ask in self._asks:
            if ask.teacher.name == teacher:
                return ask
            self._waiting.setdefault(ask.teacher.name, deque()).append(ask)
        return None


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
        self._bench = bench
        self._store = bench.store
        self._keep = keep
        self._stage, self._total = stage, total
        self._teachers = teachers
        self._dealer = _Dealer(asks)
        self._done = self._failed = self._in_flight = 0
        self._bought = 0
        self._spent = self._cost_before = self._store.spent_usd()
        self._note = ""
        self.stopping = asyncio.Event()
        self.left_out: dict[str, Reply] = {}
        self._random = random.Random(digest(stage, total))

    def workers(self) -> Iterator[Coroutine[None, None, None]]:
        """Yield one coroutine per request that may be under way at once."""
        for teacher in self._teachers:
            for _ in range(teacher.concurrency):
                yield self._work(teacher)

    def progress(self) -> Progress:
        """Return how far the stage is."""
        cost = None if self._spent is None else self._spent - (self._cost_before or 0.0)
        return Progress(self._stage, self._done + self._failed, self._total, self._failed, cost,
                        self._note)  # fmt: skip

    def complaint(self) -> str:
        """Return in one line which teachers were left out, why, and what to do."""
        told = "; ".join(
            f"{name} is left out: {_in_words(reply)}" for name, reply in self.left_out.items()
        )
        return f"{told}. What was made is kept; run it again then"

    async def _work(self, teacher: TeacherRecord) -> None:
        while not self.stopping.is_set() and teacher.name not in self.left_out:
            ask = self._dealer.next_for(teacher.name)
            if ask is None:
                return
            await self._serve(ask)

    async def _serve(self, ask: Ask) -> None:
        waiting = [ask]
        while waiting:
            one = waiting.pop()
            reply = self._from_ledger(one) or await self._ask(one)
            if reply is None:
                return
            if not reply.outcome.is_usable:
                self._failed += 1
                return
            waiting.extend(self._keep(one, reply) or ())
        self._done += 1

    def _from_ledger(self, ask: Ask) -> Reply | None:
        """Return the reply that was paid for before somebody pulled the plug, if there is one."""
        call = self._store.answered_call(ask.subject)
        if call is None or call.request_hash != ask.request_hash or call.reply is None:
            return None
        reply = read_reply(RawReply(call.reply))
        if call.state == "received":
            self._settle(ask, call.id, RawReply(call.reply), reply)
        return reply._replace(call_id=call.id) if reply.outcome.is_usable else None

    async def _ask(self, ask: Ask) -> Reply | None:
        """Ask up to ``TRIES`` times; None when the stage is ending or out of money."""
        for attempt in range(TRIES):
            if self.stopping.is_set() or ask.teacher.name in self.left_out or self._is_spent():
                return None
            raw, reply = await self._ask_once(ask)
            if reply.outcome in ACCOUNT_WIDE:
                self.left_out.setdefault(ask.teacher.name, reply)
                return None
            if reply.outcome not in PASSING or attempt == TRIES - 1:
                return reply
            await self._pause(raw, attempt)
        return None

    async def _ask_once(self, ask: Ask) -> tuple[RawReply, Reply]:
        call_id = uuid.uuid4().hex
        try:
            teacher = self._bench.open_teacher(ask.teacher)
        except TeacherError as error:  # no key, say: nothing was sent, nothing is in the ledger
            return RawReply(), Reply(Outcome.DENIED, detail=str(error))
        self._store.intend_call(
            call_id, subject=ask.subject, teacher=ask.teacher.name, stage=ask.stage,
            request_hash=ask.request_hash, prompt_hash=ask.prompt_hash,
        )  # fmt: skip
        self._in_flight += 1
        try:
            raw = await teacher.send(ask.messages, max_tokens=ask.max_tokens, schema=ask.schema)
        finally:
            self._in_flight -= 1
        if raw.failure is None:
            self._store.settle_call(call_id, state="received", outcome="", reply=raw.body,
                                    status=raw.status)  # fmt: skip
        reply = read_reply(raw)
        if reply.reply_id and self._store.reply_seen(ask.teacher.name, reply.reply_id):
            reply = await self._repeated(ask, reply, call_id)
        self._settle(ask, call_id, raw, reply)
        return raw, reply._replace(call_id=call_id)

    async def _repeated(self, ask: Ask, reply: Reply, call_id: str) -> Reply:
        """Refuse the reply of another call, unless this endpoint gives every reply the same id."""
        repeats = self._store.value(
            "SELECT count(*) FROM calls WHERE subject = ? AND outcome = ? AND id <> ?",
            ask.subject, Outcome.REPEATED, call_id,
        )  # fmt: skip
        if repeats:  # a fresh connection gave it again: the endpoint numbers nothing
            return reply._replace(reply_id=None, detail="the endpoint repeats its reply ids")
        await self._bench.open_teacher(ask.teacher).drop_connections()
        return Reply(Outcome.REPEATED, detail=f"reply {reply.reply_id} belongs to another call")

    def _settle(self, ask: Ask, call_id: str, raw: RawReply, reply: Reply) -> None:
        state = "answered" if reply.outcome.is_usable else "failed"
        if reply.outcome in (Outcome.TIMED_OUT, Outcome.BROKEN):
            state = "unknown"  # sent, and maybe billed
        self._store.settle_call(
            call_id, state=state, outcome=str(reply.outcome), detail=reply.detail,
            status=raw.status, reply_id=reply.reply_id, served_model=reply.served_model,
            tokens_in=reply.tokens_in, tokens_out=reply.tokens_out,
            cost_usd=(cost := _cost(ask.teacher, reply)),
        )  # fmt: skip
        self._bought += 1
        if cost is not None:
            self._spent = (self._spent or 0.0) + cost

    def _is_spent(self) -> bool:
        cap = self._bench.spend_cap_usd
        if cap is None or self._spent is None:
            return False
        mean = (self._spent - (self._cost_before or 0.0)) / max(self._bought, 1)
        if self._spent + mean * self._in_flight < cap:
            return False
        self._note = "budget reached"
        self.stopping.set()
        return True

    async def _pause(self, raw: RawReply, attempt: int) -> None:
        pause = raw.retry_after_s
        if pause is None:
            pause = FIRST_PAUSE_S * 2**attempt * (0.5 + self._random.random())
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), pause)


def _cost(teacher: TeacherRecord, reply: Reply) -> float | None:
    """Return the cost in USD, or None where a price or a token count is not known."""
    if teacher.price_in is None or teacher.price_out is None:
        return None
    if reply.tokens_in is None or reply.tokens_out is None:
        return None
    return (reply.tokens_in * teacher.price_in + reply.tokens_out * teacher.price_out) / 1e6


def _in_words(reply: Reply) -> str:
    remedy = {
        Outcome.DENIED: "the key is refused, set the variable that --api-key-env names",
        Outcome.QUOTA: "the account has no quota left",
        Outcome.NO_MODEL: "there is no such model or address, see 'mapd-studio teacher list'",
        Outcome.OFFLINE: "the endpoint does not answer, is it running?",
    }[reply.outcome]
    return f"{remedy} ({reply.detail})" if reply.detail else remedy
