"""The verbs export and report: datasets and models for other trainers, a round for readers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from studio.app.workbench import Workbench
from studio.cli.output import drive, print_json
from studio.cli.project import Json, Project
from studio.domain.errors import SpecError
from studio.flow import pipeline
from studio.flow.report import write_report

FORMATS = (
    "messages", "prompt-completion", "alpaca", "sharegpt", "dpo", "parquet", "committee",
    "attempts", "model",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Put these verbs on ``app``."""
    app.command("export", short_help="Write what was accepted, or a tuned model, for elsewhere.")(
        export
    )
    app.command("report")(report)


def export(
    project: Project,
    out: Annotated[Path, typer.Argument(help="Folder (or file, for attempts) to write")],
    *,
    format_: Annotated[str, typer.Option("--format", help=", ".join(FORMATS))],
    all_: Annotated[bool, typer.Option("--all", help="Rejected ones too, marked")] = False,
    run: Annotated[str, typer.Option(help="For model: which run; else the newest")] = "",
    student: Annotated[str, typer.Option(help="For model: which student, in place of --run")] = "",
    json_: Json = False,
) -> None:
    """Write the accepted rationales (or a tuned model) for use elsewhere."""
    if format_ not in FORMATS:
        raise SpecError(f"there is no format {format_!r}: choose one of {', '.join(FORMATS)}")
    if run and student:
        raise SpecError("--run and --student both say who is meant: name one of them")
    if (run or student) and format_ != "model":
        said = "--run" if run else "--student"
        raise SpecError(f"{said} says which model is meant: leave it out, or take --format model")
    # Rows are only read, so they can be had while a run goes on; a model is made by a job.
    bench = Workbench(project, read_only=format_ != "model")
    try:
        work = pipeline.export(
            bench.bench, out, format=format_, include_all=all_, run=run, student=student
        )
        last = drive(work, quiet=json_ or format_ != "model")  # rows are told once, below
    finally:
        bench.close()
    if json_:
        rows = last.done if last is not None and format_ != "model" else None
        print_json({"out": str(out), "format": format_, "rows": rows})
        return
    print(last.note if last is not None and last.note else f"Wrote {out}.")


def report(
    project: Project,
    out: Annotated[Path, typer.Argument(help="HTML file to write")],
    *,
    round_: Annotated[
        int | None, typer.Option("--round", help="Which round, 0 the first; else the newest")
    ] = None,
    json_: Json = False,
) -> None:
    """Write a round as one HTML file that opens anywhere, offline."""
    bench = Workbench(project, read_only=True)
    try:
        made = write_report(bench.store, bench.project, out, round=round_)
    finally:
        bench.close()
    if json_:
        print_json({"out": str(made), "bytes": made.stat().st_size})
    else:
        print(f"Wrote {made}.")
