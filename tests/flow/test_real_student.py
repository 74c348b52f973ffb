"""The flow around a real student: a tiny random Llama sits the exam, is trained, sits it again."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

from studio.domain.records import Attempt, Grade, Verdict
from studio.domain.specs import DatasetSpec
from studio.flow.attempts import AttemptStage
from studio.flow.dataset import build_dataset
from studio.flow.evaluation import evaluate
from studio.flow.job_folder import read_events
from studio.flow.outlook import draft_of, memory_needed, wanted_run
from studio.flow.stage import Bench
from studio.flow.students import find_student, student_from
from studio.flow.training import follow_run, run_spec, start_run
from studio.store import views
from studio.store.tables import Store
from tests.curated import add_attempt, add_case, add_question, bench, collect, launcher
from tests.forked import ForkedLauncher, Jobs

__all__ = ["bench", "launcher"]


def test_a_student_is_trained_on_its_mistakes_and_sits_the_held_out_exam(
    bench: Bench, store: Store, jobs: Jobs, small_student: Path
) -> None:
    bench = replace(bench, launcher=ForkedLauncher(jobs))
    student = student_from(str(small_student), prompts="bare")
    for n in range(3):
        add_case(store, f"How many are {n} and 4?")
    held_out = add_question(store, "How many are 30 and 4?", split="test")
    add_attempt(store, held_out, Verdict.CORRECT)
    unanswered = add_question(store, "How many are 50 and 4?")

    asyncio.run(collect(AttemptStage(student=student, max_new_tokens=8).run(bench)))
    (attempt,) = store.all(Attempt, "question_id = ?", unanswered.id)
    assert attempt.truncated == (attempt.tokens_out == 8)

    dataset = build_dataset(bench, student=student, options=DatasetSpec(val_share=0.3))
    values = {"max_steps": 2, "lr": 0.01, "lora": {"r": 2}, "threads": 1}
    spec = run_spec(bench.project, student, "mapd", values)
    run = start_run(bench, dataset=dataset, student=student, spec=spec)
    last = asyncio.run(collect(follow_run(bench, run.id)))[-1]
    assert (last.done, last.total) == (2, 2), list(read_events(bench.project / "runs" / run.id))

    tuned = find_student(store, f"small+{run.id[:6]}")
    exam = AttemptStage(student=tuned, split="test", max_new_tokens=8)
    asyncio.run(collect(exam.run(bench)))
    (answer,) = store.all(Attempt, "student = ?", tuned.name)
    assert (answer.round, answer.question_id) == (1, held_out.id)
    store.add([Grade(subject_id=answer.id, verdict=Verdict.WRONG, grader="rules:1")])
    assert evaluate(store, student=tuned.name, base="small").broken == (held_out.id,)


def test_the_memory_foretold_is_that_of_the_adapter_a_student_has_already(
    bench: Bench, store: Store, small_student: Path, tmp_path: Path
) -> None:
    for n in range(3):
        add_case(store, f"How many are {n} and 4?")
    tuned = tmp_path / "tuned"
    tuned.mkdir()
    told = {"base_model_name_or_path": str(small_student), "r": 64, "target_modules": ["q_proj"]}
    (tuned / "adapter_config.json").write_text(json.dumps(told))
    (tuned / "adapter_model.safetensors").write_bytes(b"")
    asked = {"data": {"val_share": 0.0}, "lora": {"r": 2}}
    wanted = wanted_run(bench, str(tuned), asked)
    needs = {
        need.name: need
        for need in memory_needed(wanted, draft_of(bench, wanted), on_gpu=False).needs
    }
    assert needs["adapter"].why.endswith("rank 64")
    assert needs["adapter"].bytes == 2 * 64 * (16 + 16) * 4, "of two layers, their queries alone"


def test_a_name_beyond_ascii_is_known_to_be_chosen(store: Store) -> None:
    store.set_setting("student", "schüler")
    assert store.value(views.IS_USED, "schüler") == 1
    assert store.value(views.IS_USED, "schule") is None
    store.set_setting("forgetting", {"schule": {}})
    assert store.value(views.IS_USED, "schule") == 1
