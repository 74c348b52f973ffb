"""Asks one teacher by batches: gathers what is to be asked, hands it over, and gives out what came.

Where others wait for this teacher's answers nothing is gathered for longer than a minute; what comes
up while a batch is under way goes into the next one.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Protocol

from studio.domain.errors import TeacherError
from studio.flow.batches import BatchBook, Item
from studio.flow.purse import Unknown, unknown_costs
from studio.teachers.base import PASSING, EndpointFault, Outcome, RawReply

if TYPE_CHECKING:
    from studio.domain.records import TeacherRecord
    from studio.flow.calls import Ask, Calls, Kept
    from studio.flow.dealer import Dealer
    from studio.flow.stage import Bench
    from studio.teachers.base import Batches

MOST_CALLS = 10_000  #: a batch; below what endpoints take, so that less hangs on one
MOST_BYTES = 64 << 20  #: of a batch's file
GATHER_S = 60.0  #: from the first one on, while others may bring more
LOOK_S = 0.1  #: between two looks whether they did
READ_AT_ONCE = 200  #: answers made into records in one commit
TRIES = 3  #: of one item
_REMEDY = {
    Outcome.DENIED: "the key is refused, set the variable that --api-key-env names",
    Outcome.QUOTA: "the account has no quota left",
    Outcome.NO_MODEL: "its endpoint has no batch interface: change the teacher to ask it directly",
    Outcome.REJECTED: "its endpoint does not take the batch",
    Outcome.OFFLINE: "the endpoint does not answer, is it running?",
}


class Floor(Protocol):
    """What the committee lends to a deal."""

    calls: Calls
    dealer: Dealer
    stopping: asyncio.Event
    parked: int  #: asks that wait in batches, of all teachers
    is_out_of_money: bool  #: it stops for that; what was gathered is within the budget

    def finish(self, ask: Ask, kept: Kept | None) -> None:
        """One ask has been answered, and its record is made."""

    def fail(self, ask: Ask) -> None:
        """One ask has come to nothing."""

    def leave_out(self, teacher: str, reason: str) -> None:
        """Ask this teacher nothing more."""

    def out_of_money(self) -> None:
        """The budget holds no further call."""


class BatchDeal:
    """One teacher's part of a stage, by batches."""

    def __init__(self, bench: Bench, teacher: TeacherRecord, floor: Floor) -> None:
        self._bench, self._teacher, self._floor = bench, teacher, floor
        self._book: BatchBook | None = None
        self._tries: Counter[str] = Counter()

    def describe(self) -> str:
        """Return in words what is being waited for; empty: nothing."""
        return self._book.note if self._book else ""

    async def run(self) -> None:
        """Ask all there is to ask; ends when nothing can follow any more."""
        floor, name = self._floor, self._teacher.name
        try:
            endpoint = self._bench.open_teacher(self._teacher).in_batches()
            self._book = BatchBook(self._bench.store, name, endpoint, floor.stopping)
            await self._take_up(self._book)
            while not floor.stopping.is_set():
                items = await self._gather(endpoint)
                if not items:
                    return
                try:
                    if floor.stopping.is_set() and not floor.is_out_of_money:
                        for item in items:  # nobody wants them any more, and they would be billed
                            self._put_back(item.ask, item)
                        return
                    if not await self._send(self._book, items):
                        return
                except EndpointFault:
                    self._give_up(self._book, items)
                    raise
                finally:
                    floor.parked -= len(items)
                await self._give_out(self._book, endpoint, items)
        except TeacherError as error:  # no key, say: nothing was sent
            floor.leave_out(name, str(error))
        except EndpointFault as fault:
            floor.leave_out(name, why_leave_out(fault.raw))

    async def _take_up(self, book: BatchBook) -> None:
        """Collect what an earlier run handed over; its answers are then found on disk."""
        rows = book.under_way()
        held, calls = sum(row.reserved for row in rows), sum(row.n for row in rows)
        purse = self._floor.calls.purse
        purse.hold(held, calls)
        try:
            await book.wait()
        finally:
            # What was collected is read later or, where nobody asks for it now, not at all; and what
            # could not be looked at is billed all the same.
            name, out = self._teacher.name, sum(row.reserved for row in book.under_way())
            purse.take_unknown(name, unknown_costs(self._bench.store).get(name, Unknown()))
            purse.hold(out - held, -calls)

    async def _gather(self, endpoint: Batches) -> list[Item]:
        """Return what is to be asked by now; empty when there is nothing and nothing can follow."""
        floor, name = self._floor, self._teacher.name
        items: list[Item] = []
        size, until = 0, 0.0
        clock = asyncio.get_running_loop().time
        while not floor.stopping.is_set() and len(items) < MOST_CALLS:
            ask = floor.dealer.take_now(name)
            if ask is None and not items:
                ask = await floor.dealer.next_for(name)
                if ask is None:
                    break
            elif ask is None:
                if floor.dealer.out <= floor.parked or clock() > until:
                    break
                await asyncio.sleep(LOOK_S)
                continue
            made = floor.calls.on_disk(ask)
            if made is not None:
                floor.finish(ask, made.kept)
                await asyncio.sleep(0)
                continue
            item = self._item(ask, endpoint)
            if item is None or size + len(item.line) > MOST_BYTES:
                self._put_back(ask, item)
                if not items:
                    floor.out_of_money()
                break
            until = until or clock() + GATHER_S
            size += len(item.line)
            items.append(item)
            floor.parked += 1
        return items

    def _item(self, ask: Ask, endpoint: Batches) -> Item | None:
        """Return an ask as part of a batch; None where the budget does not hold it."""
        prompt = sum(len(message["content"]) for message in ask.messages)
        reserved = self._floor.calls.purse.try_reserve(
            ask.teacher, prompt=prompt, max_tokens=ask.max_tokens
        )
        if reserved is None:
            return None
        call_id = uuid.uuid4().hex
        line = endpoint.line(call_id, ask.messages, max_tokens=ask.max_tokens, schema=ask.schema)
        return Item(ask, call_id, reserved, line)

    def _put_back(self, ask: Ask, item: Item | None) -> None:
        if item is not None:
            self._floor.calls.purse.settle(ask.teacher, item.reserved, None)
        self._floor.dealer.give_back(ask)

    def _give_up(self, book: BatchBook, items: list[Item]) -> None:
        """Nothing will come of these now; else others wait for them, and for their money, for ever."""
        for item in items:
            maybe = book.fate(item).state != "failed"
            self._floor.calls.purse.settle(item.ask.teacher, item.reserved, None, maybe=maybe)
            self._floor.dealer.done()

    async def _send(self, book: BatchBook, items: list[Item]) -> bool:
        """Hand over and wait; False where the stage ends before the answers are there."""
        try:
            await book.hand_over(items)
        except EndpointFault as fault:
            if fault.raw.failure is not Outcome.RATE_LIMITED:
                raise
        return await book.wait()

    async def _give_out(self, book: BatchBook, endpoint: Batches, items: list[Item]) -> None:
        """Make records of what came, and ask again for what is worth it."""
        for start in range(0, len(items), READ_AT_ONCE):
            with self._bench.store.transaction():
                for item in items[start : start + READ_AT_ONCE]:
                    self._read(book, endpoint, item)
            await asyncio.sleep(0)

    def _read(self, book: BatchBook, endpoint: Batches, item: Item) -> None:
        floor, ask = self._floor, item.ask
        fate = book.fate(item)
        is_maybe = fate.state in ("unknown", "received")  # the second: until it is read
        floor.calls.purse.settle(ask.teacher, item.reserved, None, maybe=is_maybe)
        made = floor.calls.on_disk(ask) if fate.state == "received" else None
        if made is not None:
            floor.finish(ask, made.kept)
            return
        self._tries[ask.subject] += 1
        outcome = book.fate(item).outcome
        raw = RawReply(fate.reply, fate.status, Outcome.REJECTED)
        learned = outcome == Outcome.REJECTED and endpoint.learn(item.line, raw)
        if (outcome in PASSING or learned) and self._tries[ask.subject] < TRIES:
            floor.dealer.add([ask])
            floor.dealer.done()
        else:
            floor.fail(ask)


def why_leave_out(raw: RawReply) -> str:
    """Return in words why a teacher is asked nothing more by batches, and what to do."""
    remedy = _REMEDY.get(raw.failure or Outcome.SERVER, "its batches cannot be reached")
    return f"{remedy} ({raw.detail})" if raw.detail else remedy
