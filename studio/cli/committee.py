"""Verbs about the committee: teacher add, list, test, remove; run; reviewers."""

from __future__ import annotations

import asyncio
import shlex
from typing import Annotated

import typer

from studio.app.trial import NO_KEY, Finding, ask_once
from studio.app.workbench import Workbench
from studio.cli.afterwards import tell_end
from studio.cli.asked import (
    MOST_USD,
    Blind,
    MostSamples,
    ReviewExplanations,
    Revise,
    Samples,
    Target,
)
from studio.cli.estimates import tell_estimate
from studio.cli.output import drive, print_json, table
from studio.cli.project import Json, Project
from studio.cli.reviewers import reviewers
from studio.domain.errors import SpecError, TeacherError
from studio.domain.records import TeacherRecord
from studio.domain.teacher_values import teacher_of
from studio.flow import pipeline
from studio.flow.leftovers import ledger_end, left_undone
from studio.flow.stage import Scope
from studio.store.tables import Store

_ADD = "'mapd-studio teacher add {} NAME --model M --base-url URL' adds one"
Name = Annotated[str, typer.Argument(help="The teacher's name", show_default=False)]


def register(app: typer.Typer) -> None:
    """Put these verbs on ``app``."""
    teacher = typer.Typer(help="The committee: add, list, test and remove teachers.")
    teacher.command("add")(add)
    teacher.command("list")(list_)
    teacher.command("test")(try_out)
    teacher.command("remove")(remove)
    app.add_typer(teacher, name="teacher")
    app.command("run")(run)
    app.command("reviewers", short_help="Show how far each reviewer can be trusted.")(reviewers)


def add(
    project: Project,
    name: Name,
    *,
    model: Annotated[str, typer.Option(help="The model's name at the endpoint")],
    base_url: Annotated[str, typer.Option(help="e.g. http://localhost:11434/v1")],
    api_key_env: Annotated[
        str | None, typer.Option(help="Environment variable that holds the key")
    ] = None,
    concurrency: Annotated[int | None, typer.Option(help="Requests at once; else 8")] = None,
    price_in: Annotated[float | None, typer.Option(help="USD per million prompt tokens")] = None,
    price_out: Annotated[float | None, typer.Option(help="USD per million reply tokens")] = None,
    adaptive: Annotated[
        bool | None,
        typer.Option(help="Find out how many requests at once it bears, up to --concurrency"),
    ] = None,
    requests_per_minute: Annotated[int | None, typer.Option(help="Requests a minute")] = None,
    tokens_per_minute: Annotated[
        int | None, typer.Option(help="Tokens a minute, both ways")
    ] = None,
    samples: Annotated[int | None, typer.Option(help="Rationales of one question; else 1")] = None,
    max_tokens: Annotated[
        int | None, typer.Option(help="Longest reply; else 512. Models that think need thousands")
    ] = None,
    temperature: Annotated[float | None, typer.Option(help="0 to 2; else 0.8")] = None,
    batch: Annotated[
        bool | None,
        typer.Option(help="By the endpoint's batch interface: cheaper, within a day"),
    ] = None,
    batch_price: Annotated[
        float | None, typer.Option(help="Which part of the prices a batch is sold for; else 0.5")
    ] = None,
    timeout: Annotated[float | None, typer.Option(help="Seconds for one call; else 120")] = None,
    json_: Json = False,
) -> None:
    """Add a teacher, or change the one of that name: what is not given stays as it was."""
    given = {
        "name": name, "model": model, "base_url": base_url, "api_key_env": api_key_env,
        "concurrency": concurrency, "price_in": price_in, "price_out": price_out,
        "adaptive": adaptive, "requests_per_minute": requests_per_minute,
        "tokens_per_minute": tokens_per_minute, "samples": samples, "max_tokens": max_tokens,
        "temperature": temperature, "timeout_s": timeout, "batch": batch, "batch_price": batch_price, "active": True,
    }  # fmt: skip
    values = {field: value for field, value in given.items() if value is not None}
    bench = Workbench(project)
    try:
        known = {one.name: one for one in bench.store.teachers(active=False)}
        record = teacher_of(values, before=known.get(name.strip()))
        bench.store.put(record)
        bench.keys.allow(record)  # who types both the variable and the address means it
    finally:
        bench.close()
    if json_:
        print_json(record.model_dump(mode="json"))
        return
    print(
        f"{record.name} is {record.model} at {record.base_url}. "
        f"Next: mapd-studio teacher test {project} {shlex.quote(record.name)}"
    )


def list_(project: Project, *, json_: Json = False) -> None:
    """List the teachers."""
    store = Store(project, read_only=True)
    try:
        teachers = store.teachers(active=False)
    finally:
        store.close()
    if json_:
        print_json({"teachers": [teacher.model_dump(mode="json") for teacher in teachers]})
        return
    if not teachers:
        print(f"No teacher yet: {_ADD.format(project)}.")
        return
    rows = [
        (t.name, t.model, t.base_url, t.concurrency, t.price_in, t.price_out, _state(t))
        for t in teachers
    ]
    print(table(rows, head=("name", "model", "address", "at once", "$ in", "$ out", "state")))


def try_out(
    project: Project,
    name: Annotated[str, typer.Argument(help="One teacher; else all")] = "",
    *,
    allow_key: Annotated[
        bool, typer.Option(help="Let the key in its variable go to its address, from now on")
    ] = False,
    json_: Json = False,
) -> None:
    """Ask a teacher one small question and show what came back."""
    bench = Workbench(project)
    try:
        chosen = [t for t in bench.store.teachers() if not name or t.name == name]
        if not chosen and not name:
            raise SpecError(f"no teacher is asked yet: {_ADD.format(project)}")
        if not chosen:
            raise SpecError(f"there is no teacher {name!r}: see mapd-studio teacher list {project}")
        if allow_key and not name:
            raise SpecError("--allow-key wants the name of one teacher")
        for teacher in chosen if allow_key else ():
            bench.keys.allow(teacher)
        findings = asyncio.run(_ask(bench, chosen))
    finally:
        bench.close()
    if json_:
        print_json({"teachers": [one._asdict() for one in findings]})
    else:
        print(table(
            [(*one[:4], one.text[:60]) for one in findings],
            head=("teacher", "outcome", "served model", "tokens", "reply"),
        ))  # fmt: skip
    if bad := [one for one in findings if not one.is_fine]:
        raise TeacherError(bad[0].in_words)


def remove(project: Project, name: Name, *, json_: Json = False) -> None:
    """Ask this teacher nothing more; what it wrote stays."""
    bench = Workbench(project)
    try:
        known = [t for t in bench.store.teachers(active=False) if t.name == name]
        if not known:
            raise SpecError(f"there is no teacher {name!r}: see mapd-studio teacher list {project}")
        bench.store.put(known[0].changed(active=False))
    finally:
        bench.close()
    if json_:
        print_json({"name": name, "active": False})
        return
    print(f"{name} is asked nothing more; what it wrote stays.")


def run(
    project: Project,
    stages: Annotated[
        list[str] | None,
        typer.Argument(help="attempt, grade, explain, solve, review, decide; none: all missing"),
    ] = None,
    *,
    student: Annotated[str, typer.Option(help="Folder, hub id, URL#MODEL or known name")] = "",
    round_: Annotated[int | None, typer.Option("--round", min=0, help="Only this round")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="New records a stage at most; grading takes all")
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            min=0.0, max=MOST_USD, help="What this work may cost in all, in USD, restarts included"
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Tell what would be done, do nothing")] = False,
    samples: Samples = None,
    target: Target = None,
    most_samples: MostSamples = None,
    revise: Revise = None,
    blind: Blind = None,
    review_explanations: ReviewExplanations = None,
    json_: Json = False,
) -> None:
    """Run the stages that have something to do.

    What is asked for beyond once (--samples, --target, --revise, --blind, --review-explanations) is
    kept in the project for the next run, for 'round' and for the window.
    """
    quality = {"samples": samples, "target": target, "most_samples": most_samples, "revise": revise,
               "blind": blind, "review_explanations": review_explanations}  # fmt: skip
    bench = Workbench(project, read_only=dry_run)
    try:
        plan = pipeline.plan(bench.bench, stages or (), student=student,
                             scope=Scope(student=None, round=round_, limit=limit), **quality)  # fmt: skip
        if dry_run:
            tell_estimate(bench, plan, json_=json_)
            return
        pipeline.keep_quality(bench.store, quality)
        since = ledger_end(bench.store)
        bench.safekeeping.daily()
        drive(pipeline.run_stages(bench.bench, plan, budget_usd=budget), quiet=json_,
              after=bench.close_clients)  # fmt: skip
        left = left_undone(bench.store, since=since, budget_usd=budget)
        tell_end(bench.store, project, left, json_=json_)
        bench.safekeeping.daily()
    finally:
        bench.close()


def _state(teacher: TeacherRecord) -> str:
    if not teacher.active:
        return "not asked"
    return "scripted" if teacher.scripted else "by batches" if teacher.batch else "active"


async def _found(bench: Workbench, record: TeacherRecord) -> Finding:
    """Ask one teacher; one without a key keeps nobody from asking the others."""
    try:
        return await ask_once(bench.opener, record)
    except TeacherError as error:
        return Finding(record.name, NO_KEY, "", "–", str(error))


async def _ask(bench: Workbench, teachers: list[TeacherRecord]) -> list[Finding]:
    try:
        return [await _found(bench, record) for record in teachers]
    finally:
        await bench.opener.aclose()
