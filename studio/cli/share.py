"""The verbs export and report: curated datasets and models for others, and what came of a round."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from studio.app.workbench import Workbench
from studio.cli.output import drive
from studio.cli.project import Project
from studio.domain.errors import SpecError
from studio.flow import pipeline
from studio.store.tables import Store

FORMATS = (
    "messages", "prompt-completion", "alpaca", "sharegpt", "dpo", "parquet", "committee",
    "attempts", "model",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Put these verbs on ``app``."""
    app.command("export")(export)
    app.command("report")(report)


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


def report(
    project: Project,
    out: Annotated[Path, typer.Argument(help="HTML file, or the folder to write it into")],
    *,
    round_: Annotated[
        int | None, typer.Option("--round", help="Which round; else the newest")
    ] = None,
) -> None:
    """Write one round as a single HTML file: counts, charts, policy, reviewers, examples."""
    from studio.flow.report import write_report

    store = Store(project, read_only=True)
    try:
        file = write_report(store, out, round_)
    finally:
        store.close()
    print(f"Wrote {file}.")
