"""Strings the stages of the committee together: who is asked what, what follows, and what again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.domain.errors import SpecError, TeacherError
from studio.domain.records import Rationale, StudentRecord
from studio.flow.attempts import AttemptStage
from studio.flow.budget import within
from studio.flow.checks import CheckStage
from studio.flow.committee import BUDGET_REACHED, Ask
from studio.flow.decisions import DecideStage
from studio.flow.explanations import ExplainStage
from studio.flow.grades import GradeStage
from studio.flow.quality import Quality, quality_of
from studio.flow.rationales import MoreStage, SolveStage
from studio.flow.reviews import ReviewExplanationsStage, ReviewStage
from studio.flow.revisions import ReviseStage
from studio.flow.stage import Bench, Progress, Scope, Stage
from studio.flow.students import find_student, register
from studio.flow.together import Follow, Part, TogetherStage

if TYPE_CHECKING:
    from studio.store.tables import Store

STAGES = ("attempt", "grade", "explain", "solve", "review", "decide")

AskingStage = ExplainStage | SolveStage | ReviewStage


class Plan(NamedTuple):
    """Which stages to run, on what."""

    stages: tuple[str, ...] = STAGES
    scope: Scope = Scope()
    student: StudentRecord | None = None
    quality: Quality = Quality()


def plan(
    bench: Bench,
    stages: Iterable[str],
    *,
    student: str = "",
    scope: Scope = Scope(),
    **quality: Any,
) -> Plan:
    """Return a validated plan; without stages all, without a student the project's own.

    Args:
        quality: what is asked for beyond once, in place of the project's settings
            (``flow/quality.py``).

    Raises:
        SpecError: an unknown stage, or an exam asked for without a student.
    """
    names, wanted = tuple(stages), quality_of(bench.store, **quality)
    for name in names:
        if name not in STAGES:
            raise SpecError(f"there is no stage {name!r}: choose from {', '.join(STAGES)}")
    _check_round(bench.store, scope.round)
    who = student or bench.store.setting("student", "")
    if not who:
        if "attempt" in names:
            raise SpecError("no student is named yet: add --student with a model folder or hub id")
        known = tuple(name for name in names or STAGES if name != "attempt")
        return Plan(known, scope, quality=wanted)
    found = find_student(bench.store, who)
    return Plan(names or STAGES, scope._replace(student=found.name), found, wanted)


def _check_round(store: Store, wanted: int | None) -> None:
    newest = max(
        store.value(f"SELECT max(round) FROM {name}") or 0 for name in ("attempts", "students")
    )
    if wanted is not None and wanted > newest:
        raise SpecError(
            f"there is no round {wanted} yet, the newest is {newest}: 'mapd-studio round' makes the next"
        )


async def run_stages(
    bench: Bench, plan: Plan, *, budget_usd: float | None = None
) -> AsyncIterator[Progress]:
    """Run the stages of a plan; what has nothing to do is passed over.

    All that is asked of teachers is asked together. Rationales are graded right after that, so that
    the policy finds their answers.

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
    async for progress in _run(bench, _stages(bench, plan), troubles):
        yield progress
    if "decide" in plan.stages:  # decisions follow new reviews and grades of known rationales too
        async for progress in _decide_and_ask_again(bench, plan, troubles):
            yield progress
    if troubles:
        raise troubles[0]


async def _run(
    bench: Bench, stages: Iterable[Stage], troubles: list[TeacherError]
) -> AsyncIterator[Progress]:
    for stage in stages:
        if not stage.todo(bench.store):
            continue
        try:
            async for progress in stage.run(bench):
                yield progress
        except TeacherError as error:  # the others' work goes on; this is told at the end
            troubles.append(error)


async def _decide_and_ask_again(
    bench: Bench, plan: Plan, troubles: list[TeacherError]
) -> AsyncIterator[Progress]:
    """Decide; as long as decisions lead to more questions, ask them and decide again."""
    async for progress in DecideStage().run(bench):
        yield progress
    while not troubles and (parts := _asked_again(bench.store, plan)):
        note, before = "", bench.store.count(Rationale)
        review = ReviewStage(plan.scope, blind=plan.quality.blind)
        stages: list[Stage] = [
            TogetherStage(
                [*parts, review], _followed_by([review]), leads_to=_leads_to(bench, [review])
            ),
            GradeStage(plan.scope),
            CheckStage(),
        ]
        async for progress in _run(bench, stages, troubles):
            note = progress.note or note
            yield progress
        async for progress in DecideStage().run(bench):
            yield progress
        nothing_came = bench.store.count(Rationale) == before
        if nothing_came or BUDGET_REACHED in note or plan.scope.limit is not None:
            return


def _asked_again(store: Store, plan: Plan) -> list[Part]:
    """Return what is still short of the plan's target or may be revised; empty when all is done."""
    if not {"solve", "review"} <= set(plan.stages) or not plan.quality.is_looping:
        return []
    parts: list[Part] = [ReviseStage(plan.scope, tries=plan.quality.revise)]
    if not parts[0].todo(store):  # a revision may still be what a question lacks
        parts = [MoreStage(plan.scope, plan.quality)]
    return parts if parts[0].todo(store) else []


def missing(bench: Bench, plan: Plan, counted: Mapping[str, int] | None = None) -> dict[str, int]:
    """Return how many records each stage of the plan would make now; some may be counted already."""
    found = dict(counted or {})
    stages: list[Stage | Part] = [*free_stages(bench, plan), *asked_parts(plan)]
    for stage in stages:
        if stage.name not in found:
            found[stage.name] = stage.todo(bench.store)
    if "grade" in plan.stages and (unchecked := CheckStage().todo(bench.store)):
        found[CheckStage.name] = unchecked  # of imports, and of projects older than these rules
    return {name: found[name] for name in (*plan.stages, *found) if name in found}


def _stages(bench: Bench, plan: Plan) -> list[Stage]:
    """Return the stages in the order they run, but for the decisions."""
    made = [stage for stage in free_stages(bench, plan) if stage.name != "decide"]
    parts = asked_parts(plan)
    if parts:
        reviews = [part for part in parts if isinstance(part, ReviewStage)]
        made.append(TogetherStage(parts, _followed_by(reviews), leads_to=_leads_to(bench, reviews)))
    if "solve" in plan.stages and "grade" in plan.stages:
        made.append(GradeStage(plan.scope))
    if "grade" in plan.stages:  # free as grading is, and for the same texts
        made.append(CheckStage())
    return made


def free_stages(bench: Bench, plan: Plan) -> list[Stage]:
    """Return the stages that ask no teacher."""
    made: list[Stage] = []
    if "attempt" in plan.stages and plan.student is not None:
        exam = bench.store.setting("exam", {})
        made.append(AttemptStage(plan.scope, student=plan.student, **exam))
    if "grade" in plan.stages:
        made.append(GradeStage(plan.scope))
    if "decide" in plan.stages:
        made.append(DecideStage(plan.scope))
    return made


def asked_parts(plan: Plan) -> list[AskingStage]:
    """Return the stages that ask teachers."""
    made: list[AskingStage] = []
    if "explain" in plan.stages:
        made.append(ExplainStage(plan.scope))
    if "solve" in plan.stages:
        made.append(SolveStage(plan.scope, samples=plan.quality.samples))
    if "review" in plan.stages:
        made.append(ReviewStage(plan.scope, blind=plan.quality.blind))
        if plan.quality.review_explanations:
            made.append(ReviewExplanationsStage(plan.scope))
    return made


_REVIEWED = {"solve": "rationale", "revise": "rationale", "explain": "explanation"}


def _followed_by(reviews: Sequence[ReviewStage]) -> Follow:
    """Return what has a new record reviewed as soon as it is there."""

    def follow(bench: Bench, stage: str, made: str) -> list[Ask]:
        return [ask for review in reviews if review.kind == _REVIEWED.get(stage)
                for ask in review.asks_about(bench, made)]  # fmt: skip

    return follow


def _leads_to(bench: Bench, reviews: Sequence[ReviewStage]) -> dict[str, int]:
    """Return how many reviews each new record of a stage leads to: one of every other teacher."""
    others = max(0, len(bench.store.teachers()) - 1)
    return {stage: others * sum(review.kind == kind for review in reviews)
            for stage, kind in _REVIEWED.items()}  # fmt: skip
