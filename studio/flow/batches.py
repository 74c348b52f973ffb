"""The batches of one teacher: handed over, looked after, collected; also those of an earlier run.

The intents of all its calls are on disk before a batch is handed over, its outputs before they are
read. A batch carries our mark: where the endpoint's answer got lost on the way, or the studio ended
before it came, the batch is found again by it, or its calls are counted as maybe billed.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from studio.domain import clock
from studio.flow.calls import KEPT_OF_A_FAILURE, Ask
from studio.store import batch_views as views
from studio.teachers.base import Batches, BatchState, EndpointFault, Outcome

if TYPE_CHECKING:
    from studio.store.tables import Store

LOOKS = 12  #: at an endpoint that does not answer, before it is given up for now
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 60.0  #: between two looks
LINES_AT_ONCE = 500  #: outputs a commit
#: Worth another look: nothing is lost by it.
_PASSING = frozenset({Outcome.RATE_LIMITED, Outcome.SERVER, Outcome.BROKEN, Outcome.TIMED_OUT,
                      Outcome.UNREADABLE, Outcome.OFFLINE})  # fmt: skip
#: Handed over or not? The answer got lost.
_UNSURE = frozenset({Outcome.SERVER, Outcome.BROKEN, Outcome.TIMED_OUT, Outcome.UNREADABLE,
                     Outcome.TOO_LARGE})  # fmt: skip
T = TypeVar("T")
_NOT_FOUND = "handed over, and not found at the endpoint; it may have been billed"
_NO_OUTPUT = "the batch ended without an answer to it; it may have been billed"


class Item(NamedTuple):
    """One ask on its way in a batch."""

    ask: Ask
    call_id: str
    reserved: float
    line: bytes


class Batch(NamedTuple):
    """A batch as the project knows it."""

    id: str
    teacher: str
    state: str  #: sending, waiting, collected, lost
    remote_id: str
    n: int
    done: int
    reserved: float  #: USD that it may cost, as far as one could tell
    sent_at: float
    ended_at: float | None
    detail: str


def all_batches(store: Store) -> list[Batch]:
    """Return every batch of a project, the newest first."""
    return [_batch(row) for row in store.rows(views.ALL)]


def batches_out(store: Store) -> list[Batch]:
    """Return the batches of a project that are with their endpoints, the newest first."""
    return [one for one in all_batches(store) if one.ended_at is None]


class Fate(NamedTuple):
    """What became of a call, and what was kept of its reply."""

    state: str
    outcome: str
    status: int | None
    reply: bytes


class BatchBook:
    """Keeps the batches of one teacher.

    Args:
        stopping: set when nothing more is to be waited for; what is with the endpoint stays there.
    """

    def __init__(
        self, store: Store, teacher: str, endpoint: Batches, stopping: asyncio.Event
    ) -> None:
        self._store, self._teacher = store, teacher
        self._endpoint, self._stopping = endpoint, stopping
        self.note = ""  #: for the progress line

    def under_way(self) -> list[Batch]:
        """Return the batches that are with the endpoint."""
        return [_batch(row) for row in self._store.rows(views.UNDER_WAY, self._teacher)]

    async def hand_over(self, items: Sequence[Item]) -> None:
        """Hand calls over as one batch; raises EndpointFault where the endpoint takes none."""
        batch_id = uuid.uuid4().hex
        self._store.check_space()
        with self._store.transaction():
            self._store.execute(views.BEGIN, batch_id, self._teacher, len(items),
                                sum(item.reserved for item in items), clock.now())  # fmt: skip
            for ask, call_id, reserved, _ in items:
                self._store.intend_call(
                    call_id, subject=ask.subject, teacher=self._teacher, stage=ask.stage,
                    request_hash=ask.request_hash, prompt_hash=ask.prompt_hash,
                    batch_id=batch_id, reserved_usd=reserved,
                )  # fmt: skip
        self.note = f"hands over {len(items):,} requests"
        try:
            remote = await self._endpoint.submit([item.line for item in items], mark=batch_id)
        except EndpointFault as fault:
            if fault.raw.failure in _UNSURE:
                await self._look_for(batch_id)
                return
            self._end(batch_id, "lost", fault.raw.detail, state="failed",
                      outcome=str(fault.raw.failure), why=fault.raw.detail)  # fmt: skip
            raise
        self._store.execute(views.HANDED_OVER, remote, batch_id)

    async def wait(self) -> bool:
        """Wait until every batch is collected; False where that is not to be waited for."""
        pause = FIRST_PAUSE_S
        for row in self.under_way():
            if row.state == "sending":  # of a run that ended before it knew
                await self._look_for(row.id)
        while rows := self.under_way():
            if self._stopping.is_set():
                return False
            for row in rows:
                state = await self._patiently(lambda: self._endpoint.state(row.remote_id))  # noqa: B023
                self._store.execute(views.HOW_FAR, min(state.done, row.n), row.id)
                if state.is_over:
                    await self._collect(row.id, state)
            if self._tell():
                await self._pause(pause)
                pause = min(pause * 1.5, LONGEST_PAUSE_S)
        return True

    def fate(self, item: Item) -> Fate:
        """Return what became of a call."""
        row = self._store.one(views.FATE, item.call_id)
        assert row is not None  # its intent was committed
        return Fate(row["state"], row["outcome"], row["status"], bytes(row["reply"] or b""))

    def _tell(self) -> bool:
        """Say what is with the endpoint; returns whether anything is."""
        rows = self.under_way()
        n, done = sum(row.n for row in rows), sum(row.done for row in rows)
        self.note = (f"has a batch of {n:,} with its endpoint, {done:,} done; it may take a day, and"
                     " is collected by the next run if this one ends" if rows else "")  # fmt: skip
        return bool(rows)

    async def _look_for(self, batch_id: str) -> None:
        remote = await self._patiently(lambda: self._endpoint.find(batch_id))
        if remote:
            self._store.execute(views.HANDED_OVER, remote, batch_id)
        else:
            self._end(batch_id, "lost", _NOT_FOUND, state="unknown", outcome="unknown",
                      why=_NOT_FOUND)  # fmt: skip

    async def _collect(self, batch_id: str, state: BatchState) -> None:
        """Put the outputs on disk as they came; what has none is settled as what that means."""
        waiting = {row["id"] for row in self._store.rows(views.OPEN_CALLS, batch_id)}
        strange = 0
        for file_id in state.outputs:
            lines = await self._patiently(lambda: self._endpoint.output(file_id))  # noqa: B023
            for start in range(0, len(lines), LINES_AT_ONCE):
                with self._store.transaction():
                    strange += sum(
                        not self._keep(line, waiting)
                        for line in lines[start : start + LINES_AT_ONCE]
                    )
                await asyncio.sleep(0)
        remark = f"{strange:,} lines of its output belong to no call of it" if strange else ""
        if state.state == "completed":
            self._end(batch_id, "collected", remark, state="unknown", outcome="unknown",
                      why=_NO_OUTPUT)  # fmt: skip
            return
        why = state.detail or f"the batch {state.state} before it was answered"
        outcome = Outcome.REJECTED if state.state == "failed" else Outcome.SERVER
        self._end(batch_id, "collected", why, state="failed", outcome=str(outcome), why=why)

    def _keep(self, line: bytes, waiting: set[str]) -> bool:
        """Commit one output under its call; False where it is nobody's, or comes a second time."""
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            return False
        call_id = value.get("custom_id") if isinstance(value, dict) else None
        if not isinstance(call_id, str) or call_id not in waiting:
            return False
        waiting.discard(call_id)
        response, error = value.get("response"), value.get("error")
        status = response.get("status_code") if isinstance(response, dict) else None
        if status == 200 and not error:
            self._store.settle_call(call_id, state="received", outcome="", reply=line, status=200)
            return True
        self._store.settle_call(
            call_id, state="failed", outcome=str(_outcome(status, error)),
            detail=_said(response, error), reply=line[:KEPT_OF_A_FAILURE],
            status=status if isinstance(status, int) and 0 <= status < 1000 else None,
        )  # fmt: skip
        return True

    def _end(
        self, batch_id: str, end: str, remark: str, *, state: str, outcome: str, why: str
    ) -> None:
        """End a batch; calls of which nothing is known become what ``state`` says."""
        with self._store.transaction():
            for row in self._store.rows(views.OPEN_CALLS, batch_id):
                self._store.settle_call(row["id"], state=state, outcome=outcome, detail=why)
            self._store.execute(views.END, end, remark, clock.now(), batch_id)

    async def _patiently(self, look: Callable[[], Awaitable[T]]) -> T:
        """Look again while the endpoint only seems to be away; raises its last fault."""
        pause = FIRST_PAUSE_S
        for tries in range(1, LOOKS + 1):
            try:
                return await look()
            except EndpointFault as fault:
                ends = tries == LOOKS or self._stopping.is_set()
                if ends or fault.raw.failure not in _PASSING:
                    raise
                self.note = f"does not answer ({fault.raw.detail})"
                await self._pause(max(pause, min(fault.raw.retry_after_s or 0.0, LONGEST_PAUSE_S)))
                pause = min(pause * 2, LONGEST_PAUSE_S)
        raise AssertionError("the loop above returns or raises")

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)


def _batch(row: Any) -> Batch:
    return Batch(*(row[name] for name in Batch._fields))


def _outcome(status: object, error: object) -> Outcome:
    code = str(error.get("code") or "") if isinstance(error, dict) else ""
    if status == 429:
        return Outcome.QUOTA if "quota" in code else Outcome.RATE_LIMITED
    if status in (401, 403):
        return Outcome.DENIED
    if isinstance(status, int) and 400 <= status < 500 and status not in (408, 409):
        return Outcome.REJECTED
    return Outcome.SERVER  # and what expired or was cancelled: not computed, worth another try


def _said(response: object, error: object) -> str:
    """Return what an output that is no answer says, in one short line."""
    body: Any = response.get("body") if isinstance(response, dict) else None
    inner = body.get("error") if isinstance(body, dict) else None
    for part in (error, inner):
        if isinstance(part, dict) and (text := part.get("message") or part.get("code")):
            return " ".join(str(text).encode("utf-8", "replace").decode().split())[:200]
    return "no answer in the batch's output"
