"""A run that goes on: the student it had made by then stays what it was, and so does the run."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.domain.errors import RunError
from studio.domain.records import Attempt, Grade, Question, Run, StudentRecord, Verdict
from studio.domain.specs import DatasetSpec
from studio.flow import tuned
from studio.flow.attempts import AttemptStage
from studio.flow.comparison import run_lines
from studio.flow.dataset import build_dataset
from studio.flow.evaluation import evaluate, note_accuracy
from studio.flow.job_folder import read_events
from studio.flow.run_queue import Entry
from studio.flow.stage import Bench
from studio.flow.students import find_student, register, student_from, weights_of
from studio.flow.training import follow_run, result_of, resume_run, run_spec, start_run, stop_run
from studio.store.tables import Store
from tests.curated import ChildLauncher, add_case, add_question, bench, collect, launcher
from tests.curated import make_student as looks_like_one
from tests.forked import ForkedLauncher, Jobs

__all__ = ["bench", "launcher"]


@pytest.fixture
def student(tmp_path: Path, store: Store) -> StudentRecord:
    """A student with three mistakes to learn from, and a question held out."""
    for n in range(3):
        add_case(store, f"How many are {n} and 4?")
    add_question(store, "How many are 30 and 4?", split="test")
    return looks_like_one(tmp_path)


def start(bench: Bench, student: StudentRecord, **values: Any) -> Run:
    dataset = build_dataset(bench, student=student, options=DatasetSpec(val_share=0.1))
    spec = run_spec(bench.project, student, "mapd", values)
    return start_run(bench, dataset=dataset, student=student, spec=spec)


def stopped_after(bench: Bench, run: Run, steps: int) -> StudentRecord:
    """Stop a run at about this step; returns the student it has made by then."""

    async def follow() -> None:
        async for step in follow_run(bench, run.id):
            if step.done >= steps:
                stop_run(bench, run.id)

    asyncio.run(follow())
    assert result_of(bench, run.id)["state"] == "stopped", list(
        read_events(bench.project / "runs" / run.id)
    )
    return find_student(bench.store, result_of(bench, run.id)["student"])


def finished(bench: Bench, run: Run) -> StudentRecord:
    asyncio.run(collect(follow_run(bench, resume_run(bench, run.id).id)))
    return find_student(bench.store, result_of(bench, run.id)["student"])


def weights_in(bench: Bench, student: StudentRecord) -> bytes:
    known = find_student(bench.store, student.name)
    return Path(weights_of(known, bench.project).adapter, "adapter_model.safetensors").read_bytes()


def test_a_real_student_keeps_its_weights_under_its_answers_when_its_run_goes_on(
    bench: Bench, store: Store, jobs: Jobs, small_student: Path, student: StudentRecord
) -> None:
    bench = replace(bench, launcher=ForkedLauncher(jobs))
    real = student_from(str(small_student), prompts="bare")
    values = {"max_steps": 40, "lr": 0.01, "lora": {"r": 2}, "threads": 1, "batch_examples": 4}
    run = start(bench, real, epochs="40", quiz=0, **values)
    early = stopped_after(bench, run, 1)
    before = weights_in(bench, early)
    asyncio.run(collect(AttemptStage(student=early, split="test", max_new_tokens=4).run(bench)))
    assert store.count(Attempt, "student = ?", early.name) == 1
    late = finished(bench, run)
    assert late.name == f"{early.name}.40"
    assert weights_in(bench, early) == before != weights_in(bench, late)
    assert late.adapter == f"runs/{run.id}/artifacts/adapter"


def test_a_stopped_student_that_is_used_while_its_run_goes_on_stays_too(
    bench: Bench, store: Store, student: StudentRecord, launcher: ChildLauncher
) -> None:
    launcher.behaviour = "slow"
    run = start(bench, student)
    early = stopped_after(bench, run, 2)
    before = weights_in(bench, early)
    resume_run(bench, run.id)
    store.set_setting("student", early.name)  # chosen to go on from, before the run has ended
    asyncio.run(collect(follow_run(bench, run.id)))
    late = find_student(store, result_of(bench, run.id)["student"])
    assert late.name != early.name
    assert (weights_in(bench, early), weights_in(bench, late)) == (before, b"weights of step 6")


def test_a_stopped_student_that_nobody_used_makes_room_for_the_finished_one(
    bench: Bench, store: Store, student: StudentRecord, launcher: ChildLauncher
) -> None:
    launcher.behaviour = "slow"
    run = start(bench, student)
    early = stopped_after(bench, run, 2)
    launcher.behaviour = ""
    late = finished(bench, run)
    assert late.name == early.name
    assert weights_in(bench, late) == b"weights of step 6"
    assert not list((bench.project / "runs" / run.id / "artifacts").glob("*kept*"))
    assert store.count(StudentRecord, "run_id = ?", run.id) == 1


def test_weights_of_a_stopped_run_that_are_known_by_another_name_stay(
    bench: Bench, store: Store, student: StudentRecord, launcher: ChildLauncher
) -> None:
    launcher.behaviour = "stop-2"
    run = start(bench, student)
    asyncio.run(collect(follow_run(bench, run.id)))
    early = find_student(store, result_of(bench, run.id)["student"])
    mine = register(store, early.changed(name="mine", run_id=""))
    launcher.behaviour = ""
    late = finished(bench, run)
    assert late.name == early.name, "that name nobody used"
    assert weights_in(bench, mine) == b"weights of step 2"
    assert weights_in(bench, late) == b"weights of step 6"


def test_a_stopped_student_that_a_run_of_the_queue_waits_for_keeps_its_name(
    bench: Bench, store: Store, student: StudentRecord, launcher: ChildLauncher
) -> None:
    launcher.behaviour = "stop-2"
    run = start(bench, student)
    asyncio.run(collect(follow_run(bench, run.id)))
    early = find_student(store, result_of(bench, run.id)["student"])
    waiting = Entry("queued 1", {}, early.name)
    store.set_setting("runs_waiting", [waiting._asdict()])
    launcher.behaviour = ""
    assert finished(bench, run).name != early.name
    assert weights_in(bench, early) == b"weights of step 2"


def test_a_run_of_a_version_with_other_settings_is_told_of(
    bench: Bench, store: Store, student: StudentRecord
) -> None:
    run = start(bench, student, result="best")
    older = run.changed(spec={**run.spec, "val_share": 0.05})
    folder = bench.project / "runs" / older.id
    folder.mkdir()
    (folder / "spec.json").write_text(json.dumps(older.spec))
    store.add([older])
    store.set_run_state(older.id, state="finished", step=6, steps=6, result={})
    asyncio.run(collect(follow_run(bench, run.id)))
    told = result_of(bench, older.id)
    assert (told["state"], told["ends_with_best"]) == ("finished", True)


def test_each_of_a_runs_students_has_its_own_results(
    bench: Bench, store: Store, student: StudentRecord, launcher: ChildLauncher
) -> None:
    launcher.behaviour = "slow"
    run = start(bench, student)
    early = stopped_after(bench, run, 2)
    (question,) = store.all(Question, "split = 'test'")
    sit(store, early, question, Verdict.CORRECT)
    launcher.behaviour = ""
    late = finished(bench, run)
    sit(store, late, question, Verdict.WRONG)
    for who in (late, early):  # the early one is measured last
        note_accuracy(store, evaluate(store, student=who.name))
    row = store.run_state(run.id)
    assert row is not None
    assert json.loads(row["result"])["accuracy"] == 0.0
    (line,) = run_lines(store)
    assert line.student == late.name


def sit(store: Store, who: StudentRecord, question: Question, verdict: Verdict) -> None:
    said = Attempt(question_id=question.id, student=who.name, text="7", round=1)
    store.add([said, Grade(subject_id=said.id, verdict=verdict, grader="rules:1")])


def test_a_student_is_told_from_one_of_another_step_also_after_a_kill(
    bench: Bench, store: Store, student: StudentRecord, launcher: ChildLauncher
) -> None:
    launcher.behaviour = "stop-1"
    run = start(bench, student)
    asyncio.run(collect(follow_run(bench, run.id)))
    early = find_student(store, result_of(bench, run.id)["student"])
    store.set_setting("student", early.name)
    assert finished(bench, run) == find_student(store, early.name), "stopped again where it stood"
    launcher.behaviour = "die"  # at its third step
    resume_run(bench, run.id)
    with pytest.raises(RunError, match="without a word at step 3"):
        asyncio.run(collect(follow_run(bench, run.id)))
    launcher.behaviour = "stop-3"  # goes on from there, and is stopped there
    late = finished(bench, run)
    assert late.name != early.name
    assert weights_in(bench, late) == b"weights of step 3" != weights_in(bench, early)


def test_who_was_taught_on_the_whole_weights_of_a_stopped_run_keeps_them_too(
    bench: Bench, store: Store, student: StudentRecord, launcher: ChildLauncher
) -> None:
    launcher.behaviour = "whole stop-2"
    run = start(bench, student, full=True)
    asyncio.run(collect(follow_run(bench, run.id)))
    early = find_student(store, result_of(bench, run.id)["student"])
    assert early.location == f"runs/{run.id}/artifacts/model"
    launcher.behaviour = ""
    second = start(bench, early)
    asyncio.run(collect(follow_run(bench, second.id)))
    taught = find_student(store, result_of(bench, second.id)["student"])
    assert taught.location == early.location
    launcher.behaviour = "whole"
    late = finished(bench, run)
    for who, step in ((early, 2), (taught, 2), (late, 6)):
        known = find_student(store, who.name)
        weights = Path(weights_of(known, bench.project).location, "model.safetensors")
        assert weights.read_bytes() == f"weights of step {step}".encode()


def test_where_files_cannot_be_shared_they_are_copied(
    bench: Bench, store: Store, student: StudentRecord, launcher: ChildLauncher,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def refused(*_: object) -> None:
        raise OSError("no such thing here")

    monkeypatch.setattr(tuned.os, "link", refused)
    launcher.behaviour = "slow"
    run = start(bench, student)
    early = stopped_after(bench, run, 2)
    store.set_setting("student", early.name)
    before = weights_in(bench, early)
    launcher.behaviour = ""
    assert finished(bench, run).name != early.name
    assert weights_in(bench, early) == before
