"""What ``run --dry-run`` and ``round --dry-run`` say: how many calls, what they may take, and by what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from studio.app.workbench import Workbench
from studio.cli.output import print_json, sentence, table
from studio.domain.visible import visible
from studio.flow import pipeline
from studio.flow.cost import Estimate, sum_of
from studio.flow.forecast import EXAM_OF
from studio.flow.leftovers import unpriced
from studio.flow.rounds import RoundOutlook

_BASIS = {"averages": "calls so far", "lengths": "at most", "": ""}
_LENGTHS = (
    "at most: of such calls none was answered yet, so these are the prompts as they would be sent"
    " (a token to 3 bytes) and every reply as long as --max-tokens lets it be."
)


def tell_estimate(
    bench: Workbench, plan: pipeline.Plan, *, json_: bool, then: Mapping[str, Any] | None = None
) -> None:
    """Print what a plan would take at most.

    Args:
        then: what comes after it, by what it is called.
    """
    lines = pipeline.estimate(bench.bench, plan)
    slow = [one.name for one in bench.store.teachers() if one.batch]
    nameless = unpriced(bench.store) if sum_of(lines).unpriced else ()
    if json_:
        print_json({"stages": [line._asdict() for line in lines], "all": sum_of(lines)._asdict(),
                    "quality": plan.quality.model_dump(), "by_batches": slow,
                    "unpriced": list(nameless), **(then or {})})  # fmt: skip
        return
    _tell(lines, slow, nameless)


def tell_evaluation(lines: Sequence[Estimate], *, json_: bool) -> None:
    """Print what an evaluation would take at most."""
    nameless = [one.stage.removeprefix(EXAM_OF) for one in lines if one.unpriced]
    if json_:
        print_json({"exams": [line._asdict() for line in lines], "all": sum_of(lines)._asdict(),
                    "unpriced": sorted(set(nameless))})  # fmt: skip
        return
    _tell(lines, (), sorted(set(nameless)))
    if not any(one.calls for one in lines):
        print("All of it is done on this machine: no call is needed.")


def _tell(lines: Sequence[Estimate], slow: Sequence[str], nameless: Sequence[str]) -> None:
    shown = [*lines, sum_of(lines)] if len([one for one in lines if one.calls]) > 1 else lines
    rows = [(e.stage, e.records, e.calls, e.tokens, e.cost_usd if e.calls else None,
             _BASIS[e.basis]) for e in shown]  # fmt: skip
    print(table(rows, head=("stage", "records", "calls", "tokens", "USD", "from")))
    for remark in _remarks(lines, slow, nameless):
        print(sentence(remark))


def tell_round(bench: Workbench, outlook: RoundOutlook, *, rounds: int, json_: bool) -> None:
    """Print what the next round would take at most, and what it would do then."""
    then = {"rounds": rounds, "held_out": outlook.held_out, "resumes": outlook.run,
            "student": outlook.student, "round": outlook.round, "taught": outlook.taught}  # fmt: skip
    tell_estimate(bench, outlook.plan, json_=json_, then=then)
    if json_:
        return
    trained = (
        f"the run {outlook.run[:8]}, which is gone on with"
        if outlook.run
        else "a run on what is accepted by then ('train --dry-run': on what is accepted now)"
    )
    print(sentence(f"Then, on this machine: {trained}, and the exam of {outlook.held_out:,} held-out"
                   " questions before and after."))  # fmt: skip
    print(f"It is round {outlook.round}, and begins with {visible(outlook.student)}.")
    if outlook.taught and not outlook.run:
        print(sentence(f"{visible(outlook.student)} was taught before: to begin with what came of"
                       f" it, 'mapd-studio run {bench.bench.project} attempt grade --student"
                       f" {visible(outlook.taught)}' first."))  # fmt: skip
    if rounds > 1:
        print("The rounds after it ask about the mistakes that are left by then: nobody knows yet.")


def _remarks(
    lines: Sequence[Estimate], slow: Sequence[str], nameless: Sequence[str]
) -> Iterator[str]:
    for one in lines:
        if one.older:
            yield f"{one.stage}: {one.older:,} made with other versions of the prompt stay as they are."
    if any(one.basis == "lengths" for one in lines):
        yield _LENGTHS
    if without := sum(one.unpriced for one in lines):
        yield (
            f"{without:,} calls have no price and are in no sum: 'teacher add' with --price-in and"
            f" --price-out sets one ({', '.join(nameless)})."
        )
    if slow and any(one.calls for one in lines):
        yield (
            f"By batches, each within a day: {', '.join(slow)}. Ctrl-C is safe: run it again to"
            " collect."
        )
    if loops := [one.stage for one in lines if one.if_needed]:
        yield f"{', '.join(loops)}: only as far as decisions call for it; this is the most it can be."
