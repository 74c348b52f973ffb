"""A dataset becomes a run: freeze the job folder, launch it, follow it to its end.

The folder holds all the job needs, so a run is pinned to its dataset and its settings whatever
happens to the project afterwards, and goes on while the studio is closed. The adapter that comes
out is registered as a new student, one round on.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.domain import clock
from studio.domain.dealing import steps_in_all
from studio.domain.errors import RunError, SpecError
from studio.domain.records import Dataset, Run, StudentRecord
from studio.domain.specs import EFFORT, TrainSpec, read_spec, train_spec
from studio.flow import job_folder
from studio.flow.dataset import Draft, examples_of
from studio.flow.job_folder import EventTail, Launch
from studio.flow.quiz import quiz_rows
from studio.flow.run_ledger import RunLedger
from studio.flow.stage import Bench, Progress
from studio.flow.student_places import find_student_again, seen_from_run
from studio.flow.students import register, weights_of
from studio.flow.tuned import keep_as_it_was

if TYPE_CHECKING:
    from studio.store.tables import Store


Begun = Callable[[Run], None]


class Outlook(NamedTuple):
    """What a run would be: shown before anything is started."""

    examples: dict[str, dict[str, int]]  #: per side and role
    questions: int
    characters: int
    steps: int  #: at most; early stopping may end it sooner
    spec: TrainSpec
    first: list[dict[str, str]]  #: the messages of the first example


def run_spec(
    project: Path, student: StudentRecord, method: str, values: Mapping[str, Any]
) -> TrainSpec:
    """Return the validated spec of a run; raises SpecError or StudentError in one line."""
    weights = weights_of(student, project)
    return train_spec({**values, "method": method, "student": weights.model_dump()})


def outlook(draft: Draft, spec: TrainSpec) -> Outlook:
    """Return what training on ``draft`` would be; starts and stores nothing."""
    manifest: dict[str, Any] = dict(draft.dataset.manifest)
    examples = manifest["examples"]
    return Outlook(
        examples=examples,
        questions=manifest["questions"],
        characters=manifest["characters"],
        steps=steps_in_all(
            sum(examples["train"].values()), each=spec.batch_examples, epochs=spec.epochs,
            most=spec.max_steps,
        ),
        spec=spec,
        first=json.loads(draft.rows[0].messages),
    )  # fmt: skip


def start_run(
    bench: Bench, *, dataset: Dataset, student: StudentRecord, spec: TrainSpec, warning: str = "",
    begun: Begun | None = None,
) -> Run:  # fmt: skip
    """Freeze the folder of a new run and launch it.

    Args:
        spec: from ``run_spec``.
        warning: what is to be known of its data; kept with the run.
        begun: told which run it is in the moment from which on it is known.
    """
    store = bench.store
    student = register(store, student)
    spec = spec.model_copy(update={"student": seen_from_run(spec.student, bench.project)})
    run = Run(
        dataset_id=dataset.id, method=spec.method, student=student.name,
        spec=spec.model_dump(mode="json"), created_at=clock.now(),
        launcher=bench.launcher.name, round=student.round,
    )  # fmt: skip
    data = {
        f"{side}.jsonl": examples_of(store, dataset.id, side) for side in ("train", "validation")
    }
    if quiz := list(quiz_rows(bench, dataset.id, student, most=spec.quiz)):
        data["quiz.jsonl"] = iter(quiz)
    job_folder.write_folder(folder_of(bench, run), spec, data)
    pinned: dict[str, Any] = {"data": job_folder.data_hash(folder_of(bench, run))}
    if warning:
        pinned["warnings"] = [warning]
    with store.transaction():
        store.add([run])
        store.set_run_state(run.id, state="made", steps=0, result=pinned)
        if begun is not None:
            begun(run)
    return _launch(bench, run)


def resume_run(bench: Bench, run_id: str, *, settings: Mapping[str, Any] | None = None) -> Run:
    """Launch an interrupted, stopped or failed run again; it goes on from its newest checkpoint.

    One that did not fit goes on with the smaller settings it offered when it failed.

    Args:
        settings: to go on with instead; those alone that do not change which run it is.

    Raises:
        RunError: it is finished, or its folder is gone or holds other data than it began with.
    """
    run = known_run(bench.store, run_id)
    state = bench.store.run_state(run.id)
    if state is not None and state["state"] == "finished":
        raise RunError(f"run {run.id} is finished: there is nothing to resume")
    going = job_folder.last_launch(folder_of(bench, run))
    if going is not None and going.is_alive(bench.launcher):
        if settings:
            raise RunError(f"run {run.id} is going: stop it, then resume it with other settings")
        return run
    folder = folder_of(bench, run)
    if not (folder / "spec.json").is_file():
        raise RunError(f"the folder of run {run.id} is gone: start a new run")
    result = json.loads(state["result"]) if state is not None else {}
    if result.get("data", job_folder.data_hash(folder)) != job_folder.data_hash(folder):
        raise RunError(
            f"the data of run {run.id} is not what it began with: put {folder / 'data'} back, or"
            " start a new run"
        )
    keep_as_it_was(bench, run, step=result.get("step", 0))
    find_student_again(bench, run, folder)
    if wished := {**result.get("offer", {}), **(settings or {})}:
        spec = _gone_on_with(folder, wished)
        job_folder.write_file(folder / "spec.json", [spec.model_dump_json(indent=2)])
    return _launch(bench, run)


def _gone_on_with(folder: Path, wished: Mapping[str, Any]) -> TrainSpec:
    """Return the spec of a run's next life; raises RunError where it would be another run's."""
    before = read_spec(folder).model_dump(mode="json")
    own = train_spec({**before, **{name: wished[name] for name in wished if name in EFFORT}})
    after = train_spec({**before, **{name: wished[name] for name in wished if name != "data"}})
    if "data" in wished or after != own:
        raise RunError(
            "a run goes on as what it was begun as: start a new one, or resume with changes to"
            f" {', '.join(EFFORT)} alone"
        )
    return own


def stop_run(bench: Bench, run_id: str) -> None:
    """Ask a run to stop at a checkpoint and keep what it has; it can be resumed."""
    run = known_run(bench.store, run_id)
    try:
        (folder_of(bench, run) / "stop").touch()
    except OSError as error:
        raise RunError(f"run {run.id} cannot be stopped: {error.strerror or error}") from None


async def follow_run(
    bench: Bench, run_id: str, *, stop_when_cancelled: bool = False
) -> AsyncGenerator[Progress, None]:
    """Follow a run to its end, noting where it stands; at the end the tuned student is there.

    Cancelled, it lets go of the run, which goes on by itself and can be followed again.

    Args:
        stop_when_cancelled: stop the run at a checkpoint instead of letting it go on. In a step
            that takes longer than one would wait it is left alone, and stops behind it.

    Raises:
        RunError: the run failed, or ended without a word.
    """
    run = known_run(bench.store, run_id)
    started = job_folder.last_launch(folder_of(bench, run))
    if started is None:
        raise RunError(f"run {run.id} was never started: resume it")
    ledger = RunLedger(bench, run)
    try:
        async for event in job_folder.follow(bench.launcher, folder_of(bench, run), started):
            progress = ledger.note(event)
            if progress is not None:
                yield progress
    except asyncio.CancelledError:
        if stop_when_cancelled:
            stop_run(bench, run.id)
            await asyncio.to_thread(
                bench.launcher.cancel, started.handle, kill=not ledger.is_at_work()
            )
            if not started.is_alive(bench.launcher):
                settle_run(bench, run.id)
        raise
    state = ledger.settle()
    if state in ("failed", "interrupted"):
        raise RunError(f"run {run.id} {ledger.message}")
    yield ledger.progress(state)


def settle_run(bench: Bench, run_id: str) -> str:
    """Take over what a run that has ended left in its folder; returns its state."""
    run = known_run(bench.store, run_id)
    folder = folder_of(bench, run)
    started = job_folder.last_launch(folder) or Launch("")
    ledger = RunLedger(bench, run)
    for event in EventTail(folder, offset=started.events_from).events():
        ledger.note(event)
    return ledger.settle()


def known_run(store: Store, run_id: str) -> Run:
    """Return the run with this id (or the start of one); raises RunError when there is none."""
    found = store.rows("SELECT id FROM runs WHERE substr(id, 1, ?) = ?", len(run_id), run_id)
    run = store.get(Run, found[0]["id"]) if run_id and len(found) == 1 else None
    if run is None:
        none = f"{len(found)} runs begin with" if run_id and len(found) > 1 else "there is no run"
        raise RunError(f"{none} {run_id!r}: 'mapd-studio status PROJECT' lists them")
    return run


def folder_of(bench: Bench, run: Run) -> Path:
    """Return the job folder of a run."""
    return bench.project / "runs" / run.id


def result_of(bench: Bench, run_id: str = "") -> dict[str, Any]:
    """Return the shape of ``train --json`` for a run, by default the newest."""
    run = known_run(bench.store, run_id) if run_id else _newest_run(bench.store)
    state = bench.store.run_state(run.id)
    assert state is not None  # every run gets its row when it is made
    result = json.loads(state["result"])
    made = result.get("adapter", "")
    return {
        "run": run.id, "folder": str(folder_of(bench, run)), "state": state["state"],
        "steps": state["step"], "loss": state["loss"], "tokens_per_s": result.get("tokens_per_s"),
        "adapter": str(bench.project / made) if made else "", "student": result.get("student", ""),
        "message": state["message"], "warnings": result.get("warnings", []),
        "held_out": result.get("held_out", {}), "ends_with_best": _ends_with_best(bench, run),
    }  # fmt: skip


def _ends_with_best(bench: Bench, run: Run) -> bool:
    """Return whether a run was to end with its best weights when it last went on."""
    try:
        spec = read_spec(folder_of(bench, run))
    except (SpecError, OSError):  # its folder is gone, or names settings of an older version
        wanted = ("result", "early_stopping")
        told: dict[str, Any] = {name: run.spec[name] for name in wanted if name in run.spec}
        spec = TrainSpec.model_construct(**told)
    return isinstance(spec, TrainSpec) and spec.ends_with_best


def _launch(bench: Bench, run: Run) -> Run:
    started = job_folder.launch(bench.launcher, folder_of(bench, run))
    bench.store.set_run_state(run.id, state="running", handle=started.handle, message="")
    bench.changed({"runs", "run_states"})
    return run


def _newest_run(store: Store) -> Run:
    rows = store.rows("SELECT id FROM runs ORDER BY rowid DESC LIMIT 1")
    if not rows:
        raise RunError(
            "nothing was trained yet: 'mapd-studio train PROJECT' does it, or name a student"
        )
    return known_run(store, rows[0]["id"])
