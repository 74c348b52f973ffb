"""Mistakes become explanations: all of them, once, by every teacher that is still asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from studio.domain.records import Attempt, Explanation, Grade, Question, Verdict
from studio.flow.explanations import ExplainStage
from studio.flow.stage import Bench, Scope
from studio.launch.local import LocalLauncher
from studio.prompts import Prompts
from studio.store.tables import Store
from studio.teachers.opener import TeacherOpener
from tests.fakes import FaultyEndpoint, add_mistakes, teacher


@pytest.fixture
async def bench(store: Store) -> AsyncIterator[Bench]:
    opener = TeacherOpener(lambda record: None)
    yield Bench(store, store.path, opener.open, LocalLauncher(), Prompts())
    await opener.aclose()


@pytest.fixture
def endpoint() -> Iterator[FaultyEndpoint]:
    made = FaultyEndpoint(lambda request: "The sum is wrong.")
    yield made
    made.close()


async def explain(bench: Bench, scope: Scope = Scope()) -> None:
    async for _ in ExplainStage(scope).run(bench):
        pass


async def test_the_teacher_sees_question_options_whole_answer_and_gold(
    bench: Bench, endpoint: FaultyEndpoint
) -> None:
    bench.store.put(teacher("a", endpoint.url))
    question = Question(text="Which?", context="A story.", options=("red", "blue"), gold="B")
    attempt = Attempt(question_id=question.id, student="small", text="Because\nof that.\nAnswer: A")
    bench.store.add([question, attempt])
    bench.store.add([Grade(subject_id=attempt.id, verdict=Verdict.WRONG, grader="rules:1")])
    await explain(bench)
    (prompt,) = endpoint.asked
    for part in ("A story.", "Which?", "A. red\nB. blue", "Because\nof that.\nAnswer: A", "is B"):
        assert part in prompt


async def test_right_unreadable_and_held_out_answers_are_no_mistakes(
    bench: Bench, endpoint: FaultyEndpoint
) -> None:
    bench.store.put(teacher("a", endpoint.url))
    add_mistakes(bench.store, 2, split="test")
    questions = [Question(text=f"Q{n}?", gold="1") for n in range(2)]
    attempts = [Attempt(question_id=q.id, student="small", text="Answer: 1") for q in questions]
    bench.store.add([*questions, *attempts])
    bench.store.add(
        Grade(subject_id=attempt.id, verdict=verdict, grader="rules:1")
        for attempt, verdict in zip(attempts, (Verdict.CORRECT, Verdict.UNREADABLE), strict=True)
    )
    assert ExplainStage().todo(bench.store) == 0


async def test_nothing_is_asked_of_a_teacher_known_from_an_import(
    bench: Bench, endpoint: FaultyEndpoint
) -> None:
    bench.store.put(teacher("gone", endpoint.url, active=False))
    bench.store.put(teacher("org/with a stroke", endpoint.url))
    add_mistakes(bench.store, 3)
    assert ExplainStage().todo(bench.store) == 3
    await explain(bench, Scope(limit=2))
    await explain(bench)
    assert {e.teacher for e in bench.store.all(Explanation)} == {"org/with a stroke"}
    assert sum(endpoint.asked.values()) == 3
    assert ExplainStage(Scope(student="another")).todo(bench.store) == 0
