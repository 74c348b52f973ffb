"""The pace of one teacher: limits a minute, pauses asked for, outages, what it finds out itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from itertools import pairwise
from typing import Any

import pytest

from studio.domain.records import Rationale
from studio.flow import pace as pace_module
from studio.flow.pace import FIRST_AT_ONCE, OUTAGE_AFTER, SHORTEST_PAUSE_S, Pace
from studio.flow.rationales import SolveStage
from studio.store.tables import Store
from studio.teachers.base import Outcome
from tests.fakes import FaultyEndpoint, add_mistakes, teacher
from tests.killing import run
from tests.ledger import check_ledger


def pace_of(**fields: Any) -> Pace:
    return Pace(teacher("a", "http://localhost", **fields))


async def go(pace: Pace, outcome: Outcome = Outcome.ANSWERED, **told: Any) -> None:
    ticket = await pace.enter()
    assert ticket is not None
    pace.leave(ticket, outcome, **told)


async def test_no_more_at_once_than_allowed() -> None:
    pace = pace_of(concurrency=2)
    first, second = await pace.enter(), await pace.enter()
    third = asyncio.create_task(pace.enter())
    await asyncio.sleep(0.01)
    assert not third.done()
    assert first is not None
    pace.leave(first, Outcome.ANSWERED)
    assert await third is not None
    assert second is not None
    assert pace.running == 2


class Skipping(asyncio.SelectorEventLoop):
    """A loop that does not wait: its clock goes on to when the next timer is due, and only then."""

    _now = 0.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            due = self._scheduled[0].when()  # type: ignore[attr-defined]
            self._now = max(self._now + 1e-9, due)  # never still: a rest too small to add ends
        super()._run_once()  # type: ignore[misc]


def lasting(work: Callable[[], Coroutine[None, None, None]]) -> float:
    """Return how long work takes by a clock that only its own waiting drives."""
    with asyncio.Runner(loop_factory=Skipping) as runner:
        runner.run(work())
        return runner.get_loop().time()


def test_requests_a_minute_are_spread() -> None:
    async def ask() -> None:
        pace = pace_of(concurrency=64, requests_per_minute=1200)
        for _ in range(50):  # 40 may go at once, the others at 20 a second
            await go(pace)

    assert lasting(ask) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("said", "taken", "asked", "lasts"),
    [(2000, 500, 6, 2.5), (500, 1500, 6, 6.0), (500, 500, 4, 0.0), (9000, 9000, 2, 9.0)],
)
def test_tokens_a_minute_are_counted_as_they_turn_out(
    said: int, taken: int, asked: int, lasts: float
) -> None:
    """Two thousand may go ahead of time, then a thousand a second."""

    async def ask() -> None:
        pace = pace_of(concurrency=64, tokens_per_minute=60_000)
        for _ in range(asked):
            ticket = await pace.enter(said)
            assert ticket is not None
            pace.leave(ticket, Outcome.ANSWERED)
            pace.count_tokens(ticket, taken)

    assert lasting(ask) == pytest.approx(lasts)


@pytest.mark.parametrize("asked_s", [0.1, 1.5])  # shorter and longer than any pause of our own
def test_what_the_endpoint_asks_holds_for_all_requests_with_the_key(asked_s: float) -> None:
    async def ask() -> None:
        pace = pace_of(concurrency=8)
        waiting = [await pace.enter() for _ in range(3)]
        assert waiting[0] is not None
        pace.leave(waiting[0], Outcome.RATE_LIMITED, retry_after_s=asked_s)
        await go(pace)

    assert lasting(ask) == pytest.approx(asked_s)


async def test_nothing_is_sent_in_the_time_an_endpoint_asks_for(store: Store) -> None:
    came: list[float] = []

    def fault(request: dict[str, Any]) -> str:
        came.append(time.monotonic())
        return "429 for a second" if len(came) == 1 else ""

    endpoint = FaultyEndpoint(fault=fault)
    try:
        store.put(teacher("a", endpoint.url, concurrency=1))
        add_mistakes(store, 3)
        assert await run(store, SolveStage()) == ""
    finally:
        endpoint.close()
    assert len(came) == 4
    assert came[1] - came[0] >= 1.3


async def test_adaptive_it_grows_with_answers_and_shrinks_once_for_one_refusal() -> None:
    pace = pace_of(concurrency=64, adaptive=True)
    assert pace.limit == FIRST_AT_ONCE
    for _ in range(28):
        await go(pace)
    assert pace.limit == 32
    tickets = [await pace.enter() for _ in range(10)]
    for ticket in tickets:
        assert ticket is not None
        pace.leave(ticket, Outcome.RATE_LIMITED, retry_after_s=0.01)
        if pace.limit < 32:
            assert pace.limit == 16, "ten refusals of one moment are one"
        if ticket is tickets[OUTAGE_AFTER - 2]:
            break
    assert pace.limit == 16


async def test_an_outage_opens_the_circuit_is_looked_at_and_ends_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pace_module, "FIRST_PAUSE_S", 0.01)
    pace = pace_of(concurrency=16)
    await go(pace)
    for ticket in [await pace.enter() for _ in range(OUTAGE_AFTER)]:
        assert ticket is not None
        pace.leave(ticket, Outcome.SERVER)
    assert pace.is_out
    probe = await pace.enter()
    other = asyncio.create_task(pace.enter())
    await asyncio.sleep(0.1)
    assert not other.done(), "one looks, the others wait"
    assert probe is not None
    pace.leave(probe, Outcome.ANSWERED)
    assert not pace.is_out
    assert await other is not None


async def test_closed_it_lets_nobody_wait() -> None:
    pace = pace_of(concurrency=1)
    assert await pace.enter() is not None
    waiting = asyncio.create_task(pace.enter())
    await asyncio.sleep(0)
    pace.close()
    assert await waiting is None
    assert await pace.enter() is None


async def test_an_outage_in_the_middle_costs_no_item(store: Store) -> None:
    """For a while the endpoint fails whoever asks; afterwards every item is there, once."""
    began: list[float] = []

    def fault(request: dict[str, Any]) -> str:
        if endpoint.requests == 10:
            began.append(time.monotonic())
        return "503" if began and time.monotonic() - began[0] < 1.5 else ""

    endpoint = FaultyEndpoint(fault=fault)
    try:
        store.put(teacher("a", endpoint.url, concurrency=8))
        add_mistakes(store, 40)
        assert await run(store, SolveStage()) == ""
    finally:
        endpoint.close()
    assert store.count(Rationale) == 40
    assert endpoint.requests <= 40 + 24, "nobody runs into the same wall again and again"
    check_ledger(store, requests=endpoint.requests)


async def test_a_key_that_is_slowed_down_loses_no_item(store: Store) -> None:
    """A limit at the endpoint's side: far more requests come at once than it takes."""
    came: list[float] = []

    def fault(request: dict[str, Any]) -> str:
        now = time.monotonic()
        came[:] = [at for at in came if now - at < 0.5]
        if len(came) >= 8:
            return "429 in ms"
        came.append(now)
        return ""

    endpoint = FaultyEndpoint(fault=fault)
    try:
        store.put(teacher("a", endpoint.url, concurrency=24, adaptive=True))
        add_mistakes(store, 60)
        assert await run(store, SolveStage()) == ""
    finally:
        endpoint.close()
    assert store.count(Rationale) == 60
    check_ledger(store, requests=endpoint.requests)


async def test_a_pause_in_the_past_is_a_pause_and_each_time_a_longer_one() -> None:
    pace = pace_of(concurrency=1)
    started = time.monotonic()
    waits = []
    for _ in range(4):
        before = time.monotonic()
        await go(pace, Outcome.RATE_LIMITED, retry_after_s=0.0)
        waits.append(time.monotonic() - before)
    assert time.monotonic() - started >= SHORTEST_PAUSE_S * (1 + 2 + 4) * 0.95
    assert waits[0] < SHORTEST_PAUSE_S, "nobody had asked for a pause yet"
    assert waits[1] < waits[2] < waits[3]


async def test_an_endpoint_that_names_the_past_is_not_asked_in_a_busy_loop(store: Store) -> None:
    """Each refusal says: come back in 1970. Requests come at growing distances."""
    came: list[float] = []

    def fault(request: dict[str, Any]) -> str:
        came.append(time.monotonic())
        return "429 with a date" if len(came) <= 6 else ""

    endpoint = FaultyEndpoint(fault=fault)
    try:
        store.put(teacher("a", endpoint.url, concurrency=1))
        add_mistakes(store, 3)
        told = await run(store, SolveStage()) + await run(store, SolveStage())
    finally:
        endpoint.close()
    assert told == ""
    assert store.count(Rationale) == 3
    gaps = [b - a for a, b in pairwise(came[:7])]
    floor = [0.9 * SHORTEST_PAUSE_S * 2**n for n in range(len(gaps))]
    assert all(gap >= least for gap, least in zip(gaps, floor, strict=True)), gaps
    check_ledger(store, requests=endpoint.requests)


@pytest.mark.parametrize("outcome", [Outcome.RATE_LIMITED, Outcome.TIMED_OUT, Outcome.SERVER])
async def test_adaptive_it_shrinks_for_each_kind_of_too_fast(outcome: Outcome) -> None:
    pace = pace_of(concurrency=64, adaptive=True)
    for _ in range(12):
        await go(pace)
    assert pace.limit == 16
    await go(pace, outcome, retry_after_s=0.01 if outcome is Outcome.RATE_LIMITED else None)
    assert pace.limit == 8
    for _ in range(8):
        await go(pace)
    assert 8 < pace.limit < 9.1, "after a refusal it grows by one a round, not by one an answer"
    await go(pace, Outcome.EMPTY)
    assert pace.limit > 8, "an empty answer is no sign of haste"


async def test_adaptive_it_ends_near_what_the_endpoint_bears(store: Store) -> None:
    """The endpoint takes six at once and refuses the rest: that is found out without being told."""

    def fault(request: dict[str, Any]) -> str:
        return "429" if endpoint.running > 6 else ""

    endpoint = FaultyEndpoint(fault=fault, latency_s=0.02)
    try:
        store.put(teacher("a", endpoint.url, concurrency=64, adaptive=True))
        add_mistakes(store, 150)
        assert await run(store, SolveStage()) == ""
    finally:
        endpoint.close()
    assert store.count(Rationale) == 150
    assert endpoint.most_at_once < 32, "it did not run up to its ceiling"
    assert endpoint.requests < 150 * 1.5, "most requests were taken"
    check_ledger(store, requests=endpoint.requests)


async def test_requests_a_minute_hold_over_http(store: Store) -> None:
    endpoint = FaultyEndpoint()
    try:
        store.put(teacher("a", endpoint.url, concurrency=32, requests_per_minute=600))
        add_mistakes(store, 30)
        started = time.monotonic()
        assert await run(store, SolveStage()) == ""
        took = time.monotonic() - started
    finally:
        endpoint.close()
    assert endpoint.requests == 30
    assert took >= (30 - 20) / 10 * 0.95, "twenty ahead of time, then ten a second"


async def test_a_storm_opens_the_circuit_once_and_it_closes_by_itself(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every request fails for a while; meanwhile only single ones find out, ever less often."""
    monkeypatch.setattr(pace_module, "FIRST_PAUSE_S", 0.1)
    began: list[float] = []
    in_storm: list[float] = []

    def fault(request: dict[str, Any]) -> str:
        now = time.monotonic()
        if endpoint.requests == 6:
            began.append(now)
        if began and now - began[0] < 1.6:
            in_storm.append(now)
            return "529"
        return ""

    endpoint = FaultyEndpoint(fault=fault, latency_s=0.01)
    try:
        store.put(teacher("a", endpoint.url, concurrency=16))
        add_mistakes(store, 60)
        assert await run(store, SolveStage()) == ""
    finally:
        endpoint.close()
    assert store.count(Rationale) == 60
    looks = in_storm[16 + OUTAGE_AFTER :]  # those in flight as it broke, and their next tries
    assert len(looks) <= 6, "a storm is looked at, not run into"
    check_ledger(store, requests=endpoint.requests)
