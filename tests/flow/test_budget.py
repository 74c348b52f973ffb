"""A budget is never exceeded by more than what was in flight: not by kills, restarts or hangs."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.domain.errors import StudioError
from studio.domain.records import Attempt, Grade, Question, Rationale, TeacherRecord, Verdict
from studio.flow import pipeline
from studio.flow.rationales import SolveStage
from studio.flow.stage import Bench
from studio.launch.local import LocalLauncher
from studio.prompts import Prompts
from studio.store.tables import Store
from studio.teachers.opener import TeacherOpener
from tests import killing
from tests.fakes import FaultyEndpoint, add_mistakes, some_faults, teacher
from tests.ledger import check_ledger

A_CALL = 0.01  #: USD: 10 tokens in at 1,000 USD a million; tokens out are free
Make = Callable[..., FaultyEndpoint]


@pytest.fixture
def endpoint() -> Iterator[Make]:
    made: list[FaultyEndpoint] = []

    def make(**options: Any) -> FaultyEndpoint:
        made.append(FaultyEndpoint(killing.answer, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def priced(path: Path, url: str, *, questions: int, **fields: Any) -> Store:
    """Make a project with one teacher whose every answer costs the same."""
    store = Store.create(path)
    store.put(teacher("a", url, price_in=1000.0, price_out=0.0, **fields))
    add_mistakes(store, questions)
    return store


async def buy(store: Store, *stages: str, budget: float) -> str:
    """Run stages as the command line does; returns the last note."""
    opener = TeacherOpener(lambda record: None)
    bench = Bench(store, store.path, opener.open, LocalLauncher(), Prompts())
    note = ""
    plan = pipeline.plan(bench, stages)
    async for progress in pipeline.run_stages(bench, plan, budget_usd=budget):
        note = progress.note or note
    await opener.aclose()
    return note


@pytest.mark.skipif(os.name == "nt", reason="kills with -9")
def test_a_budget_holds_over_kills_and_restarts(tmp_path: Path, endpoint: Make) -> None:
    at_once, budget = 4, 0.40
    served = endpoint(fault=some_faults(0.15, seed=3), latency_s=0.05)
    store = priced(tmp_path / "p", served.url, questions=100, concurrency=at_once)
    store.close()
    in_flight = 0
    for kill in range(3):
        child = killing.start(tmp_path / "p", "solve", "--budget", str(budget))
        seen = served.requests
        while served.requests < seen + 5 + kill and child.poll() is None:
            time.sleep(0.005)
        killing.kill(child)
        store = Store(tmp_path / "p")
        in_flight += store.orphan_calls()
        store.close()
    store = Store(tmp_path / "p")
    assert asyncio.run(buy(store, "solve", budget=budget)) == "budget reached"
    assert asyncio.run(buy(store, "solve", budget=budget)) == "budget reached"
    check_ledger(store)
    spent = store.spent_usd() or 0.0
    assert spent <= budget + 1e-9
    assert spent >= budget - (in_flight + at_once + 8) * A_CALL, "nor is it kept back for nothing"
    billed = sum(served.sold.values()) * A_CALL
    assert billed <= budget + at_once * A_CALL, "what the endpoint would bill, lost replies and all"
    assert asyncio.run(buy(store, "solve", budget=2 * budget)) == "budget reached"
    assert (store.spent_usd() or 0.0) > budget, "more is bought when more is given"
    store.close()


async def test_done_work_takes_its_budget_with_it(store: Store, endpoint: Make) -> None:
    store.put(teacher("a", endpoint().url, price_in=1000.0, price_out=0.0))
    for _ in range(3):
        before = store.count(Rationale)
        add_mistakes_of_a_kind(store, before)
        assert await buy(store, "solve", budget=0.05) == ""
        assert store.count(Rationale) == before + 4


def add_mistakes_of_a_kind(store: Store, n: int) -> None:
    """Add four mistakes that are not there yet."""
    questions = [Question(text=f"What is {n + i} less one?", gold="0") for i in range(4)]
    attempts = [Attempt(question_id=q.id, student="small", text="Answer: 9") for q in questions]
    store.add(questions)
    store.add(attempts)
    store.add(
        Grade(subject_id=one.id, verdict=Verdict.WRONG, extracted="9", grader="rules:1")
        for one in attempts
    )


@pytest.mark.parametrize("fault", ["hang", "cut", "html", "no usage"])
async def test_calls_that_may_have_been_billed_count_against_the_budget(
    store: Store, endpoint: Make, fault: str
) -> None:
    """An endpoint that computes, bills and never delivers does not get the whole run."""
    served = endpoint(fault=lambda request: fault if "What is 0 " not in str(request) else "")
    store.put(teacher("a", served.url, price_in=1000.0, price_out=0.0, concurrency=8,
                      timeout_s=1.5))  # fmt: skip
    add_mistakes(store, 60)
    told = await buy(store, "solve", budget=0.10)
    assert told == "budget reached"
    assert served.requests <= 10 + 8
    assert SolveStage().todo(store) > 30
    for row in store.rows("SELECT cost_usd FROM calls WHERE outcome <> 'answered'"):
        assert row["cost_usd"] is None, "what is not known is not told as spent"


LONG_CALL = 0.01  #: USD, of a reply twenty times as long as it was to be


def long_replies(request: dict[str, Any], text: str) -> dict[str, int]:
    """Bill as an endpoint does that has never heard of ``max_tokens``."""
    asked = request.get("max_tokens") or request["max_completion_tokens"]
    return {"prompt_tokens": 0, "completion_tokens": 20 * int(asked)}


def a_dear_teacher(url: str, at_once: int) -> TeacherRecord:
    """Return a teacher whose calls are to cost a twentieth of what they do."""
    return teacher("a", url, price_in=0.0, price_out=1e6 * LONG_CALL / 200, max_tokens=10,
                   concurrency=at_once)  # fmt: skip


@pytest.mark.parametrize("budget", [0.05, 0.30])
async def test_an_endpoint_that_ignores_max_tokens_exceeds_a_budget_by_what_is_in_flight(
    store: Store, endpoint: Make, budget: float
) -> None:
    at_once = 8
    served = endpoint(usage=long_replies, latency_s=0.05)
    store.put(a_dear_teacher(served.url, at_once))
    add_mistakes(store, 60)
    assert await buy(store, "solve", budget=budget) == "budget reached"
    billed = served.requests * LONG_CALL
    assert store.spent_usd() == pytest.approx(billed)
    assert billed >= budget - LONG_CALL
    assert billed <= max(budget, at_once * LONG_CALL) + 1e-9, "only the first wave was not foreseen"
    for _ in range(3):
        assert await buy(store, "solve", budget=budget) == "budget reached"
    assert served.requests * LONG_CALL == pytest.approx(billed), "a restart buys nothing on top"


@pytest.mark.skipif(os.name == "nt", reason="kills with -9")
def test_what_was_never_answered_counts_as_the_answers_cost_that_come_later(
    tmp_path: Path, endpoint: Make
) -> None:
    """Killed before any reply: nobody knows what it cost until the first reply of a later run."""
    at_once, budget = 4, 0.20
    served = endpoint(usage=long_replies, latency_s=1.0)
    store = Store.create(tmp_path / "p")
    store.put(a_dear_teacher(served.url, at_once))
    add_mistakes(store, 60)
    store.close()
    for kill in range(2):
        child = killing.start(tmp_path / "p", "solve", "--budget", str(budget))
        while served.requests < (kill + 1) * at_once and child.poll() is None:
            time.sleep(0.005)
        killing.kill(child)
    served.latency_s = 0.02
    store = Store(tmp_path / "p")
    assert store.orphan_calls() == at_once
    assert store.spent_usd() is None
    reserved = store.rows("SELECT reserved_usd FROM calls")
    assert [row[0] for row in reserved] == pytest.approx([0.0005] * 2 * at_once, rel=0.1)
    assert asyncio.run(buy(store, "solve", budget=budget)) == "budget reached"
    check_ledger(store)
    billed = served.requests * LONG_CALL
    assert budget - LONG_CALL <= billed <= budget + at_once * LONG_CALL
    store.close()


async def test_a_reply_nobody_read_is_counted_also_when_it_is_asked_anew(
    store: Store, endpoint: Make
) -> None:
    """As after a kill between reply and reading, and a change of the teacher's settings."""
    served = endpoint()
    store.put(teacher("a", served.url, price_in=1000.0, price_out=0.0))
    add_mistakes(store, 1)
    await buy(store, "solve", budget=1.0)
    store.execute("DELETE FROM rationales")
    store.execute("UPDATE calls SET state = 'received', outcome = '', cost_usd = NULL")
    store.put(store.teachers()[0].changed(temperature=0.3))
    await buy(store, "solve", budget=1.0)
    check_ledger(store, requests=2)
    assert served.requests == 2
    assert store.spent_usd() == pytest.approx(2 * A_CALL)
    assert store.count(Rationale) == 1


@pytest.mark.parametrize("budget", [float("nan"), float("inf"), -1.0])
async def test_what_is_no_amount_of_money_buys_nothing(
    tmp_path: Path, endpoint: Make, budget: float
) -> None:
    served = endpoint()
    store = priced(tmp_path / "p", served.url, questions=1)
    with pytest.raises(StudioError, match="name an amount in USD"):
        await buy(store, "solve", budget=budget)
    assert store.spent_usd() is None
    assert served.requests == 0
    store.close()
