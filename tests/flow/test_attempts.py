"""The exam: every question is answered once, whatever happens to the job on the way."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.domain.errors import RunError, SpecError, StudentError, TeacherError
from studio.domain.records import Attempt, Question, StudentRecord
from studio.flow.attempts import AttemptStage
from studio.flow.exam import exam_settings
from studio.flow.job_folder import last_launch
from studio.flow.stage import Bench, Progress, Scope
from studio.flow.students import student_from
from studio.prompts import Prompts, question_text
from studio.store.tables import Store
from studio.teachers.opener import TeacherOpener
from studio.teachers.scripted import ScriptedServer
from tests.curated import (
    STUDENT,
    ChildLauncher,
    add_question,
    bench,
    collect,
    launcher,
    make_student,
)

__all__ = ["bench", "launcher"]


@pytest.fixture
def student(tmp_path: Path, store: Store) -> StudentRecord:
    """A student with ten train and four held-out questions before it."""
    for n in range(14):
        add_question(store, f"How many are {n} and 4?", split="train" if n < 10 else "test")
    return make_student(tmp_path)


def sit(
    bench: Bench, student: StudentRecord, scope: Scope = Scope(), **options: Any
) -> list[Progress]:
    return asyncio.run(collect(AttemptStage(scope, student=student, **options).run(bench)))


def folder_of(launcher: ChildLauncher) -> Path:
    (folder,) = set(launcher.started)
    return folder


def test_every_train_question_gets_one_attempt(
    bench: Bench, store: Store, student: StudentRecord
) -> None:
    assert AttemptStage(student=student).todo(store) == 10
    steps = sit(bench, student)
    assert (steps[-1].done, steps[-1].total, steps[-1].failed) == (10, 10, 0)
    attempts = list(store.all(Attempt))
    assert len({attempt.question_id for attempt in attempts}) == 10
    assert {(a.student, a.round, a.sample) for a in attempts} == {(STUDENT, 0, 0)}
    assert sum(attempt.truncated for attempt in attempts) == 1
    assert attempts[0].tokens_out == 7
    assert store.count(Question, "split = 'test'") == 4
    assert AttemptStage(student=student).todo(store) == 0
    assert store.get(StudentRecord, student.id) == student


def test_an_exam_sat_again_does_nothing(
    bench: Bench, store: Store, student: StudentRecord, launcher: ChildLauncher
) -> None:
    sit(bench, student)
    sit(bench, student)
    assert len(launcher.started) == 1


def test_the_job_gets_the_exam_prompt_and_the_papers_settings(
    bench: Bench, store: Store, student: StudentRecord, launcher: ChildLauncher
) -> None:
    sit(bench, student, Scope(limit=1))
    folder = folder_of(launcher)
    row = json.loads((folder / "data" / "questions.jsonl").read_text())
    question = store.get(Question, row["key"])
    assert question is not None
    exam = Prompts().get("bare", "exam")
    assert row["messages"] == exam.messages({"question": question_text(question)})
    spec = json.loads((folder / "spec.json").read_text())
    assert (spec["temperature"], spec["top_p"], spec["max_new_tokens"]) == (0.3, 0.9, 512)


def test_held_out_questions_are_asked_greedily(
    bench: Bench, store: Store, student: StudentRecord
) -> None:
    sit(bench, student, split=None)
    asked = store.rows(
        "SELECT q.split, a.text FROM attempts a JOIN questions q ON q.id = a.question_id"
    )
    assert {(row["split"], row["text"].partition(".  ")[0][:5]) for row in asked} == {
        ("train", "T 0.3"), ("test", "T 0.0"),
    }  # fmt: skip
    kept = exam_settings(store, STUDENT, 0, split="test")
    assert kept is not None
    assert kept.temperature == 0


def test_the_held_out_exam_is_not_mixed_of_two_ways_of_asking(
    bench: Bench, student: StudentRecord
) -> None:
    sit(bench, student, Scope(limit=2), split="test")
    with pytest.raises(SpecError, match="with other settings"):
        sit(bench, student, split="test", temperature=0.7)
    assert sit(bench, student, split="test")[-1].done == 2


def test_a_limit_is_kept_and_the_rest_comes_later(
    bench: Bench, store: Store, student: StudentRecord
) -> None:
    assert sit(bench, student, Scope(limit=4))[-1].total == 4
    assert store.count(Attempt) == 4
    assert sit(bench, student)[-1].done == 6
    assert store.count(Attempt) == 10


@pytest.mark.parametrize("behaviour", ["die", "half-line"])
def test_a_job_that_was_killed_keeps_its_answers_and_is_asked_for_the_rest(
    bench: Bench, store: Store, student: StudentRecord, launcher: ChildLauncher, behaviour: str
) -> None:
    launcher.behaviour = behaviour
    with pytest.raises(RunError, match="ended without a word: run it again"):
        sit(bench, student)
    assert store.count(Attempt) == 3
    launcher.behaviour = ""
    assert sit(bench, student)[-1].total == 7
    sit(bench, student)  # a half line swallowed one answer: that question is asked once more
    assert store.count(Attempt) == 10
    rows = (folder_of(launcher) / "data" / "questions.jsonl").read_text().splitlines()
    assert len(rows) <= 7


def test_an_exam_that_may_not_speak_for_itself_says_so_none_the_less(
    bench: Bench, student: StudentRecord, launcher: ChildLauncher
) -> None:
    launcher.behaviour = "left-alone"
    with pytest.raises(RunError, match="the exam of small failed: process 2: memory is full"):
        sit(bench, student)
    launcher.behaviour = ""
    assert sit(bench, student)[-1].done == 10


def test_an_exam_goes_on_in_a_project_that_was_moved(
    bench: Bench, store: Store, student: StudentRecord, launcher: ChildLauncher
) -> None:
    launcher.behaviour = "die"
    with pytest.raises(RunError, match="ended without a word"):
        sit(bench, student)
    place = folder_of(launcher) / "spec.json"
    spec = json.loads(place.read_text())
    elsewhere = {**spec, "student": {"location": "/elsewhere", "adapter": "/elsewhere/adapter"}}
    place.write_text(json.dumps(elsewhere))  # as it stood where the project was
    launcher.behaviour = ""
    sit(bench, student)
    assert json.loads(place.read_text()) == spec
    assert store.count(Attempt) == 10


def test_answers_made_while_nobody_looked_are_taken_up(
    bench: Bench, store: Store, student: StudentRecord, launcher: ChildLauncher
) -> None:
    sit(bench, student)
    store.execute("DELETE FROM attempts")
    assert sit(bench, student)[-1].done == 10
    assert len(launcher.started) == 1


def test_a_job_that_is_still_going_is_joined(
    bench: Bench, store: Store, student: StudentRecord, launcher: ChildLauncher
) -> None:
    launcher.behaviour = "slow"

    async def abandoned() -> None:
        async for step in AttemptStage(student=student).run(bench):
            if step.done:
                raise KeyError("as if the studio had been killed here")

    real_cancel, launcher.cancel = launcher.cancel, lambda handle: None  # type: ignore[method-assign]
    with pytest.raises(KeyError):
        asyncio.run(abandoned())
    launcher.cancel = real_cancel  # type: ignore[method-assign]
    going = last_launch(folder_of(launcher))
    assert going is not None
    assert launcher.is_alive(going.handle)
    sit(bench, student)
    assert len(launcher.started) == 1
    assert store.count(Attempt) == 10


def test_a_cancelled_exam_ends_its_job_and_goes_on_later(
    bench: Bench, store: Store, student: StudentRecord, launcher: ChildLauncher
) -> None:
    launcher.behaviour = "slow"

    async def cancelled() -> None:
        task = asyncio.ensure_future(collect(AttemptStage(student=student).run(bench)))
        while not store.count(Attempt):
            await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    going = last_launch(folder_of(launcher))
    assert going is not None
    assert not launcher.is_alive(going.handle)
    launcher.behaviour = ""
    sit(bench, student)
    assert store.count(Attempt) == 10


def test_a_job_that_fails_is_told_in_its_own_words(
    bench: Bench, student: StudentRecord, launcher: ChildLauncher
) -> None:
    launcher.behaviour = "fail"
    with pytest.raises(StudentError, match="the weights are not to be read"):
        sit(bench, student)


def test_a_student_without_weights_is_refused_before_a_job_starts(
    bench: Bench, student: StudentRecord, launcher: ChildLauncher
) -> None:
    with pytest.raises(StudentError, match="imported attempts only"):
        sit(bench, StudentRecord(name="imported"))
    assert launcher.started == []


def test_the_next_round_is_another_exam(
    bench: Bench, store: Store, student: StudentRecord, launcher: ChildLauncher
) -> None:
    sit(bench, student)
    sit(bench, student, Scope(round=1))
    assert store.count(Attempt) == 20
    assert len(set(launcher.started)) == 2


def sit_far(bench: Bench, student: StudentRecord) -> list[Progress]:
    """Let a student behind an endpoint sit the exam twice; returns the first sitting."""
    opener = TeacherOpener(lambda record: None)
    there = replace(bench, open_teacher=opener.open)

    async def twice() -> list[Progress]:
        try:
            first = await collect(AttemptStage(student=student).run(there))
            await collect(AttemptStage(student=student).run(there))
        finally:
            await opener.aclose()
        return first

    return asyncio.run(twice())


def test_a_student_behind_an_endpoint_is_asked_like_a_teacher(
    bench: Bench, store: Store, tmp_path: Path
) -> None:
    question = add_question(store, "How many are 3 and 4?")
    row = {"question": question.text, "answer": "7", "kind": "sum", "solution": "Answer: 7",
           "wrong_solution": "Answer: 8", "explanation": "no"}  # fmt: skip
    script = tmp_path / "script.jsonl"
    script.write_text(json.dumps(row))
    server = ScriptedServer(script)
    try:
        last = sit_far(bench, student_from(f"{server.base_url}#careful", prompts="bare"))[-1]
    finally:
        server.close()
    assert (last.done, last.total, last.failed) == (1, 1, 0)
    (attempt,) = store.all(Attempt)
    assert (attempt.student, attempt.question_id) == ("careful", question.id)
    assert attempt.text.startswith("Answer: ")
    assert store.value("SELECT count(*) FROM calls WHERE stage = 'attempt'") == 1


def test_a_student_at_a_dead_endpoint_is_told_in_one_line(bench: Bench, store: Store) -> None:
    add_question(store, "How many are 3 and 4?")
    with pytest.raises(TeacherError, match="is it running"):
        sit_far(bench, student_from("http://127.0.0.1:9/v1#gone"))
    assert store.count(Attempt) == 0
