"""Verbs about the student: train, evaluate, round."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from studio.app.workbench import Workbench
from studio.cli.output import drive, print_json, table
from studio.cli.project import Json, Project
from studio.domain.errors import SpecError
from studio.domain.specs import with_settings
from studio.flow import pipeline, training

StudentName = Annotated[str, typer.Option(help="Folder, hub id or known name; else the project's")]


def register(app: typer.Typer) -> None:
    """Put these verbs on ``app``."""
    app.command("train")(train)
    app.command("evaluate")(evaluate)
    app.command("round")(round_)


def train(
    project: Project,
    *,
    method: Annotated[str, typer.Option(help="Training method")] = "mapd",
    student: StudentName = "",
    config: Annotated[Path | None, typer.Option(help="Settings as TOML or JSON")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="key=value, e.g. epochs=2 or lora.r=8")
    ] = None,
    resume: Annotated[str, typer.Option(help="Go on with this run")] = "",
    launcher: Annotated[str, typer.Option(help="local")] = "local",
    dry_run: Annotated[bool, typer.Option(help="Check data and settings, start nothing")] = False,
    json_: Json = False,
) -> None:
    """Train the student on what was accepted; curves go to the run's folder."""
    if launcher != "local":
        raise SpecError(f"there is no launcher {launcher!r} here: use --launcher local")
    bench = Workbench(project)
    try:
        if dry_run:
            outlook = pipeline.training_outlook(
                bench.bench, student, _settings(config, set_), method=method
            )
            print_json(outlook) if json_ else print(_outlook_in_words(outlook))
            return
        work = (
            pipeline.resume(bench.bench, resume)
            if resume
            else pipeline.train(bench.bench, student, _settings(config, set_), method=method)
        )
        drive(work, quiet=json_)
        result = training.result_of(bench.bench, resume)
    finally:
        bench.close()
    if json_:
        print_json(result)
    else:
        print(f"run {result['run']} {result['state']} after {result['steps']:,} steps, "
              f"loss {result['loss']:.4f}, {result['tokens_per_s']:,.0f} supervised tokens/s\n"
              f"adapter: {result['adapter']}")  # fmt: skip


def evaluate(
    project: Project,
    *,
    run: Annotated[str, typer.Option(help="The run to evaluate; else the newest")] = "",
    student: StudentName = "",
    split: Annotated[str, typer.Option(help="test or train")] = "test",
    json_: Json = False,
) -> None:
    """Measure base against tuned on held-out questions: accuracy, fixed, broken."""
    if split not in ("test", "train"):
        raise SpecError(f"there is no split {split!r}: choose test or train")
    bench = Workbench(project)
    try:
        name = pipeline.student_of(bench.bench, student=student, run=run)
        drive(pipeline.evaluate_students(bench.bench, name, split=split), quiet=json_)
        report = pipeline.evaluation_of(bench.bench, name, split=split)
    finally:
        bench.close()
    if json_:
        print_json(report.as_json())
    else:
        print(report.describe(table))


def round_(
    project: Project,
    *,
    budget: Annotated[float | None, typer.Option(help="Stop buying at so many USD")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Training settings, key=value")
    ] = None,
    json_: Json = False,
) -> None:
    """Run one whole round: exam, committee, policy, dataset, run, evaluation."""
    bench = Workbench(project)
    try:
        drive(
            pipeline.whole_round(bench.bench, _settings(None, set_), budget_usd=budget),
            quiet=json_,
        )
        name = pipeline.student_of(bench.bench, student="", run="")
        report = pipeline.evaluation_of(bench.bench, name, split="test")
    finally:
        bench.close()
    if json_:
        print_json(report.as_json())
    else:
        print(report.describe(table))


def _settings(config: Path | None, pairs: list[str] | None) -> dict[str, Any]:
    values: dict[str, Any] = {} if config is None else _read_config(config)
    settings: dict[str, str] = {}
    for text in pairs or []:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise SpecError(f"--set {text!r} is not of the form key=value")
        settings[name.strip()] = value.strip()
    return with_settings(values, settings)


def _read_config(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise SpecError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise SpecError(f"{path} is not valid TOML or JSON: {error}") from None
    if not isinstance(values, dict):
        raise SpecError(f"{path} must hold one table of settings")
    return values


def _outlook_in_words(outlook: dict[str, Any]) -> str:
    return "\n".join(f"{name:<18} {value}" for name, value in outlook.items())
