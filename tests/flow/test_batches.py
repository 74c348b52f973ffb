"""A teacher asked by batches: handed over once, collected once, whatever happens in between."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.domain.errors import TeacherError
from studio.domain.records import Explanation, Rationale, Review, StudentRecord
from studio.flow import asking, batch_deal, batches
from studio.flow.stage import Bench, Progress
from studio.launch.local import LocalLauncher
from studio.prompts import Prompts
from studio.store.tables import Store
from studio.teachers.opener import TeacherOpener
from tests.batch_endpoint import BatchEndpoint, Lines
from tests.curated import add_question
from tests.fakes import FaultyEndpoint, add_mistakes, teacher
from tests.ledger import check_ledger

MARK = re.compile(r"SCORE_([0-9a-f]{16}):")
PAID = ("explain", "solve", "review")


def answer(request: dict[str, Any]) -> str:
    shown = "\n".join(str(message["content"]) for message in request["messages"])
    if marks := MARK.findall(shown):
        return f"Fine.\nSCORE_{marks[-1]}: 5"
    found = re.search(r"What is (\d+) and 1", shown)
    assert found is not None
    return f"Answer: {int(found[1]) + 1}"


@pytest.fixture(autouse=True)
def _no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks a few hundredths apart instead of seconds to minutes."""
    for module, name in ((batches, "FIRST_PAUSE_S"), (batches, "LONGEST_PAUSE_S"),
                         (batch_deal, "LOOK_S")):  # fmt: skip
        monkeypatch.setattr(module, name, 0.02)


@pytest.fixture
def endpoint() -> Iterator[BatchEndpoint]:
    made = BatchEndpoint(answer)
    yield made
    made.close()


@pytest.fixture
async def open_bench(store: Store) -> AsyncIterator[Callable[..., Bench]]:
    openers: list[TeacherOpener] = []

    def make(cap: float | None = None) -> Bench:
        openers.append(TeacherOpener(lambda record: "sk-a-key-of-some-length"))
        return Bench(store, store.path, openers[-1].open, LocalLauncher(), Prompts(),
                     spend_cap_usd=cap)  # fmt: skip

    yield make
    for opener in openers:
        await opener.aclose()


@pytest.fixture
def bench(open_bench: Callable[..., Bench]) -> Bench:
    return open_bench()


def add(
    store: Store, endpoint: BatchEndpoint, *names: str, questions: int = 4, **more: Any
) -> None:
    for name in names:
        store.put(teacher(name, endpoint.url, batch=True, price_in=100.0, price_out=200.0, **more))
    add_mistakes(store, questions)


async def run(bench: Bench, *stages: str) -> list[Progress]:
    plan = asking.plan(bench, stages or PAID)
    return [progress async for progress in asking.run_stages(bench, plan)]


def states(store: Store) -> list[str]:
    return [row["state"] for row in store.rows("SELECT state FROM batches ORDER BY sent_at, id")]


def calls(store: Store) -> Counter[tuple[str, str]]:
    return Counter((r["state"], r["outcome"]) for r in store.rows("SELECT * FROM calls"))


def bought_twice(endpoint: BatchEndpoint) -> list[str]:
    return [text for text, n in Counter(endpoint.bought).items() if n > 2]  # two teachers


async def test_all_stages_go_through_batches_at_the_price_of_a_batch(
    bench: Bench, endpoint: BatchEndpoint
) -> None:
    add(bench.store, endpoint, "a", "b")
    said = await run(bench)
    assert [bench.store.count(kind) for kind in (Explanation, Rationale, Review)] == [8, 8, 8]
    assert all(review.score == 5 for review in bench.store.all(Review))
    assert set(states(bench.store)) == {"collected"}
    assert len(states(bench.store)) <= 8, "it waited for nobody and handed over single calls"
    costs = {row[0] for row in bench.store.rows("SELECT cost_usd FROM calls")}
    assert costs == {(10 * 100 + 5 * 200) / 2 / 1e6}
    assert any("has a batch of" in one.note for one in said)
    assert not any("chat" in one for one in endpoint.operations)
    check_ledger(bench.store, requests=24)
    before = len(endpoint.operations)
    await run(bench)
    assert len(endpoint.operations) == before, "nothing was missing, and yet something was asked"


async def test_a_batch_teacher_and_a_direct_one_work_side_by_side(
    bench: Bench, endpoint: BatchEndpoint
) -> None:
    direct = FaultyEndpoint(answer)
    try:
        add(bench.store, endpoint, "a", questions=3)
        bench.store.put(teacher("b", direct.url))
        await run(bench)
    finally:
        direct.close()
    assert bench.store.count(Review) == 6
    assert {r.reviewer for r in bench.store.all(Review)} == {"a", "b"}
    assert direct.requests == 3 * 3
    assert len(states(bench.store)) <= 3


async def test_a_stage_that_is_left_while_it_gathers_hands_nothing_over(
    bench: Bench, endpoint: BatchEndpoint
) -> None:
    slow = FaultyEndpoint(answer, latency_s=1.0)
    try:
        add(bench.store, endpoint, "b", questions=3)
        bench.store.put(teacher("a", slow.url))  # asked first: the batch is kept open for more
        work = asyncio.create_task(run(bench, "solve"))
        while not slow.requests:
            await asyncio.sleep(0.01)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert not endpoint.operations, "what nobody waits for any more was bought"
        assert not states(bench.store)
        await run(bench, "solve")
    finally:
        slow.close()
    assert Counter(one.teacher for one in bench.store.all(Rationale)) == {"a": 3, "b": 3}
    check_ledger(bench.store)


async def test_a_stage_that_is_left_while_a_batch_is_out_is_taken_up_by_the_next(
    open_bench: Callable[..., Bench], store: Store, endpoint: BatchEndpoint
) -> None:
    add(store, endpoint, "a")
    endpoint.looks = 10**6
    steps = asking.run_stages(open_bench(), asking.plan(open_bench(), ["solve"]))
    async for _ in steps:
        if states(store) == ["waiting"]:
            break
    await steps.aclose()
    assert states(store) == ["waiting"]
    assert store.orphan_calls() == 0, "calls of a batch that is out are not lost"
    endpoint.looks = 0
    await run(open_bench(), "solve")
    assert store.count(Rationale) == 4
    assert endpoint.operations.count("create") == 1
    assert len(endpoint.bought) == 4
    check_ledger(store, requests=4)


@pytest.mark.parametrize("is_listed", [True, False])
async def test_an_answer_lost_after_handing_over_is_looked_for_by_its_mark(
    bench: Bench, endpoint: BatchEndpoint, is_listed: bool
) -> None:
    add(bench.store, endpoint, "a")
    faults = iter(["hang up"])
    endpoint.fault = lambda operation: next(faults, "") if operation == "create" else ""
    endpoint.is_listed = is_listed
    await run(bench, "solve")
    if is_listed:
        assert bench.store.count(Rationale) == 4
        assert states(bench.store) == ["collected"]
    else:  # nobody can tell: counted as maybe billed, and asked no second time in this run
        assert states(bench.store) == ["lost"]
        assert calls(bench.store) == {("unknown", "unknown"): 4}
        await run(bench, "solve")
        assert bench.store.count(Rationale) == 4
    check_ledger(bench.store)


@pytest.mark.parametrize(
    ("operation", "fault"),
    [("look", "busy"), ("look", "hang up"), ("look", "nonsense"), ("fetch", "busy"),
     ("fetch", "hang up"), ("create", "busy"), ("create", "nonsense"), ("upload", "hang up")],
)  # fmt: skip
async def test_what_passes_is_waited_for(
    bench: Bench, endpoint: BatchEndpoint, operation: str, fault: str
) -> None:
    add(bench.store, endpoint, "a")
    faults = iter([fault] * 3 if operation in ("look", "fetch") else [fault])
    endpoint.fault = lambda which: next(faults, "") if which == operation else ""
    await run(bench, "solve")
    await run(bench, "solve")  # where it could not tell whether it was handed over
    assert bench.store.count(Rationale) == 4
    assert len(endpoint.bought) == 4, "something was bought twice"
    check_ledger(bench.store)


@pytest.mark.parametrize(
    ("fault", "says"), [("no such", "no batch interface"), ("denied", "the key is refused")]
)
async def test_an_endpoint_without_batches_is_left_out_with_the_reason(
    bench: Bench, endpoint: BatchEndpoint, fault: str, says: str
) -> None:
    add(bench.store, endpoint, "a")
    endpoint.fault = lambda operation: fault
    with pytest.raises(TeacherError, match=says):
        await run(bench, "solve")
    assert len(endpoint.operations) == 1
    assert [state for state, _ in calls(bench.store)] == ["failed"]
    check_ledger(bench.store)


async def test_outputs_that_are_missing_doubled_strange_or_cut_stay_apart(
    bench: Bench, endpoint: BatchEndpoint
) -> None:
    def spoil(lines: Lines) -> Lines:
        if len(lines) == 1:  # asked again
            return lines
        first, second, *rest = lines
        stranger = {**first, "custom_id": "nobody's"}
        other = {**second, "response": {**second["response"], "body": {"choices": []}}}
        return [stranger, first, other, {**first, "response": rest[0]["response"]}, *rest[1:]]

    add(bench.store, endpoint, "a", questions=5)
    endpoint.spoil = spoil
    await run(bench, "solve")
    good = list(bench.store.all(Rationale))
    assert len(good) == 4  # the unreadable one was asked again; one had no line
    gold = {row[0]: row[1] for row in bench.store.rows("SELECT id, gold FROM questions")}
    assert all(r.text == f"Answer: {gold[r.question_id]}" for r in good), "under another question"
    assert calls(bench.store) == {
        ("answered", "answered"): 4, ("failed", "unreadable"): 1, ("unknown", "unknown"): 1}  # fmt: skip
    remark = bench.store.value("SELECT detail FROM batches ORDER BY sent_at LIMIT 1")
    assert remark == "2 lines of its output belong to no call of it"
    check_ledger(bench.store)


@pytest.mark.parametrize("end", ["failed", "expired", "cancelled"])
async def test_a_batch_that_ends_without_answers_is_told_and_nothing_is_billed(
    bench: Bench, endpoint: BatchEndpoint, end: str
) -> None:
    add(bench.store, endpoint, "a")
    endpoint.end = end
    endpoint.spoil = lambda lines: lines[:1]
    await run(bench, "solve")
    done = 0 if end == "failed" else 1
    assert bench.store.count(Rationale) >= done
    detail = bench.store.value("SELECT detail FROM calls WHERE state = 'failed' LIMIT 1")
    assert ("line 1 is no request" if end == "failed" else end) in detail
    assert not bench.store.value("SELECT count(*) FROM calls WHERE state = 'unknown'")
    if end == "failed":
        assert endpoint.operations.count("create") == 1, "the same file again fails again"
    check_ledger(bench.store)


async def test_a_refusal_of_its_words_is_learned_from(
    bench: Bench, endpoint: BatchEndpoint
) -> None:
    add(bench.store, endpoint, "a")
    endpoint.refuse = lambda body: (
        "Unsupported parameter: 'max_tokens', use 'max_completion_tokens'"
        if "max_tokens" in body else ""
    )  # fmt: skip
    await run(bench, "solve")
    assert bench.store.count(Rationale) == 4
    assert calls(bench.store) == {("failed", "rejected"): 4, ("answered", "answered"): 4}
    check_ledger(bench.store)


async def test_a_budget_holds_over_batches_and_restarts(
    open_bench: Callable[..., Bench], store: Store, endpoint: BatchEndpoint
) -> None:
    add(store, endpoint, "a", questions=12, max_tokens=5)
    each = (10 * 100 + 5 * 200) / 2 / 1e6
    cap = 5.5 * each
    for _ in range(4):
        await run(open_bench(cap), "solve")
        assert (store.spent_usd() or 0.0) <= cap
    assert 1 <= store.count(Rationale) <= 5
    check_ledger(store)


async def test_a_batch_that_is_out_is_set_aside_from_the_budget(
    open_bench: Callable[..., Bench], store: Store, endpoint: BatchEndpoint
) -> None:
    direct = FaultyEndpoint(answer)
    try:
        add(store, endpoint, "a", questions=4, max_tokens=5)
        endpoint.looks = 10**6
        steps = asking.run_stages(open_bench(), asking.plan(open_bench(), ["solve"]))
        async for _ in steps:
            if states(store) == ["waiting"]:
                break
        await steps.aclose()
        reserved = store.value("SELECT reserved FROM batches")
        assert reserved > 0
        store.put(teacher("b", direct.url, price_in=100.0, price_out=200.0))
        steps = asking.run_stages(open_bench(reserved), asking.plan(open_bench(), ["solve"]))
        seen = 0
        async for progress in steps:
            seen += 1
            if seen > 8 or "budget" in progress.note:
                break
        await steps.aclose()
        assert direct.requests == 0, "the batch may cost all that is left"
    finally:
        direct.close()


@pytest.mark.parametrize("cap", [None, 0.004])
async def test_a_teacher_whose_batch_comes_to_nothing_keeps_nobody_waiting(
    open_bench: Callable[..., Bench], store: Store, cap: float | None
) -> None:
    direct = FaultyEndpoint(answer, latency_s=0.2)  # which has no batch interface
    try:
        add(store, direct, "b", questions=3, max_tokens=5)
        store.put(teacher("a", direct.url, price_in=100.0, price_out=200.0, max_tokens=5))
        with pytest.raises(TeacherError, match="b is left out"):
            await asyncio.wait_for(run(open_bench(cap), "solve"), 30)
    finally:
        direct.close()
    made = Counter(one.teacher for one in store.all(Rationale))
    assert made == {"a": 3} if cap is None else set(made) <= {"a"}
    check_ledger(store, ended=False)  # nobody knows of the batch: the next run asks for it


async def test_a_batch_that_is_collected_and_not_read_yet_counts_against_the_budget(
    open_bench: Callable[..., Bench], store: Store, endpoint: BatchEndpoint
) -> None:
    direct = FaultyEndpoint(answer)
    try:
        add(store, endpoint, "a", questions=4, max_tokens=5)
        endpoint.looks = 10**6
        work = asyncio.create_task(run(open_bench(), "solve"))
        while states(store) != ["waiting"]:
            await asyncio.sleep(0.01)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        endpoint.looks = 0
        store.put(teacher("b", direct.url, price_in=100.0, price_out=200.0))
        await run(open_bench(store.value("SELECT reserved FROM batches")), "explain")
    finally:
        direct.close()
    assert states(store) == ["collected"]
    assert direct.requests == 0, "the batch cost all there was"


@pytest.mark.skipif(os.name == "nt", reason="there are no such signals")
def test_killed_while_the_batch_is_out_it_is_collected_by_the_next_run(
    tmp_path: Path, endpoint: BatchEndpoint
) -> None:
    project = tmp_path / "p"
    store = Store.create(project)
    add(store, endpoint, "a", questions=3)
    store.close()
    endpoint.looks = 10**6
    command = [sys.executable, "-m", "studio", "run", str(project), "solve"]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while "look" not in endpoint.operations:
        assert child.poll() is None, "it ended by itself"
        assert time.monotonic() < until
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    endpoint.looks = 0
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    store = Store(project)
    assert store.count(Rationale) == 3
    assert endpoint.operations.count("create") == 1
    assert len(endpoint.bought) == 3
    check_ledger(store)
    store.close()


@pytest.mark.skipif(os.name == "nt", reason="there are no such signals")
def test_a_batch_of_a_students_exam_can_be_cancelled_like_a_teachers(
    tmp_path: Path, endpoint: BatchEndpoint
) -> None:
    project = tmp_path / "p"
    store = Store.create(project)
    add(store, endpoint, "a", questions=1)
    add_question(store, "What is 3 and 1?", split="test")
    store.put(StudentRecord(name="far", location=f"{endpoint.url}#tiny"))
    store.close()
    endpoint.looks = 10**6
    studio = [sys.executable, "-m", "studio"]
    exam = [*studio, "evaluate", str(project), "--student", "far"]
    child = subprocess.Popen(exam, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while "look" not in endpoint.operations:
        assert child.poll() is None, child.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.02)
    child.kill()
    child.communicate(timeout=60)
    store = Store(project)
    (batch,) = batches.batches_out(store)
    store.close()
    assert batch.teacher == "far"
    cancel = [*studio, "batches", str(project), "--cancel", batch.id[:6]]
    done = subprocess.run(cancel, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "The endpoint was asked to end it" in done.stdout
    assert endpoint.operations[-1] == "cancel"
