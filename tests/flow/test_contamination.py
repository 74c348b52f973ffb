"""What training texts share with held-out questions is told before a run, and kept with it."""

from __future__ import annotations

import asyncio
import json

from studio.domain.records import StudentRecord
from studio.domain.specs import DatasetSpec
from studio.flow import pipeline
from studio.flow.contamination import Contamination
from studio.flow.dataset import draft_dataset
from studio.flow.outlook import seen_in_exam
from studio.flow.stage import Bench
from studio.flow.students import register
from studio.store.tables import Store
from tests.curated import (
    add_case,
    add_question,
    add_rationale,
    bench,
    collect,
    launcher,
    make_student,
)

__all__ = ["bench", "launcher"]

HELD_OUT = "A baker made 48 rolls on Monday and sold 29 of them before noon. How many were left?"


def seen(bench: Bench, student: StudentRecord) -> Contamination:
    everything = DatasetSpec(val_share=0)
    return seen_in_exam(bench, draft_dataset(bench, student=student, options=everything))


def test_an_answer_that_holds_a_held_out_question_is_found(bench: Bench, store: Store) -> None:
    student = StudentRecord(name="small", location="x")
    asked = [add_case(store, f"How many are {n} and 4?") for n in range(3)]
    held_out = add_question(store, HELD_OUT, split="test")
    assert seen(bench, student) == Contamination(0, 0, 0, ())
    add_rationale(store, asked[1], teacher="llama", text=f"Like: {HELD_OUT.upper()} So 19. #### 5")
    found = seen(bench, student)
    assert (found.left_out, found.examples, found.held_out) == (0, 1, 1)
    assert found.shared[0].question_id == held_out.id
    assert found.shared[0].words == "a baker made 48 rolls on monday and sold 29 of them before"
    assert "8 to 13 words in a row with a held-out question: 1 (with 1 of them)" in found.in_words()


def test_other_numbers_and_short_questions_are_no_copies(bench: Bench, store: Store) -> None:
    case = add_case(store, "How many are 3 and 4?")
    add_question(store, HELD_OUT, split="test")
    add_question(store, "How many are 9 and 4?", split="test")  # too few words to tell
    other = HELD_OUT.replace("48", "52").replace("29", "30")
    add_rationale(store, case, teacher="llama", text=f"{other} How many are 9 and 4? #### 7")
    assert seen(bench, StudentRecord(name="small", location="x")).examples == 0


def test_a_run_keeps_the_warning(bench: Bench, store: Store) -> None:
    case = add_case(store, "How many are 3 and 4?")
    add_case(store, "Ada has 5 red pears. How many pears has Ada?")
    add_question(store, "ADA has 5 red pears;  how many pears has Ada", split="test")
    add_question(store, HELD_OUT, split="test")
    add_rationale(store, case, teacher="llama", text=f"{HELD_OUT} #### 7")
    student = make_student(bench.project.parent)
    register(store, student)
    asyncio.run(collect(pipeline.train(bench, student.name, {"data": {"val_share": 0}})))
    (row,) = store.rows("SELECT result FROM run_states")
    told = json.loads(row["result"])["warnings"][0]
    assert told.startswith("train questions that are held out too, and so are not learned from: 1")
    assert "in a row with a held-out question: 1" in told
