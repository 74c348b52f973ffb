"""Verbs about what runs are worth: queue, ablate, forgetting."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from studio.app.workbench import Workbench
from studio.cli.dry_run import tell_queue
from studio.cli.output import drive, print_json, table
from studio.cli.project import Json, Project
from studio.cli.student import StudentName, settings_of
from studio.domain.errors import SpecError, StudioError
from studio.flow import ablation, pipeline
from studio.flow.forgetting import check_forgetting, forgetting_of
from studio.flow.run_queue import Entry, outcomes, run_all

Settings = Annotated[
    list[str] | None, typer.Option("--set", help="key=value of every run, e.g. epochs=2")
]


def register(app: typer.Typer) -> None:
    """Put these verbs on ``app``."""
    app.command("queue", short_help="Train one run after another.")(queue)
    app.command("ablate", short_help="Train the student without each part of the method.")(ablate)
    app.command("forgetting", short_help="Measure how well general text is foretold.")(forgetting)


def queue(
    project: Project,
    file: Annotated[
        Path, typer.Argument(help="TOML: a [[run]] each, with lines as name = 'a', epochs = 2")
    ],
    *,
    evaluated: Annotated[
        bool, typer.Option("--evaluate", help="Let each student sit the exam")
    ] = False,
    dry_run: Annotated[bool, typer.Option(help="Tell what each would be, train nothing")] = False,
    json_: Json = False,
) -> None:
    """Train one run after another; one that fails does not keep the rest from being made."""
    entries = _entries(file)
    bench = Workbench(project, read_only=dry_run)
    try:
        if dry_run:
            tell_queue(bench, entries, json_=json_)
            return
        trouble = _drive(bench, entries, evaluated=evaluated, quiet=json_)
        found = outcomes(bench.bench, entries)
    finally:
        bench.close()
    if json_:
        print_json({"runs": [one._asdict() for one in found]})
    else:
        rows = [
            (one.name, one.run, one.state or "not made", one.student, one.message) for one in found
        ]
        print(table(rows, head=("name", "run", "state", "student", "")))
    if trouble is not None:
        raise trouble


def ablate(
    project: Project,
    *,
    set_: Settings = None,
    steps: Annotated[
        int, typer.Option(min=0, help="Steps of each run; 0: as the whole method takes")
    ] = 0,
    only: Annotated[
        list[str] | None, typer.Option(help="This variant only; may be repeated")
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Show the table as it is, train nothing")] = False,
    json_: Json = False,
) -> None:
    """Train and examine the student without each part of the method, under one budget."""
    bench = Workbench(project, read_only=dry_run)
    trouble: StudioError | None = None
    try:
        entries = ablation.plan(bench.bench, settings_of(None, set_), steps=steps, only=only or ())
        if not dry_run:
            ablation.remember(bench.store, entries)
            trouble = _drive(bench, entries, evaluated=True, quiet=json_)
        found = ablation.lines(bench.bench, entries)
    finally:
        bench.close()
    if json_:
        print_json({"steps": entries[0].settings["max_steps"],
                    "variants": [line.as_json() for line in found]})  # fmt: skip
    else:
        print(f"{entries[0].settings['max_steps']:,} steps each\n{ablation.describe(found, table)}")
    if trouble is not None:
        raise trouble


def forgetting(
    project: Project,
    texts: Annotated[Path, typer.Argument(help="General text: paragraphs, or JSONL with text")],
    *,
    run: Annotated[str, typer.Option(help="The run whose student is meant; else the newest")] = "",
    student: StudentName = "",
    json_: Json = False,
) -> None:
    """Measure how well general text is foretold, before training and after."""
    bench = Workbench(project)
    try:
        name = pipeline.student_of(bench.bench, student=student, run=run)
        drive(check_forgetting(bench.bench, name, texts), quiet=json_)
        found = forgetting_of(bench.bench, name)
    finally:
        bench.close()
    assert found is not None  # it was measured just now
    if json_:
        print_json(found.as_json())
    else:
        print(found.describe())


def _drive(
    bench: Workbench, entries: list[Entry], *, evaluated: bool, quiet: bool
) -> StudioError | None:
    """Make the runs; returns what there is to say at the end, so that the table comes first."""
    try:
        drive(run_all(bench.bench, entries, evaluated=evaluated), quiet=quiet,
              after=bench.close_clients)  # fmt: skip
    except StudioError as error:
        return error
    return None


def _entries(file: Path) -> list[Entry]:
    try:
        runs: Any = tomllib.loads(file.read_text(encoding="utf-8")).get("run", [])
    except OSError as error:
        raise SpecError(f"cannot read {file} ({error.strerror}): name a TOML file") from None
    except ValueError as error:
        raise SpecError(f"{file} is not valid TOML: {error}") from None
    if not isinstance(runs, list) or not all(isinstance(run, dict) for run in runs) or not runs:
        raise SpecError(f"{file} holds no run: write one [[run]] table for each")
    entries = [_entry(n, dict(run)) for n, run in enumerate(runs, start=1)]
    names = [entry.name for entry in entries]
    if twice := [name for name in names if names.count(name) > 1]:
        raise SpecError(f"{file}: two runs are named {twice[0]!r}: give each a name of its own")
    return entries


def _entry(n: int, run: dict[str, Any]) -> Entry:
    own = {name: str(run.pop(name)) for name in ("name", "student", "method") if name in run}
    return Entry(
        own.get("name", f"run {n}"), run, own.get("student", ""), own.get("method", "mapd")
    )
