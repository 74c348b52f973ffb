"""Where a run finds its student: what lies inside the project is said from the run's own folder, so
that a project that was moved or copied goes on with what is its own."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from studio.domain.records import Run, StudentRecord
from studio.domain.spec_kinds import FORMER_STUDENTS
from studio.domain.specs import StudentSpec, TrainSpec, read_spec
from studio.flow import job_folder
from studio.flow.students import weights_of

if TYPE_CHECKING:
    from studio.flow.stage import Bench


def seen_from_run(weights: StudentSpec, project: Path) -> StudentSpec:
    """Return where weights are, as the spec of any of the project's runs names them."""
    places = {name: _seen(place, project) for name, place in weights.model_dump().items()}
    return StudentSpec(**places)


def seen_from_project(place: str, project: Path) -> str:
    """Return a place that a run's spec names, as the project's records name it."""
    if not place.startswith("../"):
        return place
    return Path(os.path.normpath(_any_run(project) / place)).relative_to(project).as_posix()


def find_student_again(bench: Bench, run: Run, folder: Path) -> None:
    """Put into a run's spec where its student is now, if that lies inside the project.

    Runs of before named such places in full. What they were called is kept beside the spec: the
    run's checkpoints know them by that.

    Raises:
        StudentError: its weights are gone.
    """
    spec = read_spec(folder)
    known = next(bench.store.all(StudentRecord, "name = ?", run.student), None)
    if known is None or not isinstance(spec, TrainSpec):
        return
    now = seen_from_run(weights_of(known, bench.project), bench.project).model_dump()
    inside = {name: place for name, place in now.items() if place.startswith("../")}
    found = spec.student.model_copy(update=inside)
    if found == spec.student:
        return
    file = folder / FORMER_STUDENTS
    former = json.loads(file.read_bytes()) if file.is_file() else []
    job_folder.write_file(file, [json.dumps([*former, spec.student.model_dump()])])
    after = spec.model_copy(update={"student": found})
    job_folder.write_file(folder / "spec.json", [after.model_dump_json(indent=2)])


def _seen(place: str, project: Path) -> str:
    if not Path(place).is_absolute() or not Path(place).is_relative_to(project):
        return place
    return Path(os.path.relpath(place, _any_run(project))).as_posix()


def _any_run(project: Path) -> Path:
    return project / "runs" / "any"
