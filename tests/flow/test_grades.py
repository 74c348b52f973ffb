"""Grading as a stage: what is graded when, what teachers and people change about it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from studio.domain import doubts
from studio.domain.errors import SpecError
from studio.domain.grading import GRADER
from studio.domain.records import (
    Attempt,
    Doubt,
    Grade,
    Question,
    Rationale,
    SubjectKind,
    Verdict,
)
from studio.flow.grades import GradeStage, _outdated, graded_by_older_rules, mark_not_a_mistake
from studio.flow.latex import LatexWorkers
from studio.flow.stage import Bench, Progress, Scope
from studio.flow.undo import redo, undo
from studio.store.tables import Store
from tests.curated import ChildLauncher, make_bench

QUESTION = Question(text="How many are 3 and 4?", gold="7")


@pytest.fixture
def bench(store: Store) -> Bench:
    store.add([QUESTION])
    return make_bench(store, ChildLauncher())


def grade(bench: Bench, scope: Scope = Scope()) -> list[Progress]:
    async def all_of_it() -> list[Progress]:
        return [progress async for progress in GradeStage(scope).run(bench)]

    return asyncio.run(all_of_it())


def attempt(text: str, **fields: int | str) -> Attempt:
    return Attempt.model_validate(
        {"question_id": QUESTION.id, "student": "small", "text": text, **fields}
    )


def rationale(teacher: str, text: str, *, revision: int = 0) -> Rationale:
    return Rationale(question_id=QUESTION.id, teacher=teacher, text=text, revision=revision)


def current(store: Store, subject_id: str) -> Grade:
    return next(store.all(Grade, "subject_id = ?", subject_id, view="current_grades"))


def doubt_names(store: Store, subject_id: str) -> list[str]:
    return [doubt.name for doubt in current(store, subject_id).doubts]


def test_attempts_and_rationales_are_graded_once(bench: Bench) -> None:
    store = bench.store
    right, wrong = attempt("Answer: 7"), attempt("Answer: 8", sample=1)
    store.add([right, wrong, rationale("ann", "3 + 4 = 7"), rationale("bob", "no idea")])
    assert GradeStage().todo(store) == 4
    assert grade(bench)[-1] == Progress("grade", 4, 4)
    assert current(store, right.id).verdict is Verdict.CORRECT
    assert current(store, wrong.id).verdict is Verdict.WRONG
    kinds = store.rows("SELECT subject_kind, count(*) FROM grades GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in kinds] == [("attempt", 2), ("rationale", 2)]
    assert (GradeStage().todo(store), grade(bench)) == (0, [])


def test_a_program_is_not_read_as_prose(bench: Bench) -> None:
    program = rationale("ann", "return 7").changed(form="program")
    bench.store.add([program])
    assert GradeStage().todo(bench.store) == 0


def test_the_scope_says_which_round_is_graded_but_never_half_of_it(bench: Bench) -> None:
    bench.store.add(attempt(f"{n}", round=n % 2, sample=n) for n in range(10))
    assert grade(bench, Scope(round=1, limit=3))[-1] == Progress("grade", 5, 5)
    assert GradeStage(Scope(round=1)).todo(bench.store) == 0


def test_an_older_version_of_the_rules_is_graded_again_and_kept(bench: Bench) -> None:
    mine = attempt("Answer: 7")
    old = Grade(subject_id=mine.id, verdict=Verdict.WRONG, grader="rules:0")
    bench.store.add([mine, old])
    grade(bench)
    assert (current(bench.store, mine.id).verdict, bench.store.count(Grade)) == ("correct", 2)


def by_older_rules(store: Store, *made: Attempt | Rationale, verdict: Verdict) -> None:
    """Grade these as a version of the rules did that has since been replaced."""
    store.add(made)
    for one in made:
        kind: SubjectKind = "attempt" if isinstance(one, Attempt) else "rationale"
        store.add([Grade(subject_id=one.id, subject_kind=kind, verdict=verdict, extracted="8",
                         grader="rules:1")])  # fmt: skip


def test_newer_rules_grade_a_whole_older_project_whatever_the_scope(bench: Bench) -> None:
    """Else two rounds, or a student before and after, would be compared by different rules."""
    store = bench.store
    first, second = attempt("Answer: not 8 but 7"), attempt("Answer: 8", round=1)
    by_older_rules(store, first, second, rationale("ann", "Answer: 8"), verdict=Verdict.WRONG)
    store.add([attempt("Answer: 7", round=2)])
    assert graded_by_older_rules(store) == 3
    done = grade(bench, Scope(round=1))[-1]
    assert (done.done, done.total) == (3, 3), "what was never graded waits for its own round"
    assert done.note == "1 verdict differs from the older rules'; decide follows them"
    assert current(store, first.id).verdict is Verdict.CORRECT
    assert (graded_by_older_rules(store), GradeStage(Scope(round=1)).todo(store)) == (0, 0)
    assert store.count(Grade, "grader = 'rules:1'") == 3, "no grade is changed in its place"


def test_a_persons_word_stands_above_newer_rules_too(bench: Bench) -> None:
    store, mine = bench.store, attempt("Answer: 8")
    by_older_rules(store, mine, verdict=Verdict.WRONG)
    made = mark_not_a_mistake(store, mine.id, who="ada")
    grade(bench)
    assert current(store, mine.id) == made
    assert store.count(Grade, "subject_id = ?", mine.id) == 3
    assert undo(store)
    assert (current(store, mine.id).grader, current(store, mine.id).verdict) == (GRADER, "wrong")


def test_a_doubt_on_gold_never_passes_an_old_verdict_off_as_one_by_newer_rules(
    bench: Bench,
) -> None:
    """A grade with a doubt more keeps the name of the rules that gave its verdict."""
    store, mine = bench.store, attempt("Answer: not 8 but 7")
    by_older_rules(store, mine, verdict=Verdict.WRONG)
    doubted = Doubt(name=doubts.GOLD_SUSPICIOUS, evidence="ann, bob all answer 8, gold is 7")
    (renewed,) = _outdated(store, {QUESTION.id: doubted})
    assert (renewed.grader, renewed.verdict) == ("rules:1.1", "wrong")
    store.add([renewed])
    grade(bench)
    found = current(store, mine.id)
    assert (found.grader, found.verdict, found.doubts) == (GRADER, "correct", ())


def test_gold_is_suspicious_as_long_as_all_teachers_agree_on_another_answer(bench: Bench) -> None:
    store, mine = bench.store, attempt("Answer: 8")
    store.add([mine, rationale("ann", "Answer: 8")])
    grade(bench)
    assert doubt_names(store, mine.id) == []  # one teacher is nobody to agree with
    store.add([rationale("bob", "It is 8.0 apples")])
    assert GradeStage().todo(store) == 1
    grade(bench)
    found = current(store, mine.id)
    assert (found.grader, [doubt.name for doubt in found.doubts]) == (
        f"{GRADER}.1",
        [doubts.GOLD_SUSPICIOUS],
    )
    assert found.doubts[0].evidence == "ann, bob all answer 8, gold is 7"
    for revision, text in enumerate(("Answer: 9", "Answer: 8"), start=1):
        store.add([rationale("bob", text, revision=revision)])
        grade(bench)
        assert bool(doubt_names(store, mine.id)) is (text == "Answer: 8")
        assert GradeStage().todo(store) == 0
    assert store.count(Grade, "subject_id = ?", mine.id) == 4


def test_an_attempt_after_the_teachers_carries_the_doubt_at_once(bench: Bench) -> None:
    mine = attempt("Answer: 8")
    bench.store.add([mine, rationale("ann", "Answer: 8"), rationale("bob", "Answer: 8")])
    grade(bench)
    assert (doubt_names(bench.store, mine.id), bench.store.count(Grade)) == (
        [doubts.GOLD_SUSPICIOUS],
        3,
    )


def test_a_person_outranks_the_rules_and_can_take_it_back(bench: Bench) -> None:
    store, mine = bench.store, attempt("Answer: 8")
    store.add([mine])
    grade(bench)
    made = mark_not_a_mistake(store, mine.id, who="ada", why="gold is wrong")
    assert (made.verdict, made.extracted) == (Verdict.CORRECT, "8")
    store.add([rationale("ann", "Answer: 8"), rationale("bob", "Answer: 8")])
    grade(bench)
    assert current(store, mine.id) == made
    assert undo(store)
    assert current(store, mine.id).verdict is Verdict.WRONG
    assert redo(store)
    assert current(store, mine.id) == made
    with pytest.raises(SpecError, match="no attempt"):
        mark_not_a_mistake(store, "unknown", who="ada")


def test_an_interrupted_stage_keeps_its_pages_and_goes_on(bench: Bench) -> None:
    bench.store.add(attempt(f"Answer: {n}", sample=n) for n in range(1200))

    async def one_page() -> None:
        async for _ in GradeStage().run(bench):
            break

    asyncio.run(one_page())
    assert GradeStage().todo(bench.store) == 700
    grade(bench)
    assert GradeStage().todo(bench.store) == 0


def test_ten_thousand_attempts_take_a_few_seconds(bench: Bench) -> None:
    text = "He has 3 + 4 = {n} apples.\nTherefore, 2 friends get 1/2 of {n} each.\nAnswer: {n}"
    bench.store.add(attempt(text.format(n=n), sample=n) for n in range(10_000))
    began = time.process_time()
    grade(bench)
    assert time.process_time() - began < 12


@pytest.fixture(scope="module")
def latex() -> Iterator[LatexWorkers]:
    with LatexWorkers(check_s=4.0) as workers:
        yield workers


@pytest.mark.parametrize(
    ("gold", "answer", "equal"),
    [
        (r"\frac{\sqrt{2}}{2}", r"1/\sqrt{2}", True),
        ("x^2-1", "(x-1)(x+1)", True),
        ("60", r"12 \times 5", True),
        ("x", "y", False),
        ("3x-y+13=0", "3x+4y+14=0", False),
        (r"\frac{", "{{{{", False),
    ],
)
def test_latex_answers_are_compared_by_what_they_mean(
    latex: LatexWorkers, gold: str, answer: str, equal: bool
) -> None:
    assert latex.equal(gold, answer) is equal


def test_a_hanging_check_is_ended_and_its_worker_replaced(latex: LatexWorkers) -> None:
    before = latex.undecided
    began = time.monotonic()
    assert not latex.equal("9^{9^{9^{9}}}", "9^{9^{9^{8}}}")
    assert time.monotonic() - began < 15, "left alone it takes for ever"
    assert latex.undecided == before + 1
    assert latex.equal("2x", "x+x")


def test_workers_serve_several_threads_and_answer_nothing_when_closed() -> None:
    async def several() -> list[bool]:
        with LatexWorkers(size=2) as workers:
            checks = [asyncio.to_thread(workers.equal, f"{n}x", f"x+{n - 1}x") for n in range(2, 8)]
            found = await asyncio.gather(*checks)
        assert not workers.equal("2x", "x+x")
        return found

    assert asyncio.run(several()) == [True] * 6


def test_latex_is_read_within_the_stage(bench: Bench) -> None:
    mine = attempt(r"We get \boxed{\sqrt{49}}.")
    bench.store.add([mine])
    grade(bench)
    assert current(bench.store, mine.id).verdict is Verdict.CORRECT
