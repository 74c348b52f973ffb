"""Evaluation: scores, intervals, what was fixed and broken."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from studio.cli.output import table
from studio.domain.errors import StudioError
from studio.domain.records import Dataset, Run, StudentRecord, Verdict
from studio.flow.evaluation import EvaluateStage, Score, evaluate, mcnemar
from studio.flow.stage import Bench
from studio.store.tables import Store
from tests.curated import add_attempt, add_question, bench, launcher

__all__ = ["bench", "launcher"]
RIGHT, WRONG, UNREADABLE = Verdict.CORRECT, Verdict.WRONG, Verdict.UNREADABLE


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    [
        (8, 10, 0.4902, 0.9433),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, table I, method 3
        (15, 148, 0.0624, 0.1605),
        (1, 29, 0.0061, 0.1718),
        (0, 0, 0.0, 1.0),
    ],
)
def test_the_interval_is_wilsons(correct: int, n: int, low: float, high: float) -> None:
    assert Score(n, correct).interval == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize(
    ("fixed", "broken", "p"),
    [(0, 0, 1.0), (5, 5, 1.0), (5, 0, 0.0625), (1, 7, 0.0703125), (10, 2, 0.0385742)],
)
def test_the_p_value_is_the_exact_binomial(fixed: int, broken: int, p: float) -> None:
    assert mcnemar(fixed, broken) == pytest.approx(p, abs=1e-6)


def test_the_p_value_of_large_counts_is_no_overflow() -> None:
    assert 0 < mcnemar(3000, 2800) < 0.02
    begun = time.process_time()
    assert 0 < mcnemar(20_000, 19_500) < 0.02
    assert time.process_time() - begun < 5


def test_students_that_answered_other_questions_are_not_compared_as_if_they_had(
    store: Store,
) -> None:
    sit(store, [WRONG, RIGHT], [RIGHT, RIGHT])
    for n, (name, round_) in enumerate((("small", 0), ("small+1", 1))):
        question = add_question(store, f"for one alone {n}", split="test")
        add_attempt(store, question, WRONG, student=name, round_=round_)
    found = evaluate(store, student="small+1", base="small")
    assert found.note == "small+1 answered 3 questions, small 3, both 2"
    store.put(StudentRecord(name="other", location="org/other", round=1))
    add_attempt(
        store, add_question(store, "another", split="test"), RIGHT, student="other", round_=1
    )
    found = evaluate(store, student="other", base="small")
    assert (found.fixed, found.broken, found.p_value) == ((), (), None)
    assert "both 0" in found.describe(table)


def sit(store: Store, before: list[Verdict], after: list[Verdict]) -> list[str]:
    """Let base (round 0) and tuned (round 1) student answer as many held-out questions."""
    store.put(StudentRecord(name="small", location="org/small"))
    store.put(StudentRecord(name="small+1", location="org/small", round=1, run_id="r"))
    ids = []
    for n, (one, other) in enumerate(zip(before, after, strict=True)):
        question = add_question(
            store, f"question {n}", split="test", kind="sum" if n % 2 else "rest"
        )
        add_attempt(store, question, one)
        add_attempt(store, question, other, student="small+1", round_=1)
        ids.append(question.id)
    return ids


def test_what_was_fixed_and_what_was_broken_is_listed(store: Store) -> None:
    ids = sit(store, [WRONG, RIGHT, RIGHT, UNREADABLE], [RIGHT, WRONG, RIGHT, RIGHT])
    found = evaluate(store, student="small+1", base="small")
    assert set(found.fixed) == {ids[0], ids[3]}
    assert found.broken == (ids[1],)
    assert found.p_value == 1.0
    assert (found.base, found.tuned) == ((4, 2), (4, 3))
    assert {part.kind: (part.base, part.tuned) for part in found.parts} == {
        "rest": ((2, 1), (2, 2)), "sum": ((2, 1), (2, 1)),
    }  # fmt: skip


def test_an_unreadable_answer_counts_and_is_not_correct(store: Store) -> None:
    sit(store, [UNREADABLE, UNREADABLE], [RIGHT, UNREADABLE])
    assert evaluate(store, student="small+1").tuned.accuracy == 0.5


def test_training_questions_have_no_part_in_the_score(store: Store) -> None:
    sit(store, [WRONG], [RIGHT])
    add_attempt(store, add_question(store, "a train one"), WRONG, student="small+1", round_=1)
    found = evaluate(store, student="small+1", base="small")
    assert (found.tuned.n, found.tuned.correct) == (1, 1)
    assert evaluate(store, student="small+1", split="train").tuned.n == 1


def test_the_json_keeps_its_contract(store: Store) -> None:
    sit(store, [WRONG] * 10, [RIGHT] * 8 + [WRONG] * 2)
    told = evaluate(store, student="small+1", base="small").as_json()
    counts = {"n": 10, "correct": 8, "accuracy": 0.8, "fixed": 8, "broken": 0}
    assert {name: told[name] for name in counts} == counts
    assert (told["student"], told["split"]) == ("small+1", "test")
    assert told["interval"] == pytest.approx([0.4902, 0.9433], abs=1e-4)
    assert told["base"]["accuracy"] == 0


def test_different_exam_settings_are_told(store: Store) -> None:
    sit(store, [WRONG], [RIGHT])
    how = {"temperature": 0.0, "top_p": 0.9, "max_new_tokens": 96, "seed": 731, "prompt_hash": "p"}
    store.set_setting("exam:small:0:test", how)
    store.set_setting("exam:small+1:1:test", how)
    assert evaluate(store, student="small+1", base="small").note == ""
    store.set_setting("exam:small+1:1:test", {**how, "temperature": 0.3})
    assert "different settings" in evaluate(store, student="small+1", base="small").note


def test_a_student_that_did_not_sit_the_exam_has_no_score(store: Store) -> None:
    sit(store, [WRONG], [RIGHT])
    with pytest.raises(StudioError, match="nobody has no graded answers to test questions"):
        evaluate(store, student="nobody")


def test_the_stage_notes_the_accuracy_with_the_run(bench: Bench, store: Store) -> None:
    sit(store, [WRONG, WRONG], [RIGHT, WRONG])
    dataset = Dataset(content_hash="c", method="mapd", policy_id="p", created_at=1.0, manifest={})
    run = Run(dataset_id=dataset.id, method="mapd", student="small", spec={}, created_at=1.0)
    store.add([dataset, run])
    store.set_run_state(run.id, state="finished", result={"adapter": "a"})
    store.put(StudentRecord(name="small+1", location="org/small", round=1, run_id=run.id))

    async def stage() -> None:
        async for _ in EvaluateStage(student="small+1", base="small").run(bench):
            pass

    asyncio.run(stage())
    state = store.run_state(run.id)
    assert state is not None
    assert json.loads(state["result"]) == {
        "adapter": "a", "accuracy": 0.5, "accuracy_n": 2, "base_accuracy": 0.0,
    }  # fmt: skip
