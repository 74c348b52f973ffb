"""A budget holds with many calls under way, and does not end the buying too early."""

from __future__ import annotations

import asyncio

import pytest

from studio.domain.records import TeacherRecord
from studio.flow.purse import Purse, Seen, Unknown, cost_of
from studio.teachers.base import Outcome, Reply

PRICED = TeacherRecord(name="a", model="m", base_url="u", price_in=0.0, price_out=1e6)
FREE = TeacherRecord(name="b", model="m", base_url="u")


async def spend(purse: Purse, cost: float, *, max_tokens: int) -> bool:
    reserved = await purse.reserve(PRICED, prompt=0, max_tokens=max_tokens)
    if reserved is None:
        return False
    await asyncio.sleep(0.001)
    purse.settle(PRICED, reserved, cost)
    return True


async def test_a_wave_of_calls_stays_below_the_cap() -> None:
    purse = Purse(None, 5.0)
    done = await asyncio.gather(*(spend(purse, 1.0, max_tokens=1) for _ in range(64)))
    assert sum(done) == 5
    assert purse.spent_here == pytest.approx(5.0)


async def test_a_high_ceiling_does_not_stop_cheap_calls() -> None:
    """One call finds out what calls cost; the others wait for it and do not give up."""
    purse = Purse(None, 10.0)
    done = await asyncio.gather(*(spend(purse, 0.1, max_tokens=4000) for _ in range(50)))
    assert all(done)


async def test_what_was_spent_before_counts_and_is_not_told_again() -> None:
    purse = Purse(4.5, 5.0)
    assert await spend(purse, 1.0, max_tokens=1), "one goes ahead to find out what they cost"
    assert purse.spent_here == 1.0
    assert not await spend(purse, 1.0, max_tokens=1)


async def test_calls_without_a_price_are_not_counted() -> None:
    purse = Purse(9.0, 5.0)
    assert await purse.reserve(FREE, prompt=10, max_tokens=10) == 0.0


async def test_a_reply_that_is_read_late_is_counted_once() -> None:
    known = {"a": Seen().with_one(1.0)}
    purse = Purse(1.0, 5.0, unknown={"a": Unknown(2, 2.0)}, known=known)
    for _ in range(2):
        purse.read(PRICED, 1.0)
    assert purse.spent_here == 2.0
    assert [await spend(purse, 1.0, max_tokens=1) for _ in range(3)] == [True, True, False]


async def test_closed_it_gives_nothing_out_and_lets_nobody_wait() -> None:
    purse = Purse(None, 10.0)
    reserved = await purse.reserve(PRICED, prompt=0, max_tokens=9)
    assert reserved is not None
    waiting = asyncio.create_task(purse.reserve(PRICED, prompt=0, max_tokens=9))
    await asyncio.sleep(0)
    purse.close()
    purse.settle(PRICED, reserved, 1.0)
    assert await waiting is None


def test_a_cost_is_known_or_none_and_never_zero_by_default() -> None:
    assert cost_of(FREE, Reply(Outcome.ANSWERED, tokens_in=5, tokens_out=5)) is None
    scripted = FREE.changed(scripted=True)
    assert cost_of(scripted, Reply(Outcome.ANSWERED, tokens_in=5, tokens_out=5)) == 0.0
    assert cost_of(PRICED, Reply(Outcome.ANSWERED, tokens_in=5)) is None
    assert cost_of(PRICED, Reply(Outcome.ANSWERED, tokens_in=5, tokens_out=2)) == 2.0
