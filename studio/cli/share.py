"""The verb export: curated datasets and models, in the forms other trainers read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from studio.app.workbench import Workbench
from studio.cli.output import drive
from studio.cli.project import Project
from studio.domain.errors import SpecError
from studio.flow import pipeline

FORMATS = (
    "messages", "prompt-completion", "alpaca", "sharegpt", "dpo", "parquet", "committee",
    "attempts", "model",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Put this verb on ``app``."""
    app.command("export")(export)


def export(
    project: Project,
    out: Annotated[Path, typer.Argument(help="Folder (or file, for attempts) to write")],
    *,
    format_: Annotated[str, typer.Option("--format", help=", ".join(FORMATS))],
    all_: Annotated[bool, typer.Option("--all", help="Rejected ones too, marked")] = False,
    run: Annotated[str, typer.Option(help="For model: which run; else the newest")] = "",
) -> None:
    """Write the accepted rationales (or a tuned model) for use elsewhere."""
    if format_ not in FORMATS:
        raise SpecError(f"there is no format {format_!r}: choose one of {', '.join(FORMATS)}")
    bench = Workbench(project)
    try:
        last = drive(pipeline.export(bench.bench, out, format=format_, include_all=all_, run=run))
    finally:
        bench.close()
    print(last.note if last is not None and last.note else f"Wrote {out}.")
