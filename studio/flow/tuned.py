"""The student that a run makes: recorded when it ends, and kept as it was when the run goes on.

A run that was stopped has made a student already, which may have sat exams by then. The run writes
its weights to the same place when it ends again; so before it goes on, that student gets a copy.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from studio.domain.disk import sync
from studio.domain.errors import StorageError
from studio.domain.records import Run, StudentRecord
from studio.domain.specs import StudentSpec
from studio.flow.student_places import seen_from_project
from studio.store import views

if TYPE_CHECKING:
    from studio.flow.stage import Bench
    from studio.store.tables import Store

_PROOFS = {"adapter": "adapter_config.json", "model": "config.json"}
_KEPT = "kept-"  #: folders of students that a run made before it went on, by the step they are of


def made_by(project: Path, run: Run) -> str:
    """Return the adapter or the weights a run left, relative to the project; empty for none."""
    for name, proof in _PROOFS.items():
        made = Path("runs", run.id, "artifacts", name)
        if (project / made / proof).is_file():
            return made.as_posix()
    return ""


def record_made(bench: Bench, run: Run, made: str, *, step: int) -> str:
    """Put the student a run made into the project, one round on; returns its name.

    Args:
        step: whose weights it has.
    """
    store = bench.store
    base, is_adapter = _base(bench, run), made.endswith("/adapter")
    tuned = StudentRecord(
        name=_name(store, base, run, step),
        location=base.location if is_adapter else made,
        adapter=made if is_adapter else "",
        prompts=base.prompts,
        round=base.round + 1,
        run_id=run.id,
    )
    former = _known(store, tuned.name)
    store.put(tuned)
    if former is not None:  # nobody used it: what it was is of no more use
        _let_go(bench, run, former)
    bench.changed({"students"})
    return tuned.name


def keep_as_it_was(bench: Bench, run: Run, *, step: int) -> None:
    """Give a stopped run's student, and who was taught from it, weights that the run leaves alone.

    Args:
        step: whose weights it has.

    Raises:
        StorageError: there is no room for them; nothing is changed then.
    """
    made = made_by(bench.project, run)
    # Of whole weights there may be others, too: those that learned an adapter on top of them.
    on_it = list(bench.store.all(StudentRecord, "adapter = ?1 OR location = ?1", made))
    if not made or not on_it:
        return
    kept = _copied(bench.project, made, step)
    with bench.store.transaction():
        for student in on_it:
            name = "adapter" if student.adapter == made else "location"
            bench.store.put(student.changed(**{name: kept}))
    bench.changed({"students"})


def _copied(project: Path, made: str, step: int) -> str:
    """Return where the copy is, relative to the project; files are shared where they can be."""
    source = project / made
    place = source.parent / f"{_KEPT}{step}"
    part = place.with_name(f".{place.name}.part")
    try:
        if not place.is_dir():
            shutil.rmtree(part, ignore_errors=True)
            shutil.copytree(source, part / source.name, copy_function=_shared)
            sync(part / source.name)
            sync(part)
            part.rename(place)
            sync(place.parent)
    except (OSError, shutil.Error) as error:
        shutil.rmtree(part, ignore_errors=True)
        reason = getattr(error, "strerror", None) or error
        raise StorageError(
            f"the student that this run has made cannot be kept as it is ({reason}): free some"
            " space, then resume the run"
        ) from None
    return (PurePosixPath(made).parent / place.name / source.name).as_posix()


def _shared(source: str, place: str) -> None:
    """Give a file a second name; the run replaces its result whole and never writes into it."""
    try:
        os.link(source, place)
    except OSError:  # a file system that has no such thing
        shutil.copy2(source, place)
        sync(Path(place))


def _let_go(bench: Bench, run: Run, former: StudentRecord) -> None:
    """Remove a former student's weights, unless the same are known by another name, too."""
    for place in (former.adapter, former.location):
        kept = PurePosixPath(place).parent
        if kept.parent == PurePosixPath("runs", run.id, "artifacts") and kept.name.startswith(
            _KEPT
        ):
            others = bench.store.count(StudentRecord, "adapter = ?1 OR location = ?1", place)
            if not others:
                shutil.rmtree(bench.project / kept, ignore_errors=True)


def _base(bench: Bench, run: Run) -> StudentRecord:
    """Return the student that was trained; from the run itself if it was removed meanwhile."""
    known = _known(bench.store, run.student)
    if known is not None:
        return known
    weights = StudentSpec.model_validate(run.spec["student"])
    location = seen_from_project(weights.location, bench.project)
    return StudentRecord(name=run.student, location=location, round=run.round)


def _name(store: Store, base: StudentRecord, run: Run, step: int) -> str:
    """Name it after the first student of its line and the run that made it.

    A run that was stopped and then resumed makes another student than before; where that one was
    measured, chosen or taught meanwhile, it keeps the name.
    """
    first = base.name.removesuffix(f"+{base.run_id[:6]}") if base.run_id else base.name
    name = f"{first}+{run.id[:6]}"
    return f"{name}.{step}" if store.value(views.IS_USED, name) else name


def _known(store: Store, name: str) -> StudentRecord | None:
    return next(store.all(StudentRecord, "name = ?", name), None)
