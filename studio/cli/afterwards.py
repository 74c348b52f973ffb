"""What is said when paid work has ended: what is left undone and why, and what comes next."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from studio.cli.output import print_json, table
from studio.domain.errors import RunError
from studio.domain.visible import visible
from studio.flow import training
from studio.flow.leftovers import Leftovers, advice
from studio.flow.run_ledger import LOSS_OVER
from studio.flow.stage import Bench
from studio.flow.status import status
from studio.store.tables import Store


def tell_end(store: Store, project: Path, left: Leftovers, *, json_: bool) -> None:
    """Say how a run ended: as words, or as the project's status with what is left undone."""
    counts = status(store)
    if json_:
        undone = [one._asdict() for one in left.undone]
        budget = {"usd": left.budget_usd, "spent_usd": left.spent_usd,
                  "is_reached": left.spent_usd is not None}  # fmt: skip
        print_json({**counts, "left_undone": undone, "budget": budget,
                    "target": {"wanted": left.target, "short": left.short}})  # fmt: skip
        return
    for text in (_undone(left), _budget(left), _target(left), _next(store, project, counts)):
        if text:
            print(text)


def tell_trained(result: Mapping[str, Any]) -> None:
    """Say how a training run ended, and why where it was not after all its steps."""
    told = f"run {result['run']} {result['state']} after {result['steps']:,} steps"
    if result["loss"] is not None:  # else it was stopped before its first step
        told += f", loss {result['loss']:.4f} (mean of its last steps, {LOSS_OVER} at most)"
    if result["tokens_per_s"] is not None:
        told += f", {result['tokens_per_s']:,.0f} supervised tokens/s"
    print(told)
    if result["message"]:
        print(f"ended {visible(result['message'])}")
    for warning in result["warnings"]:
        print(f"note: {visible(warning)}")
    if None not in (result["held_out"].get("loss"), result["held_out"].get("weights_step")):
        print(_lowest(result))
    print(f"adapter: {result['adapter']}")


def _lowest(result: Mapping[str, Any]) -> str:
    """Return where the held-out loss was lowest, and whether those are the weights that were kept."""
    step, kept = result["held_out"]["step"], result["held_out"]["weights_step"]
    told = f"held-out loss lowest at step {step:,} ({result['held_out']['loss']:.4f})"
    if step == kept:
        return f"{told}: these are the weights"
    told += f", the weights are of step {kept:,}"
    if result["state"] == "stopped":
        return f"{told}, where it was stopped"
    if result["ends_with_best"]:
        return f"{told}, for no checkpoint of the former was kept"
    return f"{told}; --set result=best ends with the former"


def tell_stopped(bench: Bench, project: Path, run: str) -> None:
    """Say on standard error how to go on with a run that was interrupted, if it had begun."""
    try:
        result = training.result_of(bench, run)
    except RunError:  # there is none yet
        return
    resume = f"'mapd-studio train {project} --resume {result['run'][:8]}'"
    if result["state"] == "running":  # its step is a long one
        print(f"run {result['run']} stops by itself, and keeps what it learned, when the step it is at"
              f" is done: {resume} goes on with it then", file=sys.stderr)  # fmt: skip
    if result["state"] in ("stopped", "interrupted"):
        print(f"run {result['run']} {result['state']} at step {result['steps']:,}, and what it learned is"
              f" kept: {resume} goes on with it", file=sys.stderr)  # fmt: skip


def _undone(left: Leftovers) -> str:
    if not left.undone:
        return ""
    rows = [(u.teacher, u.stage, u.records, u.outcome, u.detail[:80]) for u in left.undone]
    told = table(rows, head=("teacher", "stage", "left undone", "what came", "in its words"))
    helps = advice(left.undone)
    return f"{told}\nThe same command asks for them once more{f'; {helps}' if helps else ''}."


def _budget(left: Leftovers) -> str:
    told = []
    if left.spent_usd is not None:
        told.append(
            f"The budget is reached: {_usd(left.spent_usd)} of {_usd(left.budget_usd)} since this "
            "work was begun. A larger --budget goes on."
        )
    if left.unpriced:
        told.append(
            f"Not in any budget, for lack of a price: {', '.join(left.unpriced)} "
            "('teacher add' with --price-in and --price-out)."
        )
    return "\n".join(told)


def _target(left: Leftovers) -> str:
    if not left.short:
        return ""
    questions = "1 question has" if left.short == 1 else f"{left.short:,} questions have"
    more = "--budget" if left.spent_usd is not None else "--most-samples"
    return (f"{questions} fewer accepted rationales than --target {left.target} wants: a larger"
            f" {more} asks for more.")  # fmt: skip


def _usd(value: float | None) -> str:
    """Return an amount of money; a very small one to the millionth, so that it is not nothing."""
    known = value or 0.0
    return f"${known:,.2f}" if known >= 0.01 else f"${known:,.6f}"


def _next(store: Store, project: Path, counts: dict[str, Any]) -> str:
    """Return what is to be done first where a run could not get far."""
    verb = "mapd-studio"
    if not sum(counts["questions"].values()):
        return f"There are no questions yet: '{verb} import {project} FILE...' takes some."
    if not counts["attempts"]:
        where = "FOLDER, a hub id or URL#MODEL"
        return f"No student has sat the exam yet: '{verb} run {project} --student' with {where}."
    if not store.teachers() and not counts["rationales"]:
        return f"Nobody is asked yet: '{verb} teacher add {project} NAME --model M --base-url URL'."
    return ""
