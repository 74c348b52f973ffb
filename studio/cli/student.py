"""Verbs about the student: train, evaluate, round."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from studio.app.workbench import Workbench
from studio.cli.afterwards import tell_stopped, tell_trained
from studio.cli.asked import (
    MOST_USD,
    Blind,
    MostSamples,
    ReviewExplanations,
    Revise,
    Samples,
    Target,
)
from studio.cli.dry_run import tell_outlook
from studio.cli.estimates import tell_evaluation, tell_round
from studio.cli.output import drive, print_json, table
from studio.cli.project import Json, Project
from studio.domain.errors import SpecError
from studio.domain.specs import PAPER_TRAINING, with_settings
from studio.flow import comparison, pipeline, training
from studio.flow.budget import EXAMS, spent_of_budget
from studio.flow.rounds import round_outlook, run_rounds
from studio.flow.taught import taught_beside_fixed

MadeStudent = Annotated[
    str, typer.Option(help="Folder, hub id or known name; else the one that run made")
]
StudentName = Annotated[str, typer.Option(help="Folder, hub id or known name; else the project's")]


def register(app: typer.Typer) -> None:
    """Put these verbs on ``app``."""
    app.command("train", short_help="Train the student on what was accepted.")(train)
    app.command("evaluate", short_help="Measure base against tuned on held-out questions.")(
        evaluate
    )
    app.command("round", short_help="Run one whole round, exam to evaluation.")(round_)
    app.command("compare", short_help="Show all runs in one table, and what each round gained.")(
        compare
    )


def train(
    project: Project,
    *,
    method: Annotated[str | None, typer.Option(help="Training method", show_default="mapd")] = None,
    student: StudentName = "",
    config: Annotated[
        Path | None, typer.Option(help="Settings as TOML or JSON; paper: as in its code")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="key=value, e.g. epochs=2 or lora.r=8")
    ] = None,
    resume: Annotated[
        str, typer.Option(help="Go on with this run; --set changes what its steps take")
    ] = "",
    launcher: Annotated[str, typer.Option(help="local")] = "local",
    dry_run: Annotated[bool, typer.Option(help="Check data and settings, start nothing")] = False,
    json_: Json = False,
) -> None:
    """Train the student on what was accepted; curves go to the run's folder."""
    if launcher != "local":
        raise SpecError(f"there is no launcher {launcher!r} here: use --launcher local")
    if resume and (dry_run or student or config or method):
        raise SpecError(
            "--resume goes on with what the run was begun as: leave --dry-run, --student, --method"
            " and --config out"
        )
    method = method or "mapd"
    settings = settings_of(config, set_)
    bench = Workbench(project, read_only=dry_run)
    try:
        if dry_run:
            tell_outlook(bench, student, settings, method=method, json_=json_)
            return
        work = (
            pipeline.resume(bench.bench, resume, settings=settings)
            if resume
            else pipeline.train(bench.bench, student, settings, method=method)
        )
        drive(work, quiet=json_)
        result = training.result_of(bench.bench, resume)
    except KeyboardInterrupt:
        tell_stopped(bench.bench, project, resume)
        raise
    finally:
        bench.close()
    if json_:
        print_json(result)
    else:
        tell_trained(result)


def evaluate(
    project: Project,
    *,
    run: Annotated[str, typer.Option(help="The run to evaluate; else the newest")] = "",
    student: MadeStudent = "",
    split: Annotated[str, typer.Option(help="test or train")] = "test",
    samples: Annotated[
        int, typer.Option(min=0, max=100, help="Tries at each question, for pass@k and majority")
    ] = 0,
    budget: Annotated[
        float | None,
        typer.Option(min=0.0, max=MOST_USD, help="What exams at an endpoint may cost, in USD"),
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Tell what it would take, ask nothing")] = False,
    json_: Json = False,
) -> None:
    """Measure base against tuned on held-out questions: accuracy, fixed, broken."""
    if samples and split != "test":
        raise SpecError("tries are of held-out questions: leave --split at test")
    if run and student:
        raise SpecError("--run and --student both say who is meant: name one of them")
    if split not in ("test", "train"):
        raise SpecError(f"there is no split {split!r}: choose test or train")
    bench = Workbench(project, read_only=dry_run)
    try:
        if dry_run:
            asked = pipeline.evaluation_outlook(bench.bench, student=student, run=run, split=split,
                                                samples=samples)  # fmt: skip
            tell_evaluation(asked, json_=json_)
            return
        name = pipeline.student_of(bench.bench, student=student, run=run)
        drive(
            pipeline.evaluate_students(
                bench.bench, name, split=split, samples=samples, budget_usd=budget
            ),
            quiet=json_,
            after=bench.close_clients,
        )
        report = pipeline.evaluation_of(bench.bench, name, split=split)
        tries = pipeline.samples_of(bench.bench, name, split=split)
        spent = None if budget is None else spent_of_budget(bench.store, setting=EXAMS)
        taught = taught_beside_fixed(bench.store, report)
        datasets = tuple(comparison.by_dataset(bench.store, report))
    finally:
        bench.close()
    if json_:
        print_json({**report.as_json(), "samples": [one.as_json() for one in tries],
                    "by_dataset": report._replace(parts=datasets).as_json()["by_kind"],
                    "taught": [one._asdict() for one in taught],
                    "budget": {"usd": budget, "spent_usd": spent, "is_reached": spent is not None}})  # fmt: skip
        return
    report = report._replace(parts=(*report.parts, *datasets))
    print("\n".join([report.describe(table), *(one.describe() for one in tries)]))
    if taught:
        print(
            "\nwhat was taught of each kind, by teacher, beside what turned (side by side, no proof):"
        )
        print("\n".join(one.describe() for one in taught))
    if spent is not None:
        print(f"The budget is reached: ${spent:,.4f} of ${budget:,.4f}. A larger --budget goes on.")


def round_(
    project: Project,
    *,
    budget: Annotated[
        float | None,
        typer.Option(
            min=0.0, max=MOST_USD, help="What each round may cost in all, in USD, restarts included"
        ),
    ] = None,
    rounds: Annotated[
        int, typer.Option(min=1, max=100, help="So many, each from the student of the last")
    ] = 1,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Training settings, key=value")
    ] = None,
    samples: Samples = None,
    target: Target = None,
    most_samples: MostSamples = None,
    revise: Revise = None,
    blind: Blind = None,
    review_explanations: ReviewExplanations = None,
    dry_run: Annotated[
        bool, typer.Option(help="Tell what the first would take, do nothing")
    ] = False,
    json_: Json = False,
) -> None:
    """Run whole rounds: exam, committee, policy, dataset, run, evaluation.

    What is asked of the committee beyond once is kept in the project, as with 'run'.
    """
    quality = {"samples": samples, "target": target, "most_samples": most_samples, "revise": revise,
               "blind": blind, "review_explanations": review_explanations}  # fmt: skip
    bench = Workbench(project, read_only=dry_run)
    try:
        if dry_run:
            outlook = round_outlook(bench.bench, settings_of(None, set_), quality=quality)
            tell_round(bench, outlook, rounds=rounds, json_=json_)
            return
        bench.safekeeping.daily()
        drive(
            run_rounds(bench.bench, settings_of(None, set_), rounds=rounds, budget_usd=budget,
                       quality=quality),
            quiet=json_, after=bench.close_clients,
        )  # fmt: skip
        name = pipeline.student_of(bench.bench, student="", run="")
        report = pipeline.evaluation_of(bench.bench, name, split="test")
        lines = comparison.round_lines(bench.store, comparison.run_lines(bench.store))
        bench.safekeeping.daily()
    finally:
        bench.close()
    if json_:
        print_json({**report.as_json(), "rounds": [line.as_json() for line in lines]})
    else:
        print(f"{report.describe(table)}\n\n{comparison.describe_rounds(lines, table)}")


def compare(project: Project, *, json_: Json = False) -> None:
    """Show all runs in one table, and what each round gained and took."""
    bench = Workbench(project, read_only=True)
    try:
        runs = comparison.run_lines(bench.store)
        rounds = comparison.round_lines(bench.store, runs)
    finally:
        bench.close()
    if json_:
        print_json({"runs": [r.as_json() for r in runs], "rounds": [r.as_json() for r in rounds]})
        return
    if not runs:
        print(f"No runs yet: 'mapd-studio train {project}' makes one.")
        return
    told = comparison.interval_in_words
    print(table([(r.run[:8], r.round, r.state, told(r.before), told(r.after), r.fixed, r.broken, r.examples)
                 for r in runs], head=("run", "round", "state", "before", "after", "fixed", "broken", "examples")))  # fmt: skip
    print()
    print(comparison.describe_rounds(rounds, table))


def settings_of(config: Path | None, pairs: list[str] | None) -> dict[str, Any]:
    """Return training settings from a file and ``key=value`` pairs; raises SpecError."""
    values: dict[str, Any] = {} if config is None else _read_config(config)
    settings: dict[str, str] = {}
    for text in pairs or []:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise SpecError(f"--set {text!r} is not of the form key=value")
        if name.strip().partition(".")[0] in _NO_SETTINGS:
            raise SpecError(f"--set {text!r}: {_NO_SETTINGS[name.strip().partition('.')[0]]}")
        settings[name.strip()] = value.strip()
    return with_settings(values, settings)


#: What a run has and no setting names: what to do instead.
_NO_SETTINGS = {
    "student": "the student is named by --student", "method": "the method is named by --method",
    "job": "a run is always a training job",
}  # fmt: skip


def _read_config(path: Path) -> dict[str, Any]:
    if str(path) == "paper" and not path.exists():
        return dict(PAPER_TRAINING)
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise SpecError(
            f"cannot read {path} ({error.strerror}): name a TOML or JSON file"
        ) from None
    except ValueError as error:
        raise SpecError(f"{path} is not valid TOML or JSON: {error}") from None
    if not isinstance(values, dict):
        raise SpecError(f"{path} must hold one table of settings")
    return values
