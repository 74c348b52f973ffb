"""All stages of the committee together: what follows from a reply, what is asked again, and when not."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from studio.domain.errors import SpecError
from studio.domain.policy import PRESETS, Policy
from studio.domain.records import Explanation, Rationale, Review
from studio.flow import asking, forecast
from studio.flow.cost import calls_for, ledger, ledger_by_question
from studio.flow.decisions import apply_policy
from studio.flow.leftovers import left_undone
from studio.flow.quality import SETTING, Quality, keep_quality, quality_of
from studio.flow.reviewers import calibrate
from studio.flow.stage import Bench, Progress, Scope
from studio.launch.local import LocalLauncher
from studio.prompts import Prompts
from studio.store.tables import Store
from studio.teachers.opener import TeacherOpener
from tests.fakes import FaultyEndpoint, add_mistakes, teacher
from tests.ledger import check_ledger

MARK = re.compile(r"SCORE_([0-9a-f]{16}):")
PAID = ("explain", "solve", "review")
ALL = ("grade", *PAID, "decide")
Reply = Callable[[dict[str, Any]], str]
Make = Callable[[Reply], FaultyEndpoint]


def shown(request: dict[str, Any]) -> str:
    return "\n".join(str(message["content"]) for message in request["messages"])


def score(request: dict[str, Any], value: int, comment: str = "Fine.") -> str:
    marks = MARK.findall(shown(request))
    return f"{comment}\nSCORE_{marks[-1]}: {value}"


def is_review(request: dict[str, Any]) -> bool:
    return "SCORE_" in shown(request)


def right(request: dict[str, Any]) -> str:
    """Solve rightly, review kindly."""
    if is_review(request):
        return score(request, 5)
    found = re.search(r"What is (\d+) and 1", shown(request))
    assert found is not None
    return f"{found[1]} + 1 = {int(found[1]) + 1}\nAnswer: {int(found[1]) + 1}"


@pytest.fixture
async def bench(store: Store) -> AsyncIterator[Bench]:
    opener = TeacherOpener(lambda record: None)
    yield Bench(store, store.path, opener.open, LocalLauncher(), Prompts())
    await opener.aclose()


@pytest.fixture
def endpoint() -> Iterator[Make]:
    made: list[FaultyEndpoint] = []

    def make(answer: Reply = right) -> FaultyEndpoint:
        made.append(FaultyEndpoint(answer))
        return made[-1]

    yield make
    for one in made:
        one.close()


async def run(bench: Bench, *stages: str, **quality: Any) -> list[Progress]:
    scope = quality.pop("scope", Scope())
    plan = asking.plan(bench, stages or ALL, scope=scope, **quality)
    return [progress async for progress in asking.run_stages(bench, plan)]


async def test_a_rationale_is_reviewed_before_the_last_question_is_asked(
    bench: Bench, endpoint: Make
) -> None:
    came: list[str] = []

    def noted(request: dict[str, Any]) -> str:
        came.append("review" if is_review(request) else "solve")
        return right(request)

    served = endpoint(noted)
    served.latency_s = 0.01
    for name in ("a", "b"):
        bench.store.put(teacher(name, served.url, concurrency=1))
    add_mistakes(bench.store, 12)
    told = await run(bench, *PAID)
    assert {one.total for one in told} == {72}, (
        "reviews to come count from the first, so the time left"
    )
    last = told[-1]
    assert last.stage == "explain+solve+review"
    assert (last.done, last.total, last.failed) == (72, 72, 0)
    assert came.index("review") < 24, "of the first questions, before the others are solved"
    assert bench.store.count(Review) == 24
    check_ledger(bench.store, requests=72)


async def test_a_limit_is_for_each_stage_also_when_they_overlap(
    bench: Bench, endpoint: Make
) -> None:
    for name in ("a", "b", "c"):
        bench.store.put(teacher(name, endpoint().url))
    add_mistakes(bench.store, 9)
    await run(bench, *PAID, scope=Scope(limit=4))
    made = [bench.store.count(kind) for kind in (Explanation, Rationale, Review)]
    assert made == [4, 4, 4]
    await run(bench, *PAID)
    assert [bench.store.count(kind) for kind in (Explanation, Rationale, Review)] == [27, 27, 54]


async def test_a_teacher_gives_as_many_samples_as_it_is_asked_for(
    bench: Bench, endpoint: Make
) -> None:
    served = endpoint()
    bench.store.put(teacher("a", served.url, samples=3))
    bench.store.put(teacher("b", served.url))
    questions = add_mistakes(bench.store, 2)
    await run(bench, "solve")
    per = {(r.question_id, r.teacher, r.sample) for r in bench.store.all(Rationale)}
    assert len(per) == 2 * 4
    assert {(questions[0].id, "a", n) for n in range(3)} <= per
    before = served.requests
    await run(bench, "solve")
    assert served.requests == before
    check_ledger(bench.store, requests=before)


async def test_it_goes_on_until_the_target_is_reached_and_not_beyond_the_bound(
    bench: Bench, endpoint: Make
) -> None:
    """The first question is solved at the third try, the second never."""
    solved = 0

    def answer(request: dict[str, Any]) -> str:
        nonlocal solved
        if is_review(request):
            return score(request, 5 if "Answer: 1\n" in shown(request) else 1)
        if "What is 1 and 1" in shown(request):
            return "Answer: 7"
        solved += 1
        return "Answer: 1" if solved > 4 else "Answer: 9"

    served = endpoint(answer)
    for name in ("a", "b"):
        bench.store.put(teacher(name, served.url, concurrency=1))
    easy, hard = add_mistakes(bench.store, 2)
    await run(bench, "grade", "solve", "review", "decide", target=1, most_samples=4)
    store = bench.store
    assert store.count(Rationale, "question_id = ?", hard.id) == 2 * 4
    assert store.count(Rationale, "question_id = ?", easy.id) == 5
    accepted = store.value("SELECT count(*) FROM final_decisions WHERE accepted")
    assert accepted == 1
    before = served.requests
    await run(bench, "grade", "solve", "review", "decide", target=1, most_samples=4)
    assert served.requests == before, "what was tried often enough is not tried again"
    check_ledger(store, requests=before)


async def test_on_the_way_to_a_target_a_budget_ends_it_and_what_is_short_is_told(
    bench: Bench, endpoint: Make
) -> None:
    served = endpoint(lambda r: score(r, 1, "No.") if is_review(r) else "Answer: 9")
    for name in ("a", "b"):
        bench.store.put(teacher(name, served.url, price_in=0.0, price_out=1.0, max_tokens=5))
    add_mistakes(bench.store, 3)
    keep_quality(bench.store, {"target": 2, "most_samples": 60})
    plan = asking.plan(bench, ("grade", "solve", "review", "decide"))
    each = 5e-6  # the endpoint counts 5 tokens in every reply
    told = [one async for one in asking.run_stages(bench, plan, budget_usd=50.5 * each)]
    assert any(one.note == "budget reached" for one in told)
    assert served.requests == 50, "beyond the first 12, and no further than the money goes"
    left = left_undone(bench.store, since=0, budget_usd=50.5 * each)
    assert (left.target, left.short) == (2, 3)
    assert left.spent_usd == pytest.approx(50 * each)
    check_ledger(bench.store, requests=50)


async def test_a_rejected_rationale_goes_back_with_the_comments_and_is_reviewed_again(
    bench: Bench, endpoint: Make
) -> None:
    prompts: list[str] = []

    def answer(request: dict[str, Any]) -> str:
        text = shown(request)
        if is_review(request):
            return (
                score(request, 1, "The sum is off.") if "Answer: 9" in text else score(request, 5)
            )
        if "was not accepted" in text:
            prompts.append(text)
            return right(request)
        return "1 + 0 = 9\nAnswer: 9"

    served = endpoint(answer)
    for name in ("a", "b"):
        bench.store.put(teacher(name, served.url))
    add_mistakes(bench.store, 3)
    await run(bench, "grade", "solve", "review", "decide", revise=2)
    store = bench.store
    assert store.value("SELECT count(*) FROM current_rationales WHERE revision = 1") == 6
    assert store.count(Rationale) == 12, "what was accepted did not go back a second time"
    assert store.value("SELECT count(*) FROM final_decisions d JOIN current_rationales r"
                       " ON r.id = d.rationale_id WHERE d.accepted") == 6  # fmt: skip
    assert all("- The sum is off." in text and "Answer: 9" in text for text in prompts)
    check_ledger(store, requests=served.requests)


async def test_who_never_does_better_is_asked_a_bounded_number_of_times(
    bench: Bench, endpoint: Make
) -> None:
    served = endpoint(lambda r: score(r, 1, "No.") if is_review(r) else "Answer: 9")
    for name in ("a", "b"):
        bench.store.put(teacher(name, served.url))
    add_mistakes(bench.store, 1)
    await run(bench, "grade", "solve", "review", "decide", revise=2, target=1, most_samples=2)
    rows = bench.store.rows("SELECT sample, max(revision) FROM rationales GROUP BY teacher, sample")
    assert [tuple(row) for row in rows] == [(0, 2), (1, 2)] * 2


async def test_blind_reviewers_do_not_see_gold(bench: Bench, endpoint: Make) -> None:
    seen: list[str] = []

    def answer(request: dict[str, Any]) -> str:
        if is_review(request):
            seen.append(shown(request))
        return right(request)

    for name in ("a", "b"):
        bench.store.put(teacher(name, endpoint(answer).url))
    add_mistakes(bench.store, 2)
    await run(bench, "solve", "review", blind=True)
    assert len(seen) == 4
    assert not any("right final answer" in prompt for prompt in seen)
    assert all(review.blind for review in bench.store.all(Review))


async def test_explanations_are_reviewed_where_that_is_asked_for(
    bench: Bench, endpoint: Make
) -> None:
    served = endpoint()
    for name in ("a", "b"):
        bench.store.put(teacher(name, served.url))
    add_mistakes(bench.store, 2)
    await run(bench, "explain", "review")
    assert bench.store.count(Review) == 0
    await run(bench, "explain", "review", review_explanations=True)
    reviews = list(bench.store.all(Review))
    assert len(reviews) == 4
    explained = {e.id: e.teacher for e in bench.store.all(Explanation)}
    for review in reviews:
        assert review.subject_kind == "explanation"
        assert explained[review.subject_id] != review.reviewer
        assert review.score == 5
    check_ledger(bench.store, requests=served.requests)
    told = calibrate(bench.store)
    assert [one[:4] for one in told.explanations] == [("a", "b", 5.0, 2), ("b", "a", 5.0, 2)]
    assert any("explanations of a: b gives 5.00" in line for line in told.notes())


async def test_a_reviewer_is_told_what_was_wrong_with_its_reply(
    bench: Bench, endpoint: Make
) -> None:
    asked: list[list[dict[str, str]]] = []

    def answer(request: dict[str, Any]) -> str:
        if not is_review(request):
            return right(request)
        asked.append(request["messages"])
        return "Looks good to me." if len(request["messages"]) == 1 else score(request, 4)

    for name in ("a", "b"):
        bench.store.put(teacher(name, endpoint(answer).url, concurrency=1))
    add_mistakes(bench.store, 1)
    await run(bench, "solve", "review")
    assert {review.score for review in bench.store.all(Review)} == {4}
    again = [messages for messages in asked if len(messages) == 3]
    assert len(again) == 2
    for messages in again:
        assert messages[1] == {"role": "assistant", "content": "Looks good to me."}
        assert "no score in the reply" in messages[2]["content"]


def test_the_paper_asks_once_unless_told_otherwise(store: Store) -> None:
    store.set_setting(SETTING, {"target": 2, "revise": 1, "blind": True})
    assert quality_of(store) == Quality(target=2, revise=1, blind=True)
    apply_policy(store, PRESETS["paper"], who="me")
    assert quality_of(store) == Quality(blind=True)
    assert quality_of(store, revise=2) == Quality(blind=True, revise=2)
    apply_policy(store, Policy(threshold=4), who="me")
    assert quality_of(store).target == 2


def test_what_makes_no_sense_is_refused_in_one_line(store: Store) -> None:
    with pytest.raises(SpecError, match="most samples: input should be greater"):
        quality_of(store, most_samples=0)


async def test_samples_are_the_teachers_own_or_the_projects(bench: Bench, endpoint: Make) -> None:
    served = endpoint()
    bench.store.put(teacher("a", served.url, samples=3))
    bench.store.put(teacher("b", served.url))
    add_mistakes(bench.store, 2)
    plan = asking.plan(bench, ("solve", "review"), samples=2)
    assert asking.missing(bench, plan)["solve"] == 2 * 4
    assert {one.stage: one.calls for one in forecast.estimate(bench, plan)} == {
        "solve": 8, "review": 8,
    }  # fmt: skip
    await run(bench, "solve", samples=2)
    made = {(r.teacher, r.sample) for r in bench.store.all(Rationale)}
    assert made == {("a", 0), ("a", 1), ("b", 0), ("b", 1)}
    await run(bench, "solve")
    assert bench.store.count(Rationale) == 2 * 5, "the teacher's own setting wants a third"


async def test_reviews_of_explanations_are_estimated_as_paid_calls(
    bench: Bench, endpoint: Make
) -> None:
    for name in ("a", "b", "c"):
        bench.store.put(teacher(name, "http://127.0.0.1:9/v1"))
    add_mistakes(bench.store, 2)
    plan = asking.plan(bench, PAID, review_explanations=True)
    calls = {one.stage: one.calls for one in forecast.estimate(bench, plan)}
    assert calls == {"explain": 6, "solve": 6, "review": 12, "review explanations": 12}


async def test_one_slow_teacher_does_not_hold_up_the_others(bench: Bench, endpoint: Make) -> None:
    """Two quick teachers are through with each other's work while the third is at its first."""
    slow = endpoint()
    slow.latency_s = 1.5
    quick = endpoint()
    bench.store.put(teacher("a", quick.url))
    bench.store.put(teacher("b", quick.url))
    bench.store.put(teacher("slow", slow.url, concurrency=2))
    add_mistakes(bench.store, 8)
    plan = asking.plan(bench, ("solve", "review"))
    running = asking.run_stages(bench, plan)
    between = "SELECT count(*) FROM reviews WHERE reviewer <> 'slow'"
    async for _ in running:
        if int(bench.store.value(between)) >= 2 * 8:
            break
    assert slow.requests <= 2, "all that the quick ones owe each other is there already"
    await running.aclose()


async def test_a_budget_is_for_all_stages_together_and_over_a_restart(
    bench: Bench, endpoint: Make
) -> None:
    served = endpoint()
    for name in ("a", "b"):
        bench.store.put(teacher(name, served.url, concurrency=2, price_in=0.0, price_out=1.0,
                                max_tokens=5))  # fmt: skip
    add_mistakes(bench.store, 10)
    plan = asking.plan(bench, PAID, revise=1)
    each = 5e-6  # the endpoint counts 5 tokens in every reply
    for _ in range(2):
        told = [p async for p in asking.run_stages(bench, plan, budget_usd=20.5 * each)]
        assert any(progress.note == "budget reached" for progress in told)
        spent = bench.store.spent_usd()
        assert spent is not None
        assert spent <= 20.5 * each
    assert served.requests == 20
    stages = {row[0] for row in bench.store.rows("SELECT DISTINCT stage FROM calls")}
    assert len(stages) > 1, "the budget was not one stage's"
    check_ledger(bench.store, requests=20)


async def test_the_ledger_knows_the_round_of_every_stage(bench: Bench, endpoint: Make) -> None:
    def answer(request: dict[str, Any]) -> str:
        return score(request, 1, "No.") if is_review(request) else "Answer: 99"

    served = endpoint(answer)
    for name in ("a", "b"):
        bench.store.put(teacher(name, served.url))
    add_mistakes(bench.store, 2)
    await run(bench, samples=2, revise=1, review_explanations=True)
    lines = ledger(bench.store)
    assert {line.stage for line in lines} == {
        "explain", "solve", "review", "review explanations", "revise",
    }  # fmt: skip
    assert all(line.round == 0 for line in lines)
    each = ledger_by_question(bench.store)
    assert sum(one.calls for one in each) == served.requests == sum(line.calls for line in lines)
    assert sum(one.tokens_out or 0 for one in each) == sum(line.tokens_out or 0 for line in lines)
    assert [(one.question, len(calls_for(bench.store, one.question))) for one in each] == [
        (one.question, one.calls) for one in each
    ]
    assert len(each) == 2, "every call is of one of the two questions"
    assert ledger_by_question(bench.store, most=1) == each[:1]


def test_what_is_said_once_is_kept_for_the_next_run(store: Store) -> None:
    keep_quality(store, {"target": 2, "revise": None, "blind": True})
    keep_quality(store, {"samples": 3, "blind": None})
    assert quality_of(store) == Quality(samples=3, target=2, blind=True)
    with pytest.raises(SpecError, match="revise"):
        keep_quality(store, {"revise": 99})
    assert quality_of(store).target == 2
