"""One call to one teacher, by the book: intent on disk, request, raw reply on disk, then reading.

What a dead process left behind is taken up here too: a reply on disk that nobody read is read
now, and one that was read but not made into a record is used instead of a new call.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from pydantic import BaseModel

from studio.domain.errors import TeacherError
from studio.domain.records import TeacherRecord, digest
from studio.flow.commits import Commits
from studio.flow.pace import Pace, Ticket
from studio.flow.purse import Purse, cost_of, known_costs, unknown_costs
from studio.flow.stage import Bench
from studio.store import committee_views as views
from studio.teachers.base import MAYBE_BILLED, NOT_BILLED, Outcome, RawReply, Reply, read_reply

if TYPE_CHECKING:
    from studio.teachers.base import Teacher

KEPT_OF_A_FAILURE = (
    64 << 10
)  #: bytes of an error page or a half reply; whole replies are kept whole


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
        return digest(self.teacher.model, self.teacher.base_url, self.teacher.temperature,
                      self.messages, self.max_tokens, shape)  # fmt: skip


class Kept(NamedTuple):
    """What a reply makes necessary beyond its record."""

    again: Sequence[Ask] = ()  #: for the same item, which is not done yet
    new: Sequence[Ask] = ()  #: items of their own, of any teacher
    made: str = ""  #: id of the record, for those who make something of it


#: Makes a record of a usable reply, as part of the commit that settles the call.
Keep = Callable[[Ask, Reply], Kept | None]


class Made(NamedTuple):
    """A call that was made: what came over the wire, what was read in it, what follows from it."""

    raw: RawReply
    reply: Reply
    kept: Kept | None = None


class Calls:
    """Makes calls and keeps the ledger of them.

    Args:
        keep: makes a record of each usable reply.
    """

    def __init__(self, bench: Bench, keep: Keep) -> None:
        self._store = bench.store
        self._commits = Commits(bench.store)
        self._open = bench.open_teacher
        self._keep = keep
        self.purse = Purse(bench.store.spent_usd(), bench.spend_cap_usd,
                           unknown=unknown_costs(bench.store), known=known_costs(bench.store))  # fmt: skip

    def on_disk(self, ask: Ask) -> Made | None:
        """Use the reply to this very request that is on disk already, if there is one."""
        call = self._store.answered_call(ask.subject)
        if call is None or call.reply is None:
            return None
        raw = RawReply(call.reply)
        reply = read_reply(raw)
        with self._store.transaction():
            if call.state == "received":  # read and counted, also where it answers an older prompt
                reply = self._identified(ask, raw, reply, call.id)
                self.purse.read(ask.teacher, self._settle(ask, call.id, raw, reply))
            if call.request_hash != ask.request_hash or not reply.outcome.is_usable:
                return None
            reply = reply._replace(call_id=call.id)
            return Made(raw, reply, self._keep(ask, reply))

    async def make(self, ask: Ask, pace: Pace, ticket: Ticket) -> Made | None:
        """Make one call; None when the purse gives nothing out. Never raises for a fault of theirs.

        Args:
            ticket: of the teacher's pace; it is given back as soon as the reply is there.
        """
        sent: Outcome | None = None
        reserved, retry_after, was_sent = None, None, False
        try:
            self._store.check_space()
            teacher = self._open(ask.teacher)
            prompt = sum(len(message["content"]) for message in ask.messages)
            reserved = await self.purse.reserve(ask.teacher, prompt=prompt,
                                                max_tokens=ask.max_tokens)  # fmt: skip
            if reserved is None:
                return None
            call_id = uuid.uuid4().hex
            was_sent = True
            raw = await self._send(teacher, ask, call_id, reserved)
            sent, retry_after = raw.failure or Outcome.ANSWERED, raw.retry_after_s
        except TeacherError as error:  # no key, say: nothing was sent, nothing is in the ledger
            return Made(RawReply(), Reply(Outcome.DENIED, detail=str(error)))
        finally:
            pace.leave(ticket, sent, retry_after_s=retry_after)
            if sent is None and reserved is not None:
                self.purse.settle(ask.teacher, reserved, None, maybe=was_sent)
        cost, maybe = None, True
        try:
            made, cost = await self._take(ask, call_id, raw)
            maybe = made.reply.outcome not in NOT_BILLED
        finally:
            self.purse.settle(ask.teacher, reserved, cost, maybe=maybe)
        if made.reply.tokens_in is not None and made.reply.tokens_out is not None:
            pace.count_tokens(ticket, made.reply.tokens_in + made.reply.tokens_out)
        if made.reply.outcome is Outcome.REPEATED:
            await teacher.drop_connections()
        return made

    async def _send(self, teacher: Teacher, ask: Ask, call_id: str, reserved: float) -> RawReply:
        try:
            await self._commits.join(lambda: self._store.intend_call(
                call_id, subject=ask.subject, teacher=ask.teacher.name, stage=ask.stage,
                request_hash=ask.request_hash, prompt_hash=ask.prompt_hash, reserved_usd=reserved,
            ), unless_cancelled=True)  # fmt: skip
            return await teacher.send(ask.messages, max_tokens=ask.max_tokens, schema=ask.schema)
        except asyncio.CancelledError:
            self._store.settle_call(call_id, state="unknown", outcome="unknown",
                                    detail="ended before the reply; it may have been billed")  # fmt: skip
            raise

    async def _take(self, ask: Ask, call_id: str, raw: RawReply) -> tuple[Made, float | None]:
        """Put a reply on disk as it came; only then read it and make a record of it."""
        if raw.failure is None:
            await self._commits.join(lambda: self._store.settle_call(
                call_id, state="received", outcome="", reply=raw.body, status=raw.status
            ))  # fmt: skip
        return await self._commits.join_later(lambda: self._read(ask, raw, call_id))

    def _read(self, ask: Ask, raw: RawReply, call_id: str) -> tuple[Made, float | None]:
        reply = self._identified(ask, raw, read_reply(raw), call_id)
        cost = self._settle(ask, call_id, raw, reply)
        reply = reply._replace(call_id=call_id)
        kept = self._keep(ask, reply) if reply.outcome.is_usable else None
        return Made(raw, reply, kept), cost

    def _identified(self, ask: Ask, raw: RawReply, reply: Reply, call_id: str) -> Reply:
        """Refuse the reply of another call: the same id in the same bytes.

        The same id with another text is an endpoint that numbers its replies loosely (Ollama
        draws from 999), and so is one that repeats itself on a fresh connection.
        """
        if reply.reply_id is None:
            return reply
        twin = self._store.one(views.TWIN_CALL, ask.teacher.name, reply.reply_id, call_id)
        if twin is None:
            return reply
        again = self._store.value(views.REPEATS, ask.subject, Outcome.REPEATED, call_id)
        if twin["reply"] != raw.body or again:
            return reply._replace(reply_id=None, detail="the endpoint repeats its reply ids")
        self._store.execute(views.MARK_TWIN, "this reply came a second time", twin["id"])
        return Reply(Outcome.REPEATED, detail=f"reply {reply.reply_id} belongs to another call")

    def _settle(self, ask: Ask, call_id: str, raw: RawReply, reply: Reply) -> float | None:
        """Commit what became of a call; returns what it cost."""
        state = "answered" if reply.outcome.is_usable else "failed"
        if reply.outcome in MAYBE_BILLED:
            state = "unknown"
        cost = cost_of(ask.teacher, reply)
        partial = {"reply": raw.body[:KEPT_OF_A_FAILURE]} if raw.failure and raw.body else {}
        self._store.settle_call(
            call_id, state=state, outcome=str(reply.outcome), detail=reply.detail,
            status=raw.status, reply_id=reply.reply_id, served_model=reply.served_model,
            tokens_in=reply.tokens_in, tokens_out=reply.tokens_out, cost_usd=cost, **partial,
        )  # fmt: skip
        return cost
