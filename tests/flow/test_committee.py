"""The committee engine on a real endpoint: nothing lost, nothing bought twice, nobody held up."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from studio.domain.errors import TeacherError
from studio.domain.records import Explanation, Rationale, Review
from studio.flow.explanations import ExplainStage
from studio.flow.rationales import SolveStage
from studio.flow.reviews import ReviewStage
from studio.flow.stage import Bench, Progress, Scope
from studio.launch.local import LocalLauncher
from studio.prompts import Prompts
from studio.store.tables import Store
from studio.teachers.opener import TeacherOpener
from tests.fakes import FaultyEndpoint, add_mistakes, teacher

MARK = re.compile(r"SCORE_([0-9a-f]{16}):")


def answer(request: dict[str, object]) -> str:
    """Answer like a teacher: a score line where one is asked for, else a solution."""
    prompt = str(request["messages"])
    marks = MARK.findall(prompt)
    return f"Fine.\nSCORE_{marks[-1]}: 4" if marks else "1 + 1 = 2\nAnswer: 2"


@pytest.fixture
async def bench(store: Store) -> AsyncIterator[Bench]:
    opener = TeacherOpener(lambda record: None)
    yield Bench(store, store.path, opener.open, LocalLauncher(), Prompts())
    await opener.aclose()


@pytest.fixture
def endpoint() -> AsyncIterator[Callable[..., FaultyEndpoint]]:  # type: ignore[misc]
    made: list[FaultyEndpoint] = []

    def make(**options: object) -> FaultyEndpoint:
        made.append(FaultyEndpoint(answer, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.close()


async def drain(work: AsyncIterator[Progress]) -> Progress:
    seen = [progress async for progress in work]
    return seen[-1]


async def run_all(bench: Bench) -> None:
    for stage in (ExplainStage(), SolveStage(), ReviewStage()):
        await drain(stage.run(bench))


Make = Callable[..., FaultyEndpoint]


async def test_every_teacher_does_its_part_and_none_reviews_itself(
    bench: Bench, endpoint: Make
) -> None:
    store, url = bench.store, endpoint().url
    for name in ("a", "b", "c"):
        store.put(teacher(name, url))
    add_mistakes(store, 4)
    add_mistakes(store, 6, split="test")
    await run_all(bench)
    assert store.count(Explanation) == store.count(Rationale) == 3 * 4
    reviews = store.rows(
        "SELECT v.reviewer, r.teacher FROM reviews v JOIN rationales r ON r.id = v.subject_id"
    )
    assert len(reviews) == 3 * 4 * 2
    assert all(row["reviewer"] != row["teacher"] for row in reviews)
    assert store.value("SELECT count(*) FROM calls WHERE state = 'answered'") == 12 + 12 + 24


async def test_a_stage_run_again_asks_for_nothing(bench: Bench, endpoint: Make) -> None:
    served = endpoint()
    bench.store.put(teacher("a", served.url))
    bench.store.put(teacher("b", served.url))
    add_mistakes(bench.store, 3)
    await run_all(bench)
    before = sum(served.asked.values())
    await run_all(bench)
    assert sum(served.asked.values()) == before
    assert ExplainStage().todo(bench.store) == ReviewStage().todo(bench.store) == 0


async def test_a_reply_on_disk_is_used_before_a_new_one_is_bought(
    bench: Bench, endpoint: Make
) -> None:
    served = endpoint()
    bench.store.put(teacher("a", served.url))
    add_mistakes(bench.store, 2)
    await drain(SolveStage().run(bench))
    bench.store.execute("DELETE FROM rationales")
    bench.store.execute("UPDATE calls SET state = 'received' WHERE rowid = 1")
    await drain(SolveStage().run(bench))
    assert bench.store.count(Rationale) == 2
    assert sum(served.asked.values()) == 2


async def test_no_teacher_is_asked_more_at_once_than_it_allows(
    bench: Bench, endpoint: Make
) -> None:
    served = endpoint(latency_s=0.05)
    bench.store.put(teacher("a", served.url, concurrency=3))
    add_mistakes(bench.store, 12)
    await drain(SolveStage().run(bench))
    assert served.most_at_once == 3


async def test_a_slow_teacher_does_not_hold_up_the_others(bench: Bench, endpoint: Make) -> None:
    slow, quick = endpoint(latency_s=0.4), endpoint()
    bench.store.put(teacher("slow", slow.url, concurrency=1))
    bench.store.put(teacher("quick", quick.url, concurrency=2))
    add_mistakes(bench.store, 10)
    async with aclosing(SolveStage().run(bench)) as steps:  # type: ignore[type-var]
        async for progress in steps:
            if quick.asked and sum(quick.asked.values()) == 10:
                assert progress.done < 20
                break
    assert sum(slow.asked.values()) < 10


async def test_passing_faults_are_retried_and_each_try_is_in_the_ledger(
    bench: Bench, endpoint: Make
) -> None:
    faults = iter(["429", "500", ""])
    served = endpoint(fault=lambda request: next(faults))
    bench.store.put(teacher("a", served.url))
    add_mistakes(bench.store, 1)
    await drain(SolveStage().run(bench))
    outcomes = [row[0] for row in bench.store.rows("SELECT outcome FROM calls ORDER BY rowid")]
    assert outcomes == ["rate-limited", "server error", "answered"]


@pytest.mark.parametrize("fault", ["quota", "401", "404"])
async def test_a_teacher_that_cannot_be_used_is_left_out_at_once_and_told(
    bench: Bench, endpoint: Make, fault: str
) -> None:
    bad, good = endpoint(fault=lambda request: fault), endpoint()
    bench.store.put(teacher("bad", bad.url, concurrency=1))
    bench.store.put(teacher("good", good.url))
    add_mistakes(bench.store, 5)
    with pytest.raises(TeacherError, match="bad is left out") as caught:
        await drain(SolveStage().run(bench))
    assert "\n" not in str(caught.value)
    assert sum(bad.asked.values()) == 1
    assert bench.store.count(Rationale, "teacher = 'good'") == 5


async def test_a_lasting_fault_of_one_item_is_counted_and_asked_again_next_time(
    bench: Bench, endpoint: Make
) -> None:
    trouble = ["refusal"]
    served = endpoint(fault=lambda request: trouble[0])
    bench.store.put(teacher("a", served.url))
    add_mistakes(bench.store, 2)
    last = await drain(SolveStage().run(bench))
    assert (last.done, last.failed) == (2, 2)
    assert bench.store.count(Rationale) == 0
    trouble[0] = ""
    await drain(SolveStage().run(bench))
    assert bench.store.count(Rationale) == 2


async def test_the_reply_of_another_call_is_never_attached(bench: Bench, endpoint: Make) -> None:
    served = endpoint(fault=lambda request: "doubled")
    bench.store.put(teacher("a", served.url, concurrency=1))
    questions = add_mistakes(bench.store, 6)
    await drain(SolveStage().run(bench))
    assert bench.store.count(Rationale) == len(questions)
    ids = bench.store.rows("SELECT reply_id FROM calls WHERE state = 'answered'")
    assert len({row[0] for row in ids}) == len(questions)


async def test_an_endpoint_that_numbers_nothing_can_still_be_used(
    bench: Bench, endpoint: Make
) -> None:
    served = endpoint(fault=lambda request: "same id")
    bench.store.put(teacher("a", served.url, concurrency=1))
    add_mistakes(bench.store, 2)
    await drain(SolveStage().run(bench))
    assert bench.store.count(Rationale) == 2


async def test_an_endpoint_with_few_ids_is_not_asked_twice(bench: Bench, endpoint: Make) -> None:
    """Ollama draws its ids from 999: an id alone does not betray the reply of another call."""
    served = endpoint(fault=lambda request: "few ids")
    bench.store.put(teacher("a", served.url))
    add_mistakes(bench.store, 12)
    await drain(SolveStage().run(bench))
    assert bench.store.count(Rationale) == 12
    assert sum(served.asked.values()) == 12


async def test_a_repeat_marks_both_rows(bench: Bench, endpoint: Make) -> None:
    served = endpoint(fault=lambda request: "same id")
    bench.store.put(teacher("a", served.url, concurrency=1))
    add_mistakes(bench.store, 2)
    await drain(SolveStage().run(bench))
    rows = bench.store.rows("SELECT outcome, detail FROM calls ORDER BY rowid")
    assert [row["outcome"] for row in rows] == ["answered", "repeated reply", "answered"]
    assert all(row["detail"] for row in rows)


async def test_one_missed_deadline_is_one_request_and_maybe_billed(
    bench: Bench, endpoint: Make
) -> None:
    served = endpoint(fault=lambda request: "hang")
    bench.store.put(teacher("a", served.url, timeout_s=2.0))
    add_mistakes(bench.store, 1)
    await drain(SolveStage().run(bench))
    assert sum(served.asked.values()) == 1
    assert bench.store.value("SELECT state FROM calls") == "unknown"


async def test_an_endpoint_that_wants_an_hour_is_left_out_and_the_hour_is_told(
    bench: Bench, endpoint: Make
) -> None:
    served = endpoint(fault=lambda request: "429 for an hour")
    bench.store.put(teacher("a", served.url, concurrency=1))
    add_mistakes(bench.store, 4)
    with pytest.raises(TeacherError, match="left alone for 60 minutes"):
        await drain(SolveStage().run(bench))
    assert sum(served.asked.values()) == 1


async def test_a_reply_nobody_read_is_read_and_held_to_its_identity(
    bench: Bench, endpoint: Make
) -> None:
    """As after a kill between the raw reply and its reading, with another call's reply in it."""
    served = endpoint()
    bench.store.put(teacher("a", served.url, concurrency=1))
    add_mistakes(bench.store, 2)
    await drain(SolveStage().run(bench))
    bench.store.execute("DELETE FROM rationales")
    bench.store.execute(
        "UPDATE calls SET state = 'received', outcome = '', reply_id = NULL,"
        " reply = (SELECT reply FROM calls ORDER BY rowid DESC LIMIT 1) WHERE rowid = 1"
    )
    await drain(SolveStage().run(bench))
    assert bench.store.count(Rationale) == 2
    outcomes = [row[0] for row in bench.store.rows("SELECT outcome FROM calls ORDER BY rowid")]
    assert outcomes == ["repeated reply", "answered", "answered"]


async def test_names_may_hold_strokes(bench: Bench, endpoint: Make) -> None:
    served = endpoint()
    for name in ("meta/llama", "org/b/c"):
        bench.store.put(teacher(name, served.url))
    add_mistakes(bench.store, 2)
    for stage in (ExplainStage(), SolveStage(), ReviewStage()):
        await drain(stage.run(bench))
    assert bench.store.count(Explanation) == bench.store.count(Rationale) == 4
    assert {r.reviewer for r in bench.store.all(Review)} == {"meta/llama", "org/b/c"}


async def test_reviews_keep_to_the_student_and_the_limit(bench: Bench, endpoint: Make) -> None:
    for name in ("a", "b"):
        bench.store.put(teacher(name, endpoint().url))
    add_mistakes(bench.store, 2)
    await drain(SolveStage().run(bench))
    assert ReviewStage(Scope(student="small", round=0)).todo(bench.store) == 4
    assert ReviewStage(Scope(student="another")).todo(bench.store) == 0
    assert ReviewStage(Scope(round=1)).todo(bench.store) == 0
    assert ReviewStage(Scope(limit=3)).todo(bench.store) == 3


async def test_cost_is_known_only_where_a_price_is(bench: Bench, endpoint: Make) -> None:
    served = endpoint()
    bench.store.put(teacher("a", served.url))
    bench.store.put(teacher("b", served.url, price_in=1.0, price_out=2.0))
    add_mistakes(bench.store, 3)
    await drain(SolveStage().run(bench))
    costs = dict(bench.store.rows("SELECT teacher, sum(cost_usd) FROM calls GROUP BY teacher"))
    assert costs["a"] is None
    assert costs["b"] == pytest.approx(3 * (10 * 1.0 + 5 * 2.0) / 1e6)


async def test_a_budget_stops_the_buying_and_says_so(bench: Bench, endpoint: Make) -> None:
    """Not even the first wave, when no price of a call is known yet, goes beyond it."""
    served = endpoint(latency_s=0.02)
    bench.store.put(teacher("a", served.url, price_in=1e5, price_out=0.0, concurrency=16))
    add_mistakes(bench.store, 20)  # 1 USD a call
    last = await drain(SolveStage().run(replace(bench, spend_cap_usd=5.0)))
    assert last.note == "budget reached"
    spent = bench.store.spent_usd()
    assert spent is not None
    assert spent == pytest.approx(5.0)
    assert sum(served.asked.values()) == 5


async def test_calls_of_one_moment_share_their_commits(bench: Bench, endpoint: Make) -> None:
    """Intent, raw reply and reading of 32 calls: far fewer waits for the disk than 96."""
    bench.store.put(teacher("a", endpoint(latency_s=1.5).url, concurrency=32))
    add_mistakes(bench.store, 32)
    statements: list[str] = []
    bench.store.sql.set_trace_callback(statements.append)
    await drain(SolveStage().run(bench))
    bench.store.sql.set_trace_callback(None)
    first_reply = next(n for n, text in enumerate(statements) if text.startswith("UPDATE calls"))
    intents = [text for text in statements[:first_reply] if text.startswith("INSERT INTO calls")]
    assert len(intents) == 32
    assert statements[:first_reply].count("COMMIT") <= 3
    assert bench.store.count(Rationale) == 32


async def test_a_stage_cancelled_twice_leaves_nothing_as_sent(bench: Bench, endpoint: Make) -> None:
    served = endpoint(fault=lambda request: "hang")
    bench.store.put(teacher("a", served.url, concurrency=2))
    add_mistakes(bench.store, 4)
    task = asyncio.create_task(drain(SolveStage().run(bench)))
    while len(served.headers) < 2:
        await asyncio.sleep(0.02)
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0.05)
    with pytest.raises(asyncio.CancelledError):
        await task
    states = [row[0] for row in bench.store.rows("SELECT state FROM calls")]
    assert states == ["unknown", "unknown"]


async def test_a_cancelled_stage_keeps_the_replies_in_flight(bench: Bench, endpoint: Make) -> None:
    served = endpoint(latency_s=0.3)
    bench.store.put(teacher("a", served.url, concurrency=4))
    add_mistakes(bench.store, 40)
    task = asyncio.create_task(drain(SolveStage().run(bench)))
    while len(served.headers) < 6:  # some are answered, some are in flight
        await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bench.store.count(Rationale) == sum(served.asked.values())
    assert bench.store.value("SELECT count(*) FROM calls WHERE state = 'sent'") == 0


async def test_limit_is_at_most_so_many_new_records(bench: Bench, endpoint: Make) -> None:
    bench.store.put(teacher("a", endpoint().url))
    add_mistakes(bench.store, 9)
    await drain(SolveStage(Scope(limit=4)).run(bench))
    assert bench.store.count(Rationale) == 4


async def test_no_key_is_one_line_and_the_others_go_on(store: Store, endpoint: Make) -> None:
    def key_for(record: object) -> str:
        raise TeacherError("a wants a key: set the environment variable A_KEY")

    opener = TeacherOpener(key_for)
    bench = Bench(store, store.path, opener.open, LocalLauncher(), Prompts())
    store.put(teacher("a", endpoint().url))
    add_mistakes(store, 2)
    with pytest.raises(TeacherError, match="A_KEY"):
        await drain(SolveStage().run(bench))
    assert store.value("SELECT count(*) FROM calls") == 0
    await opener.aclose()


def test_a_foreign_project_cannot_have_a_key_sent_to_an_address_of_its_own(
    tmp_path: Path, endpoint: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY_KEY", "sk-CANARY-123456")
    served = endpoint()
    store = Store.create(tmp_path / "p")
    store.put(teacher("a", served.url, api_key_env="CANARY_KEY"))
    add_mistakes(store, 2)
    store.close()
    done = subprocess.run([sys.executable, "-m", "studio", "run", str(tmp_path / "p")],
                          capture_output=True, text=True, timeout=120)  # fmt: skip
    assert done.returncode == 1
    assert "CANARY_KEY sent to http://" in done.stderr
    assert "--allow-key" in done.stderr
    assert served.headers == []


def test_a_prompt_is_stored_by_its_hash_and_no_key_is_in_the_project(
    tmp_path: Path, endpoint: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY_KEY", "sk-CANARY-123456")
    served = endpoint()
    store = Store.create(tmp_path / "p")
    add_mistakes(store, 2)
    store.close()
    for verb in (
        ["teacher", "add", str(tmp_path / "p"), "a", "--model", "m", "--base-url", served.url,
         "--api-key-env", "CANARY_KEY"],
        ["run", str(tmp_path / "p"), "--json"],
    ):  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "studio", *verb], capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rationales"] == 2
    assert any("sk-CANARY-123456" in str(headers) for headers in served.headers)
    for file in (tmp_path / "p").rglob("*"):
        assert not file.is_file() or b"CANARY-123456" not in file.read_bytes(), file
