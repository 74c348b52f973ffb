"""Strings the arrows of the flow together; with ``asking.py`` the only one that knows all stages."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.domain.errors import RunError
from studio.domain.records import Run, StudentRecord
from studio.flow import training
from studio.flow.asking import STAGES, Plan, missing, plan, run_stages
from studio.flow.attempts import AttemptStage
from studio.flow.budget import EXAMS, within
from studio.flow.contamination import contamination
from studio.flow.dataset import build_dataset, examples_of
from studio.flow.evaluation import EvaluateStage, Evaluation, evaluate
from studio.flow.forecast import estimate, estimate_exam
from studio.flow.grades import GradeStage
from studio.flow.outlook import wanted_run
from studio.flow.quality import keep_quality
from studio.flow.questions import import_files as take_files
from studio.flow.samples import TEMPERATURE as SAMPLING
from studio.flow.samples import Sampled, sampled
from studio.flow.stage import Bench, Progress, Scope
from studio.flow.students import find_student, register

if TYPE_CHECKING:
    from studio.flow.cost import Estimate
    from studio.store.tables import Store

__all__ = [
    "STAGES", "Plan", "estimate", "evaluate_students", "evaluation_of", "export", "follow",
    "import_files", "keep_quality", "missing", "plan", "resume", "run_stages", "stop", "student_of", "train",
]  # fmt: skip

_NO_STUDENT = "that run has made no student yet: resume it or name a --student"

# -- training --------------------------------------------------------------------------------


async def train(
    bench: Bench, student: str, settings: Mapping[str, Any], *, method: str = "mapd",
    begun: training.Begun | None = None,
) -> AsyncGenerator[Progress, None]:  # fmt: skip
    """Freeze a dataset, start a run on it and follow it to its end.

    Cancelled, the run is stopped at a checkpoint and can be resumed.

    Args:
        begun: told which run it is, in the same transaction.
    """
    wanted = wanted_run(bench, student, settings, method=method)
    record = register(bench.store, wanted.student)
    dataset = build_dataset(bench, student=record, method=method, options=wanted.data)
    learned = enumerate(row["messages"] for row in examples_of(bench.store, dataset.id, "train"))
    warning = contamination(bench.store, dataset.manifest, learned).in_words()
    run = training.start_run(
        bench, dataset=dataset, student=record, spec=wanted.spec, warning=warning, begun=begun
    )
    async with aclosing(training.follow_run(bench, run.id, stop_when_cancelled=True)) as steps:
        async for progress in steps:
            yield progress


async def resume(
    bench: Bench, run_id: str, *, settings: Mapping[str, Any] | None = None
) -> AsyncGenerator[Progress, None]:
    """Go on with an interrupted or stopped run from its newest checkpoint."""
    run = training.resume_run(bench, run_id, settings=settings)
    async with aclosing(training.follow_run(bench, run.id, stop_when_cancelled=True)) as steps:
        async for progress in steps:
            yield progress


async def follow(bench: Bench, run_id: str) -> AsyncIterator[Progress]:
    """Follow a run that is going; cancelled, it lets go of it."""
    async with aclosing(training.follow_run(bench, run_id)) as steps:
        async for progress in steps:
            yield progress


def stop(bench: Bench, run_id: str) -> None:
    """Ask a run to stop at a checkpoint and keep what it has."""
    training.stop_run(bench, run_id)


# -- evaluation ------------------------------------------------------------------------------


def student_of(bench: Bench, *, student: str, run: str) -> str:
    """Return the name of the student meant: named, made by ``run``, or by the newest run."""
    if student:
        return register(bench.store, find_student(bench.store, student)).name
    made: str = training.result_of(bench, run)["student"]
    if not made:
        raise RunError(_NO_STUDENT)
    return made


async def evaluate_students(
    bench: Bench,
    student: str,
    *,
    split: str = "test",
    samples: int = 0,
    budget_usd: float | None = None,
) -> AsyncIterator[Progress]:
    """Let a student and its base sit the exam of one split and grade it.

    Args:
        samples: tries at each question besides, drawn at a temperature.
        budget_usd: what this may cost in all where an endpoint is asked, restarts included.
    """
    if budget_usd is not None:
        async for progress in within(
            bench, budget_usd, of=student, setting=EXAMS,
            run=lambda capped: evaluate_students(capped, student, split=split, samples=samples),
        ):  # fmt: skip
            yield progress
        return
    tuned = find_student(bench.store, student)
    sat = [exam for _, exam in _exams(bench.store, tuned, split=split, samples=samples)]
    base = _base_of(bench.store, tuned)
    stage = EvaluateStage(
        student=tuned.name, base=base.name if base else "", split=split,
        before=[*sat, GradeStage()],
    )  # fmt: skip
    async for progress in stage.run(bench):
        yield progress


def evaluation_outlook(
    bench: Bench, *, student: str = "", run: str = "", split: str = "test", samples: int = 0
) -> list[Estimate]:
    """Return what an evaluation would take at most, exam by exam; writes nothing."""
    who = student or str(training.result_of(bench, run)["student"])
    if not who:
        raise RunError(_NO_STUDENT)
    tuned = find_student(bench.store, who)
    return [estimate_exam(bench, one, exam)
            for one, exam in _exams(bench.store, tuned, split=split, samples=samples)]  # fmt: skip


def _exams(
    store: Store, tuned: StudentRecord, *, split: str, samples: int
) -> list[tuple[StudentRecord, AttemptStage]]:
    """Return who sits which exam: the base first, and every try after the exam itself."""
    settings = {k: v for k, v in store.setting("exam", {}).items() if k != "temperature"}
    return [
        (who, AttemptStage(
            Scope(), student=who, split="train" if split == "train" else "test",
            temperature=SAMPLING if n else None, sample=n, **settings,
        ))
        for who in (_base_of(store, tuned), tuned)
        if who is not None
        for n in range(samples + 1)
    ]  # fmt: skip


def evaluation_of(bench: Bench, student: str, *, split: str = "test") -> Evaluation:
    """Return the comparison of a student with its base on one split."""
    tuned = find_student(bench.store, student)
    base = _base_of(bench.store, tuned)
    return evaluate(bench.store, student=tuned.name, base=base.name if base else "", split=split)


def samples_of(bench: Bench, student: str, *, split: str = "test") -> list[Sampled]:
    """Return what the tries of a student's base and of itself come to, where there are any."""
    tuned = find_student(bench.store, student)
    base = _base_of(bench.store, tuned)
    found = (sampled(bench.store, who.name, split=split) for who in (base, tuned) if who)
    return [one for one in found if one is not None]


def _base_of(store: Store, tuned: StudentRecord) -> StudentRecord | None:
    """Return the student that a tuned one was made from; None for one that was not made here."""
    run = store.get(Run, tuned.run_id) if tuned.run_id else None
    return None if run is None else find_student(store, run.student)


# -- the rest --------------------------------------------------------------------------------


async def import_files(
    bench: Bench, files: Sequence[Path], **options: Any
) -> AsyncIterator[Progress]:
    """Import files, all of them or none."""
    report = take_files(bench.store, files, **options)
    bench.changed(
        {"questions", "attempts", "explanations", "rationales", "reviews", "teachers", "students"}
    )
    rows = sum(file.rows for file in report.files)
    yield Progress("import", rows, rows, report.bad_rows, note=report.describe())


async def export(
    bench: Bench, out: Path, *, format: str, include_all: bool = False, run: str = "",
    student: str = "",
) -> AsyncIterator[Progress]:  # fmt: skip
    """Write a dataset or a tuned model for use elsewhere."""
    if format == "model":
        from studio.flow.weights import export_model

        name = student or student_of(bench, student="", run=run)
        async for progress in export_model(bench, find_student(bench.store, name), out):
            yield progress
        return
    from studio.flow.export import export as write

    report = write(
        bench.store, out, format=format, include_all=include_all, prompts=bench.templates
    )
    yield Progress("export", report.rows, report.rows, note=report.describe())
