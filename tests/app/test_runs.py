"""Runs across restarts of the studio: found again, taken over, or offered to be resumed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from studio.app.runs import recover
from studio.domain.records import Run
from studio.domain.specs import DatasetSpec
from studio.flow.dataset import build_dataset
from studio.flow.job_folder import last_launch
from studio.flow.stage import Bench
from studio.flow.training import follow_run, run_spec, start_run
from studio.store.tables import Store
from tests.curated import ChildLauncher, add_case, bench, collect, launcher, make_student

__all__ = ["bench", "launcher"]


@pytest.fixture
def start(bench: Bench, store: Store, tmp_path: Path) -> Run:
    """A run that was started and then nobody looked after; slow enough to be caught."""
    bench.launcher.behaviour = "slow"  # type: ignore[attr-defined]
    add_case(store, "How many are 3 and 4?")
    student = make_student(tmp_path)
    dataset = build_dataset(bench, student=student, options=DatasetSpec())
    spec = run_spec(bench.project, student, "mapd", {})
    return start_run(bench, dataset=dataset, student=student, spec=spec)


def handle_of(bench: Bench, run: Run) -> str:
    going = last_launch(bench.project / "runs" / run.id)
    assert going is not None
    return going.handle


def wait_for_end(bench: Bench, run: Run) -> None:
    async def wait() -> None:
        while bench.launcher.is_alive(handle_of(bench, run)):
            await asyncio.sleep(0.05)

    asyncio.run(asyncio.wait_for(wait(), 60))


def state_of(store: Store, run: Run) -> str:
    row = store.run_state(run.id)
    assert row is not None
    return str(row["state"])


def test_a_run_that_is_still_going_is_followed_again(
    bench: Bench, store: Store, start: Run
) -> None:
    found = recover(bench)
    assert found.going == (start.id,)
    assert "still going" in found.describe()
    assert asyncio.run(collect(follow_run(bench, start.id)))[-1].done == 6
    assert state_of(store, start) == "finished"


def test_a_run_that_finished_while_nobody_looked_is_taken_over(
    bench: Bench, store: Store, start: Run
) -> None:
    wait_for_end(bench, start)
    assert recover(bench).ended == (start.id,)
    assert state_of(store, start) == "finished"
    assert store.value("SELECT count(*) FROM students WHERE run_id = ?", start.id) == 1
    assert recover(bench) == ((), (), ())


def test_a_run_that_was_killed_is_offered_to_be_resumed(
    bench: Bench, store: Store, start: Run, launcher: ChildLauncher
) -> None:
    launcher.kill(handle_of(bench, start))
    found = recover(bench)
    assert found.interrupted == (start.id,)
    assert "resume" in found.describe()
    assert state_of(store, start) == "interrupted"


def test_a_run_that_was_made_but_never_launched_is_interrupted(bench: Bench, store: Store) -> None:
    run = Run(dataset_id="d", method="mapd", student="small", spec={}, created_at=1.0)
    store.add([run])
    assert recover(bench).interrupted == (run.id,)


def test_a_project_without_runs_has_nothing_to_tell(bench: Bench) -> None:
    assert recover(bench).describe() == ""
