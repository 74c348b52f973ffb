"""Strings the arrows of the flow together; the only module that knows all stages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.domain.errors import RunError, SpecError, TeacherError
from studio.domain.records import Run, StudentRecord
from studio.flow import training
from studio.flow.attempts import AttemptStage
from studio.flow.budget import within
from studio.flow.cost import Estimate, estimate_of
from studio.flow.dataset import build_dataset
from studio.flow.decisions import DecideStage
from studio.flow.evaluation import EvaluateStage, Evaluation, evaluate
from studio.flow.explanations import ExplainStage
from studio.flow.grades import GradeStage
from studio.flow.outlook import wanted_run
from studio.flow.questions import import_files as take_files
from studio.flow.rationales import SolveStage
from studio.flow.reviews import ReviewStage
from studio.flow.samples import TEMPERATURE as SAMPLING
from studio.flow.samples import Sampled, sampled
from studio.flow.stage import Bench, Progress, Scope, Stage
from studio.flow.students import find_student, is_endpoint, register

if TYPE_CHECKING:
    from studio.store.tables import Store

STAGES = ("attempt", "grade", "explain", "solve", "review", "decide")
_PAID = ("explain", "solve", "review")


class Plan(NamedTuple):
    """Which stages to run, on what."""

    stages: tuple[str, ...] = STAGES
    scope: Scope = Scope()
    student: StudentRecord | None = None


# -- the committee's stages ------------------------------------------------------------------


def plan(bench: Bench, stages: Iterable[str], *, student: str = "", scope: Scope = Scope()) -> Plan:
    """Return a validated plan; without stages all, without a student the project's own.

    Raises:
        SpecError: an unknown stage, or an exam asked for without a student.
    """
    names = tuple(stages)
    for name in names:
        if name not in STAGES:
            raise SpecError(f"there is no stage {name!r}: choose from {', '.join(STAGES)}")
    who = student or bench.store.setting("student", "")
    if not who:
        if "attempt" in names:
            raise SpecError("no student is named yet: add --student with a model folder or hub id")
        known = tuple(name for name in names or STAGES if name != "attempt")
        return Plan(known, scope)
    found = find_student(bench.store, who)
    return Plan(names or STAGES, scope._replace(student=found.name), found)


async def run_stages(
    bench: Bench, plan: Plan, *, budget_usd: float | None = None
) -> AsyncIterator[Progress]:
    """Run the stages of a plan one after another; what has nothing to do is passed over.

    Rationales are graded right after they are made, so that the policy finds their answers.

    Args:
        budget_usd: what this work may cost in all, whatever breaks it off (``flow/budget.py``).

    Raises:
        TeacherError: at the end, when a teacher had to be left out.
    """
    if plan.student is not None:
        student = register(bench.store, plan.student)
        bench.store.set_setting("student", student.name)
        plan = plan._replace(student=student, scope=plan.scope._replace(student=student.name))
    if budget_usd is not None:
        async for progress in within(bench, budget_usd, of=plan.scope.student or "",
                                     run=lambda capped: run_stages(capped, plan)):  # fmt: skip
            yield progress
        return
    troubles: list[TeacherError] = []
    for stage in _stages(bench, plan):
        if not stage.todo(bench.store):
            continue
        try:
            async for progress in stage.run(bench):
                yield progress
        except TeacherError as error:  # the others' work goes on; this is told at the end
            troubles.append(error)
    if "decide" in plan.stages:  # decisions follow new reviews and grades of known rationales too
        async for progress in DecideStage().run(bench):
            yield progress
    if troubles:
        raise troubles[0]


def missing(bench: Bench, plan: Plan) -> dict[str, int]:
    """Return how many records each stage of the plan would make now."""
    found: dict[str, int] = {}
    for stage in _stages(bench, plan):
        found[stage.name] = stage.todo(bench.store)
    return found


def estimate(bench: Bench, plan: Plan) -> list[Estimate]:
    """Return what a plan would do at most: every new attempt is taken for a mistake."""
    now = missing(bench, plan)
    teachers = len(bench.store.teachers())
    new = now.get("attempt", 0)
    if new:
        for name in ("explain", "solve"):
            if name in now:
                now[name] += new * teachers
    if "review" in now and "solve" in now:
        now["review"] += now["solve"] * max(teachers - 1, 0)
    asked = plan.student is not None and is_endpoint(plan.student)
    return [estimate_of(bench.store, name, n, paid=name in _PAID or (name == "attempt" and asked))
            for name, n in now.items()]  # fmt: skip


def _stages(bench: Bench, plan: Plan) -> list[Stage]:
    made: list[Stage] = []
    for name in plan.stages:
        if name == "attempt" and plan.student is not None:
            exam = bench.store.setting("exam", {})
            made.append(AttemptStage(plan.scope, student=plan.student, **exam))
        elif name == "grade":
            made.append(GradeStage(plan.scope))
        elif name == "explain":
            made.append(ExplainStage(plan.scope))
        elif name == "solve":
            made.append(SolveStage(plan.scope))
            if "grade" in plan.stages:
                made.append(GradeStage(plan.scope))
        elif name == "review":
            made.append(ReviewStage(plan.scope))
        elif name == "decide":
            made.append(DecideStage(plan.scope))
    return made


# -- training --------------------------------------------------------------------------------


async def train(
    bench: Bench, student: str, settings: Mapping[str, Any], *, method: str = "mapd"
) -> AsyncIterator[Progress]:
    """Freeze a dataset, start a run on it and follow it to its end.

    Cancelled, the run is stopped at a checkpoint and can be resumed.
    """
    wanted = wanted_run(bench, student, settings, method=method)
    record = register(bench.store, wanted.student)
    dataset = build_dataset(bench, student=record, method=method, options=wanted.data)
    run = training.start_run(bench, dataset=dataset, student=record, spec=wanted.spec)
    async with aclosing(training.follow_run(bench, run.id, stop_when_cancelled=True)) as steps:
        async for progress in steps:
            yield progress


async def resume(bench: Bench, run_id: str) -> AsyncIterator[Progress]:
    """Go on with an interrupted or stopped run from its newest checkpoint."""
    run = training.resume_run(bench, run_id)
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
        raise RunError("that run has made no student yet: resume it or name a --student")
    return made


async def evaluate_students(
    bench: Bench, student: str, *, split: str = "test", samples: int = 0
) -> AsyncIterator[Progress]:
    """Let a student and its base sit the exam of one split and grade it.

    Args:
        samples: tries at each question besides, drawn at a temperature.
    """
    tuned = find_student(bench.store, student)
    exam = {k: v for k, v in bench.store.setting("exam", {}).items() if k != "temperature"}
    sat: list[Stage] = [
        AttemptStage(
            Scope(), student=who, split="train" if split == "train" else "test",
            temperature=SAMPLING if n else None, sample=n, **exam,
        )
        for who in (_base_of(bench.store, tuned), tuned)
        if who is not None
        for n in range(samples + 1)
    ]  # fmt: skip
    base = _base_of(bench.store, tuned)
    stage = EvaluateStage(
        student=tuned.name, base=base.name if base else "", split=split,
        before=[*sat, GradeStage()],
    )  # fmt: skip
    async for progress in stage.run(bench):
        yield progress


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


async def whole_round(
    bench: Bench, settings: Mapping[str, Any], *, budget_usd: float | None = None
) -> AsyncIterator[Progress]:
    """Run one whole round, exam to evaluation; its tuned student is where the next one starts."""
    async for progress in run_stages(bench, plan(bench, ()), budget_usd=budget_usd):
        yield progress
    async for progress in train(bench, "", settings):
        yield progress
    async for progress in evaluate_students(bench, student_of(bench, student="", run="")):
        yield progress
    bench.store.set_setting("student", student_of(bench, student="", run=""))


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
    bench: Bench, out: Path, *, format: str, include_all: bool = False, run: str = ""
) -> AsyncIterator[Progress]:
    """Write a dataset or a tuned model for use elsewhere."""
    if format == "model":
        from studio.flow.weights import export_model

        name = student_of(bench, student="", run=run)
        async for progress in export_model(bench, find_student(bench.store, name), out):
            yield progress
        return
    from studio.flow.export import export as write

    report = write(bench.store, out, format=format, include_all=include_all, prompts=bench.prompts)
    yield Progress("export", report.rows, report.rows, note=report.describe())
