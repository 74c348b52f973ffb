"""Which teacher's rationales stand beside what was fixed, kind by kind."""

from __future__ import annotations

import asyncio

from studio.domain.records import Verdict
from studio.flow import pipeline
from studio.flow.evaluation import evaluate
from studio.flow.stage import Bench
from studio.flow.taught import Taught, taught_beside_fixed
from studio.store.tables import Store
from tests.curated import (
    STUDENT,
    add_attempt,
    add_question,
    add_rationale,
    bench,
    collect,
    launcher,
    make_student,
)

__all__ = ["bench", "launcher"]


def taught_question(store: Store, text: str, kind: str, *teachers: str) -> None:
    question = add_question(store, text, kind=kind)
    add_attempt(store, question, Verdict.WRONG)
    for name in teachers:
        add_rationale(store, question, teacher=name)


def test_rationales_by_teacher_stand_beside_what_turned(bench: Bench, store: Store) -> None:
    taught_question(store, "How many are 3 and 4?", "gain", "gpt", "gemini")
    taught_question(store, "How many are 5 and 2?", "gain", "gpt")
    taught_question(store, "What is left of 9 less 2?", "loss", "gemini")
    held_out = [
        add_question(store, f"How many are 2{n} and 30?", split="test", kind=kind)
        for n, kind in enumerate(("gain", "gain", "loss", "rate"))
    ]
    student = make_student(bench.project.parent)
    store.put(student)
    asyncio.run(collect(pipeline.train(bench, STUDENT, {"data": {"val_share": 0}})))
    tuned = pipeline.student_of(bench, student="", run="")
    before = (Verdict.WRONG, Verdict.WRONG, Verdict.CORRECT, Verdict.CORRECT)
    after = (Verdict.CORRECT, Verdict.CORRECT, Verdict.WRONG, Verdict.CORRECT)
    for question, one, other in zip(held_out, before, after, strict=True):
        add_attempt(store, question, one)
        add_attempt(store, question, other, student=tuned, round_=1)
    found = taught_beside_fixed(store, evaluate(store, student=tuned, base=STUDENT))
    assert found == [
        Taught("gain", {"gpt": 2, "gemini": 1}, 2, 0),
        Taught("loss", {"gemini": 1}, 0, 1),
    ]
    assert found[0].describe() == "gain: 2 fixed, 0 broken; taught gemini 1, gpt 2"
