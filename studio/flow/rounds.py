"""Whole rounds, one after another: exam, committee, policy, dataset, run, evaluation.

Each starts from the student that the last one made. A round that was broken off is taken up where it
stood: what was asked is not asked again, and the run that was begun is gone on with, not begun anew.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, NamedTuple

from studio.domain.records import Question, Run
from studio.flow import pipeline
from studio.flow.asking import run_stages
from studio.flow.outlook import wanted_run
from studio.flow.quality import keep_quality
from studio.flow.stage import Bench, Progress
from studio.flow.students import find_student, taught_from, weights_of
from studio.flow.training import folder_of, known_run, result_of

_SETTING = "round_at_work"  #: in the project: the run that the round at work has begun
_GOES_ON = ("interrupted", "stopped", "running", "made")


async def run_rounds(
    bench: Bench,
    settings: Mapping[str, Any],
    *,
    rounds: int = 1,
    budget_usd: float | None = None,
    quality: Mapping[str, Any] | None = None,
) -> AsyncGenerator[Progress, None]:
    """Do so many whole rounds; one that was broken off counts as the first.

    Args:
        budget_usd: what each round may cost.
        quality: what is asked of the committee beyond once, kept as the project's settings.

    Raises:
        StudentError: at once, before anything is paid for, when the student cannot be trained.
    """
    if who := _student(bench):
        weights_of(find_student(bench.store, who), bench.project)
    keep_quality(bench.store, quality or {})
    for n in range(1, rounds + 1):
        place = f"round {n} of {rounds}" if rounds > 1 else ""
        work = _one(bench, settings, budget_usd=budget_usd, quality=quality or {})
        async with aclosing(work) as steps:
            async for progress in steps:
                note = ": ".join(part for part in (place, progress.note) if part)
                yield progress._replace(note=note)


class RoundOutlook(NamedTuple):
    """A round before it is begun: what the committee will be asked, and what comes after it."""

    plan: pipeline.Plan
    student: str  #: that it begins with
    round: int
    taught: str  #: what was trained from it before, by hand or in a round; empty: nothing
    held_out: int  #: questions that the student before and after will sit
    run: str  #: that is gone on with; empty: a new one


def round_outlook(
    bench: Bench, settings: Mapping[str, Any], *, quality: Mapping[str, Any]
) -> RoundOutlook:
    """Return what the next round would be, or refuse it as the round would; writes nothing."""
    who = wanted_run(bench, "", settings).student  # which tells, too, whether it can be taught
    plan = pipeline.plan(bench, (), **quality)
    held_out = bench.store.count(Question, "split = 'test'")
    taught = taught_from(bench.store, who.name)
    return RoundOutlook(plan, who.name, who.round, taught, held_out, _to_go_on_with(bench) or "")


async def _one(
    bench: Bench,
    settings: Mapping[str, Any],
    *,
    budget_usd: float | None,
    quality: Mapping[str, Any],
) -> AsyncGenerator[Progress, None]:
    wanted = pipeline.plan(bench, (), **quality)
    async for progress in run_stages(bench, wanted, budget_usd=budget_usd):
        yield progress
    run = _begun(bench)
    if run is None or result_of(bench, run)["state"] != "finished":
        work = (
            pipeline.train(bench, "", settings, begun=lambda run: _note(bench, run))
            if run is None
            else pipeline.resume(bench, run)
        )
        async with aclosing(work) as steps:
            async for progress in steps:
                yield progress
    made = str(result_of(bench, _noted(bench)["run"])["student"])
    async for progress in pipeline.evaluate_students(bench, made):
        yield progress
    bench.store.set_setting("student", made)
    bench.store.set_setting(_SETTING, None)
    bench.changed({"settings"})


def _note(bench: Bench, run: Run) -> None:
    """Note which run it is that the round has begun."""
    bench.store.set_setting(_SETTING, {"student": _student(bench), "run": run.id})


def _begun(bench: Bench) -> str | None:
    """Return the run to go on with; where it cannot be, it is forgotten."""
    run = _to_go_on_with(bench)
    if run is None and _noted(bench):  # it failed: the next may have other settings
        bench.store.set_setting(_SETTING, None)
    return run


def _to_go_on_with(bench: Bench) -> str | None:
    """Return this student's run, whole or to be resumed; None for a new one."""
    run = str(_noted(bench).get("run", ""))
    if not run:
        return None
    row = bench.store.run_state(run)
    if row is None or not (folder_of(bench, known_run(bench.store, run)) / "spec.json").is_file():
        state, result = "", {}
    else:
        state, result = row["state"], json.loads(row["result"])
    if state == "finished" or state in _GOES_ON or result.get("offer"):
        return run
    return None


def _noted(bench: Bench) -> dict[str, str]:
    noted = bench.store.setting(_SETTING) or {}
    return dict(noted) if noted.get("student") == _student(bench) else {}


def _student(bench: Bench) -> str:
    return str(bench.store.setting("student", ""))
