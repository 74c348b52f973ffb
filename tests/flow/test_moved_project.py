"""A project that was moved or copied while a run was unfinished: the run goes on with what is its own."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.app.runs import recover
from studio.domain.events import Warned
from studio.domain.records import Run, StudentRecord
from studio.domain.specs import DatasetSpec
from studio.flow.dataset import build_dataset
from studio.flow.job_folder import last_launch, read_events
from studio.flow.stage import Bench
from studio.flow.students import find_student, register, student_from
from studio.flow.training import follow_run, result_of, resume_run, run_spec, start_run, stop_run
from studio.store.tables import Store
from tests.curated import ChildLauncher, add_case, collect, launcher, make_bench, make_student
from tests.forked import ForkedLauncher, Jobs

__all__ = ["launcher"]

LONG = {"max_steps": 60, "epochs": "60", "save_steps": 1, "lr": 0.01, "lora": {"r": 2}, "threads": 1,
        "batch_examples": 4, "quiz": 0}  # fmt: skip


@pytest.fixture
def first(tmp_path: Path) -> Iterator[Bench]:
    """A project in a folder that can be moved, with three mistakes to learn from."""
    store = Store.create(tmp_path / "first")
    for n in range(3):
        add_case(store, f"How many are {n} and 4?")
    yield make_bench(store, ChildLauncher())
    store.close()


def start(bench: Bench, student: StudentRecord, **values: Any) -> Run:
    dataset = build_dataset(bench, student=student, options=DatasetSpec(val_share=0.1))
    spec = run_spec(bench.project, student, "mapd", values)
    return start_run(bench, dataset=dataset, student=student, spec=spec)


def second_round(bench: Bench, small_student: Path) -> Run:
    """A run of the second round that was stopped on its way; the base lies in the project, too."""
    shutil.copytree(small_student, bench.project / "small")
    base = register(bench.store, student_from(str(bench.project / "small"), prompts="bare"))
    assert base.location == "small"
    once = start(bench, base, **{**LONG, "max_steps": 2})
    asyncio.run(collect(follow_run(bench, once.id)))
    run = start(bench, find_student(bench.store, result_of(bench, once.id)["student"]), **LONG)

    async def stopped() -> None:
        async for step in follow_run(bench, run.id):
            if step.done >= 1:
                stop_run(bench, run.id)

    asyncio.run(stopped())
    assert result_of(bench, run.id)["state"] == "stopped"
    return run


def goes_on(project: Path, run: Run, jobs: Jobs) -> None:
    with closing(Store(project)) as store:
        bench = replace(make_bench(store, ChildLauncher()), launcher=ForkedLauncher(jobs))
        asyncio.run(collect(follow_run(bench, resume_run(bench, run.id).id)))
        assert (result_of(bench, run.id)["state"], result_of(bench, run.id)["steps"]) == (
            "finished",
            60,
        )
    told = [
        one.message
        for one in read_events(project / "runs" / run.id)
        if isinstance(one, Warned) and one.message.startswith("goes on from the checkpoint")
    ]
    assert len(told) == 1


def test_a_run_of_the_second_round_goes_on_where_its_project_was_moved_to(
    first: Bench, jobs: Jobs, small_student: Path, tmp_path: Path
) -> None:
    run = second_round(replace(first, launcher=ForkedLauncher(jobs)), small_student)
    spec = (first.project / "runs" / run.id / "spec.json").read_text()
    assert str(tmp_path) not in spec
    first.store.close()
    first.project.rename(tmp_path / "moved")
    goes_on(tmp_path / "moved", run, jobs)


def test_a_run_of_before_that_names_its_student_in_full_goes_on_in_a_copy_with_the_copys_own(
    first: Bench, jobs: Jobs, small_student: Path, tmp_path: Path
) -> None:
    run = second_round(replace(first, launcher=ForkedLauncher(jobs)), small_student)
    folder = first.project / "runs" / run.id
    spec = json.loads((folder / "spec.json").read_text())
    before = {name: str((folder / place).resolve()) for name, place in spec["student"].items()}
    (folder / "spec.json").write_text(json.dumps({**spec, "student": before}))
    shutil.rmtree(folder / "artifacts")
    (folder / "events.jsonl").unlink()
    (folder / "stop").unlink()
    jobs.run(folder, kill_when=lambda at: len(list(at.glob("artifacts/checkpoint-*"))) > 0)
    first.store.close()
    shutil.copytree(first.project, tmp_path / "copy")
    shutil.rmtree(first.project / "small")  # the copy has no need of it
    shutil.rmtree(before["adapter"])
    goes_on(tmp_path / "copy", run, jobs)


def test_a_copied_project_leaves_the_originals_run_alone(
    first: Bench, tmp_path: Path, launcher: ChildLauncher
) -> None:
    bench = replace(first, launcher=launcher)
    launcher.behaviour = "slow"
    run = start(bench, make_student(tmp_path))
    started = last_launch(bench.project / "runs" / run.id)
    assert started is not None
    shutil.copytree(bench.project, tmp_path / "copy", ignore=shutil.ignore_patterns("studio.lock"))
    with closing(Store(tmp_path / "copy")) as store:
        copy = make_bench(store, launcher)
        assert recover(copy).interrupted == (run.id,)
        launcher.behaviour = ""
        asyncio.run(collect(follow_run(copy, resume_run(copy, run.id).id)))
        assert result_of(copy, run.id)["state"] == "finished"
    assert started.is_alive(launcher), "the original's own process"
    asyncio.run(collect(follow_run(bench, run.id)))
    assert result_of(bench, run.id)["state"] == "finished"


def test_a_launch_of_before_is_told_by_the_folder_in_its_handle(tmp_path: Path) -> None:
    for name, ours in (("here", True), ("elsewhere", False)):
        (tmp_path / name).mkdir()
        handle = json.dumps({"pid": 1, "born": "1", "folder": str(tmp_path / name)})
        text = json.dumps({"handle": handle, "events_from": 7})
        (tmp_path / "here" / "launch.json").write_text(text)
        found = last_launch(tmp_path / "here")
        assert found is not None
        assert (bool(found.handle), found.events_from) == (ours, 7)
