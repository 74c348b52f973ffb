"""Several tries: pass@k without bias, the majority's answer, and each try an attempt of its own."""

from __future__ import annotations

import asyncio
import itertools
import random
import tracemalloc
from pathlib import Path

import pytest

from studio.domain.records import Attempt, Grade, StudentRecord, Verdict
from studio.flow.attempts import AttemptStage
from studio.flow.evaluation import evaluate
from studio.flow.grades import GradeStage
from studio.flow.samples import Try, _summed, majority_is_right, pass_at, sampled
from studio.flow.stage import Bench
from studio.flow.status import status
from studio.flow.students import register
from studio.store.tables import Store
from tests.curated import add_question, bench, collect, launcher, make_student

__all__ = ["bench", "launcher"]


@pytest.mark.parametrize(
    ("n", "correct", "k"), [(5, 2, 1), (5, 2, 3), (5, 0, 2), (4, 4, 4), (6, 1, 5)]
)
def test_pass_at_k_is_the_share_of_all_ways_to_draw_k_tries(n: int, correct: int, k: int) -> None:
    tries = [True] * correct + [False] * (n - correct)
    ways = [any(way) for way in itertools.combinations(tries, k)]
    assert pass_at(n, correct, k) == pytest.approx(sum(ways) / len(ways))


def test_the_answer_most_tries_agree_on_counts() -> None:
    right, wrong, none = Try("7", True), Try("8", False), Try("", False)
    assert majority_is_right([wrong, right, right, none, none, none])
    assert not majority_is_right([wrong, wrong, right])
    assert majority_is_right([right, wrong]), "of equal ones the first"
    assert not majority_is_right([none, none])


def test_each_try_is_an_attempt_of_its_own_and_the_exam_stays_as_it_was(
    bench: Bench, store: Store, tmp_path: Path
) -> None:
    student = register(store, make_student(tmp_path))
    for n in range(4):
        add_question(store, f"How many are {n} and 4?", split="test")
    for n in range(4):
        stage = AttemptStage(
            student=student, split="test", sample=n, temperature=0.7 if n else None
        )
        assert stage.todo(store) == 4
        asyncio.run(collect(stage.run(bench)))
        assert stage.todo(store) == 0
    made = list(store.all(Attempt))
    assert sorted((one.sample, one.text.split(".")[0][:3]) for one in made) == sorted(
        (n, "T 0") for n in range(4) for _ in range(4)
    )
    texts = {one.sample: one.text for one in made}
    assert texts[0].startswith("T 0.0")
    assert texts[3].startswith("T 0.7")
    asyncio.run(collect(GradeStage().run(bench)))
    assert evaluate(store, student=student.name).tuned.n == 4
    found = sampled(store, student.name)
    assert found is not None
    assert (found.tries, found.questions) == (3, 4)
    counts = status(store)
    assert counts["attempts"] == 16
    assert counts["students"][student.name]["attempts"] == 4, "the exam's own, as in the evaluation"


def test_tries_are_summed_over_questions_with_all_of_them(store: Store) -> None:
    store.put(StudentRecord(name="small"))
    chance = random.Random(1)
    for n in range(30):
        question = add_question(store, f"How many are {n} and 9?", split="test")
        for sample in range(1, 4 if n else 2):  # the first question lacks two tries
            attempt = Attempt(question_id=question.id, student="small", sample=sample, text="x")
            right = chance.random() < 0.5
            grade = Grade(
                subject_id=attempt.id, verdict=Verdict.CORRECT if right else Verdict.WRONG,
                extracted="7" if right else "8", grader="rules:1",
            )  # fmt: skip
            store.add([attempt, grade])
    found = sampled(store, "small")
    assert found is not None
    assert (found.tries, found.questions, set(found.pass_at)) == (3, 29, {1, 3})
    assert 0.3 < found.pass_at[1] < 0.7 < found.pass_at[3]
    for k, value in found.pass_at.items():
        assert found.intervals[k][0] < value < found.intervals[k][1]
    assert found.majority.n == 29
    assert "3 tries at 29 questions: pass@1" in found.describe()
    assert found.as_json()["pass_at"]["3"] == found.pass_at[3]
    assert sampled(store, "nobody") is None


def test_the_intervals_of_many_questions_take_little_memory() -> None:
    tracemalloc.start()
    lots = [[Try("7", n % 3 == 0), Try("8", n % 2 == 0)] for n in range(30_000)]
    before, _ = tracemalloc.get_traced_memory()
    found = _summed("small", lots)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most - before < 16e6
    low, high = found.intervals[1]
    assert found.pass_at[1] == pytest.approx(5 / 12, abs=1e-4)
    assert high - low == pytest.approx(2 * 1.96 * (0.1181 / 30_000) ** 0.5, rel=0.1)
