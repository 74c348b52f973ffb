"""The verb split: which questions are held out, and which stand on both sides."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from studio.app.workbench import Workbench
from studio.cli.output import print_json, table
from studio.cli.project import Json, Project
from studio.domain.errors import SpecError
from studio.flow.splits import SEED, Overlaps, hold_out, overlaps
from studio.flow.status import status
from studio.store.tables import Store

_SHOWN = 10


def register(app: typer.Typer) -> None:
    """Put these verbs on ``app``."""
    app.command("split", short_help="Show train and held-out questions; hold some out.")(split)


def split(
    project: Project,
    *,
    share: Annotated[
        float | None,
        typer.Option("--hold-out", help="Move this share of the train questions, e.g. 0.2"),
    ] = None,
    dataset: Annotated[str, typer.Option(help="Of this dataset only")] = "",
    seed: Annotated[int, typer.Option(help="Another seed, another draw")] = SEED,
    json_: Json = False,
) -> None:
    """Show train and held-out questions and what they share; --hold-out moves some, undoably."""
    moved: list[str] = []
    if share is None and (dataset or seed != SEED):
        raise SpecError("--dataset and --seed say what to hold out: give --hold-out with them")
    if share is not None:
        bench = Workbench(project)
        try:
            bench.safekeeping.before_much()
            moved = hold_out(bench.store, share=share, dataset=dataset, seed=seed, who=bench.who)
        finally:
            bench.close()
    store = Store(project, read_only=True)
    try:
        found, counts = overlaps(store), status(store)["questions"]
    finally:
        store.close()
    if json_:
        print_json({**counts, "moved": moved, **_as_json(found)})
    else:
        print(_in_words(found, counts, len(moved)))


def _as_json(found: Overlaps) -> dict[str, Any]:
    return {
        "in_both": [pair._asdict() for pair in found.across],
        "alike_in_train": [pair._asdict() for pair in found.train],
        "alike_in_test": [pair._asdict() for pair in found.test],
    }


def _in_words(found: Overlaps, counts: dict[str, int], moved: int) -> str:
    lines = [f"{moved:,} questions are now held out"] if moved else []
    lines += [
        f"train      {counts['train']:,} ({len(found.train):,} pairs nearly alike)",
        f"held out   {counts['test']:,} ({len(found.test):,} pairs nearly alike)",
        f"in both    {len(found.across):,} train questions; they are never trained on",
    ]
    if found.across:
        rows = [
            (pair.one, f"{pair.likeness:.2f}", " ".join(found.texts[pair.one].split())[:80])
            for pair in found.across[:_SHOWN]
        ]
        lines += ["", table(rows, head=("train question", "likeness", "text"))]
        if len(found.across) > _SHOWN:
            lines.append(f"and {len(found.across) - _SHOWN:,} more: --json lists all")
    return "\n".join(lines)
