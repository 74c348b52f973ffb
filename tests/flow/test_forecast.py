"""What a plan may take is told before the first call, and no run takes more than that."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from studio.domain.records import Attempt, Question, StudentRecord
from studio.flow import asking, forecast
from studio.flow.cost import Estimate, sum_of
from studio.flow.stage import Bench, Scope
from studio.launch.local import LocalLauncher
from studio.prompts import Prompts
from studio.store.tables import Store
from studio.teachers.opener import TeacherOpener
from tests.fakes import FaultyEndpoint, add_mistakes, teacher

MARK = re.compile(r"SCORE_([0-9a-f]{16}):")
PIECE = re.compile(r"\d|[^\W\d]{1,5}|[^\w\s]")  #: as small as any model's pieces of English are
MAX_TOKENS = 60
PAID = ("explain", "solve", "review", "decide")
Make = Callable[..., FaultyEndpoint]


def tokens(text: str) -> int:
    return len(PIECE.findall(text))


def usage(request: dict[str, Any], text: str) -> dict[str, int]:
    """Count what a request and its reply really are, the schema of a review included."""
    read = sum(tokens(message["content"]) + 4 for message in request["messages"])
    if "response_format" in request:
        read += tokens(json.dumps(request["response_format"]))
    return {"prompt_tokens": read, "completion_tokens": tokens(text)}


def long_winded(score: int) -> Callable[[dict[str, Any]], str]:
    """Return answers that use all the tokens they may have, and score everything alike."""

    def answer(request: dict[str, Any]) -> str:
        marks = MARK.findall(str(request["messages"]))
        ending = f"\nSCORE_{marks[-1]}: {score}" if marks else f"\nAnswer: {score}"
        words = "so " * (int(request["max_tokens"]) - tokens(ending))
        return words.strip() + ending

    return answer


@pytest.fixture
def endpoint() -> Iterator[Make]:
    made: list[FaultyEndpoint] = []

    def make(answer: Callable[[dict[str, Any]], str], **options: Any) -> FaultyEndpoint:
        made.append(FaultyEndpoint(answer, usage=usage, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
async def bench(store: Store) -> Any:
    opener = TeacherOpener(lambda record: None)
    yield Bench(store, store.path, opener.open, LocalLauncher(), Prompts())
    await opener.aclose()


def ask(bench: Bench, url: str, *names: str, **fields: Any) -> None:
    """Add teachers that are priced so that a mistake in either direction shows."""
    fields = {
        "price_in": 1.0,
        "price_out": 4.0,
        "max_tokens": MAX_TOKENS,
        "structured": False,
    } | fields
    for name in names:
        bench.store.put(teacher(name, url, **fields))


async def run(bench: Bench, plan: asking.Plan) -> None:
    async for _ in asking.run_stages(bench, plan):
        pass


def spent(store: Store) -> tuple[int, int, float]:
    """Return calls, tokens and USD as the ledger has them."""
    row = store.one("SELECT count(*), sum(tokens_in + tokens_out), sum(cost_usd) FROM calls")
    assert row is not None
    return int(row[0]), int(row[1]), float(row[2])


@pytest.mark.parametrize(
    ("quality", "calls"),
    [
        ({}, 3 * (6 + 6)),
        ({"samples": 2, "review_explanations": True}, 3 * (3 + 6 + 6 + 12)),
        ({"blind": True}, 3 * (6 + 6)),
        ({"revise": 2}, 3 * (6 + 6 + 2 * 9)),
        ({"target": 1, "most_samples": 2, "revise": 1}, 3 * (3 + 6 * 2 * 3)),
    ],
)  # fmt: skip
async def test_nothing_takes_more_than_was_told_before_the_first_call(
    bench: Bench, endpoint: Make, quality: dict[str, Any], calls: int
) -> None:
    """Every reply is as long as it may be, and everything is rejected: the most there can be."""
    ask(bench, endpoint(long_winded(1)).url, "a", "b", "c")
    add_mistakes(bench.store, 3)
    plan = asking.plan(bench, PAID, **quality)
    lines = forecast.estimate(bench, plan)
    assert {line.basis for line in lines if line.calls} == {"lengths"}
    whole = sum_of(lines)
    await run(bench, plan)
    really, used, cost = spent(bench.store)
    assert whole.calls == really == calls
    assert used <= whole.tokens <= 1.6 * used
    assert whole.cost_usd is not None
    assert cost <= whole.cost_usd <= 1.6 * cost


async def test_after_some_calls_their_averages_count_and_are_said_to(
    bench: Bench, endpoint: Make
) -> None:
    ask(bench, endpoint(long_winded(4)).url, "a", "b")
    add_mistakes(bench.store, 4)
    await run(bench, asking.plan(bench, ("solve", "review"), scope=Scope(limit=2)))
    calls, used, cost = spent(bench.store)
    line = sum_of(forecast.estimate(bench, asking.plan(bench, ("solve", "review"))))
    assert line.basis == "averages"
    assert (line.calls, calls) == (16 - 4, 4)
    assert line.tokens == pytest.approx(used / calls * line.calls, rel=0.02)
    assert line.cost_usd == pytest.approx(cost / calls * line.calls, rel=0.02)
    ask(bench, "http://127.0.0.1:9/v1", "new")
    (solve,) = forecast.estimate(bench, asking.plan(bench, ("solve",)))
    assert solve.basis == "lengths", "of the new one nothing is known yet"


def test_unknown_prices_stay_unknown_and_scripts_and_batches_cost_what_they_cost(
    bench: Bench,
) -> None:
    add_mistakes(bench.store, 5)

    def solving() -> Estimate:
        return forecast.estimate(bench, asking.plan(bench, ("solve",)))[0]

    ask(bench, "http://127.0.0.1:9/v1", "a")
    direct = solving().cost_usd
    assert direct is not None
    ask(bench, "http://127.0.0.1:9/v1", "a", batch=True, batch_price=0.4)
    assert solving().cost_usd == pytest.approx(0.4 * direct)
    ask(bench, "http://127.0.0.1:9/v1", "b", price_in=None)
    both = solving()
    assert both.cost_usd == pytest.approx(0.4 * direct)
    assert (both.calls, both.unpriced) == (10, 5)
    ask(bench, "http://127.0.0.1:9/v1", "a", price_out=None)
    assert solving().cost_usd is None
    ask(bench, "http://127.0.0.1:9/v1", "a", "b", price_in=None, price_out=None, scripted=True)
    assert (solving().cost_usd, solving().unpriced) == (0.0, 0)


async def test_a_student_at_an_endpoint_and_all_it_may_get_wrong(
    bench: Bench, endpoint: Make
) -> None:
    served = endpoint(long_winded(2))
    ask(bench, served.url, "a", "b")
    bench.store.add(
        [Question(text=f"What is {n} times 7?", gold=str(7 * n)) for n in range(20, 26)]
    )
    bench.store.set_setting("exam", {"max_new_tokens": 40})
    bench.store.put(StudentRecord(name="small", location=f"{served.url}#small"))
    plan = asking.plan(bench, (), student="small")
    told = {line.stage: line for line in forecast.estimate(bench, plan)}
    assert {name: line.calls for name, line in told.items() if line.calls} == {
        "attempt": 6, "explain": 12, "solve": 12, "review": 12,
    }  # fmt: skip
    assert served.requests == 0
    await run(bench, plan)
    for name, line in told.items():
        if line.calls:
            used = bench.store.value(
                "SELECT sum(tokens_in + tokens_out) FROM calls WHERE stage = ?", name
            )
            assert used <= line.tokens <= 1.7 * used, name


def test_attempts_that_nobody_graded_are_taken_for_mistakes(bench: Bench) -> None:
    ask(bench, "http://127.0.0.1:9/v1", "a", "b")
    (known, *_) = add_mistakes(bench.store, 2)
    fresh = Question(text="What is 6 times 7?", gold="42")
    bench.store.add([fresh])
    bench.store.add(
        Attempt(question_id=one.id, student="other", text="Answer: 42") for one in (known, fresh)
    )
    plan = asking.plan(bench, ("grade", *PAID))
    calls = {line.stage: line.calls for line in forecast.estimate(bench, plan) if line.calls}
    assert calls == {"explain": 8, "solve": 6, "review": 6}
    calls = {line.stage: line.calls for line in forecast.estimate(bench, asking.plan(bench, PAID))
             if line.calls}  # fmt: skip
    assert calls == {"explain": 4, "solve": 4, "review": 4}, "nobody will grade them"


@pytest.mark.parametrize("limit", [1, 4, 7])
async def test_a_limit_is_in_the_estimate(bench: Bench, endpoint: Make, limit: int) -> None:
    ask(bench, endpoint(long_winded(1)).url, "a", "b", "c")
    add_mistakes(bench.store, 3)
    plan = asking.plan(bench, PAID, scope=Scope(limit=limit), target=1, revise=1)
    lines = forecast.estimate(bench, plan)
    assert max(line.calls for line in lines) == limit
    await run(bench, plan)
    for stage in ("explain", "solve", "revise"):
        told = sum(line.calls for line in lines if line.stage in (stage, f"{stage} more"))
        assert bench.store.value("SELECT count(*) FROM calls WHERE stage = ?", stage) <= told
    assert spent(bench.store)[0] <= sum_of(lines).calls


def test_to_estimate_is_to_read(bench: Bench) -> None:
    ask(bench, "http://127.0.0.1:9/v1", "a", "b")
    add_mistakes(bench.store, 2)
    before = list(bench.store.sql.iterdump())
    reading = Store(bench.project, read_only=True)
    plan = asking.plan(replace(bench, store=reading), PAID, target=2, revise=1)
    assert sum_of(forecast.estimate(replace(bench, store=reading), plan)).calls > 0
    reading.close()
    assert list(bench.store.sql.iterdump()) == before
