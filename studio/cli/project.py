"""Verbs about a project as a whole: open, demo, new, import, status, doctor."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from studio.app.workbench import Workbench
from studio.cli.output import drive, named, print_json, table
from studio.domain.errors import SpecError
from studio.domain.percent import percent
from studio.domain.records import Split
from studio.flow.status import status as project_status
from studio.store.tables import Store

Project = Annotated[Path, typer.Argument(help="Project folder", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else")]
_FORMATS = (
    "gsm8k", "svamp", "strategyqa", "logiqa", "committee", "gsm8k-solutions", "jsonl", "csv",
    "parquet",
)  # fmt: skip
_SIDES = (100, 10_000)  #: pixels of a window; a picture of more does not fit into memory
PAGES = ("overview", "data", "committee", "desk", "train", "evaluate", "export", "settings")


def register(app: typer.Typer) -> None:
    """Put these verbs on ``app``."""
    app.command("open")(open_window)
    app.command("demo", short_help="Make the sample project and open it, or run it (--headless).")(
        demo
    )
    app.command("new")(new)
    app.command("import", short_help="Import questions, and the answers and reviews of a file.")(
        import_files
    )
    app.command("status")(status)
    app.command("doctor", short_help="Tell what this machine has and lacks, with each remedy.")(
        doctor
    )


def open_window(
    project: Annotated[Path | None, typer.Argument(help="Project folder")] = None,
    *,
    page: Annotated[str, typer.Option(help="Page to show first: " + ", ".join(PAGES))] = "",
    theme: Annotated[str, typer.Option(help="light, dark or system")] = "system",
    size: Annotated[str, typer.Option(help="Window size, e.g. 1280x800")] = "",
    screenshot: Annotated[
        Path | None, typer.Option(help="Draw the page, save it there as PNG, and quit")
    ] = None,
) -> int:
    """Open the window (start page, or that project)."""
    if page and page not in PAGES:
        raise SpecError(f"there is no page {page!r}: choose one of {', '.join(PAGES)}")
    if theme not in ("light", "dark", "system"):
        raise SpecError(f"there is no theme {theme!r}: choose light, dark or system")
    run = _window()
    return int(
        run(project, page=page or None, theme=theme, size=_size(size), screenshot=screenshot)
    )


def demo(
    folder: Annotated[Path, typer.Argument(help="Where to make it")] = Path("sample-project"),
    *,
    headless: Annotated[bool, typer.Option(help="Run the whole loop in the terminal")] = False,
) -> int:
    """Make the sample project and open it; --headless runs the whole loop in the terminal."""
    from studio.app.demo import make_demo, run_demo

    if not headless:
        run = _window()
        if not (folder / "studio.db").is_file():
            make_demo(folder)
        return int(run(folder, page=None, theme="system", size=None, screenshot=None))
    if not (folder / "studio.db").is_file():
        make_demo(folder)
    print(run_demo(folder, drive))
    return 0


def new(project: Project, *, json_: Json = False) -> None:
    """Make a new, empty project."""
    Workbench.create(project).close()
    if json_:
        print_json({"project": str(project)})
    else:
        print(f"Made {project}. Next: mapd-studio import {shlex.quote(str(project))} FILE...")


def import_files(
    project: Project,
    files: Annotated[list[Path], typer.Argument(help="One or more files", show_default=False)],
    *,
    format_: Annotated[str, typer.Option("--format", help=f"auto, {', '.join(_FORMATS)}")] = "auto",
    split_: Annotated[
        str, typer.Option("--split", help="train or test; else as the file says")
    ] = "",
    map_: Annotated[
        list[str] | None, typer.Option("--map", help="field=COLUMN, e.g. question=prompt")
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option(help="Leave bad rows out, list them in a file beside")
    ] = False,
    json_: Json = False,
) -> None:
    """Import questions (and attempts, rationales and reviews where a file carries them)."""
    from studio.flow.questions import import_files as take

    if split_ not in ("", "train", "test"):
        raise SpecError(f"there is no split {split_!r}: choose train or test")
    split: Split | None = None if not split_ else "train" if split_ == "train" else "test"
    columns = dict(_pair(text) for text in map_ or [])
    bench = Workbench(project)
    try:
        bench.safekeeping.before_much()
        report = take(
            bench.store, files, format=format_, split=split, columns=columns,
            skip_bad=skip_bad,
        )  # fmt: skip
    finally:
        bench.close()
    if json_:
        print_json(report.as_json())
    else:
        print(report.describe())


def status(project: Project, *, json_: Json = False) -> None:
    """Tell where the project stands."""
    store = Store(project, read_only=True)
    try:
        counts = project_status(store)
    finally:
        store.close()
    if json_:
        print_json(counts)
    else:
        print(_in_words(counts))


def doctor(*, json_: Json = False) -> None:
    """Tell what this machine has and lacks; each lack with its remedy."""
    from studio.app.doctor import examine

    findings = examine()
    if json_:
        print_json({"findings": [finding._asdict() for finding in findings]})
        return
    signs = {"ok": "✓", "lack": "✗", "note": "·"}
    for finding in findings:
        print(f"{signs[finding.state]} {finding.name:<22} {finding.found}")
        if finding.state == "lack" and finding.remedy:
            print(f"  → {finding.remedy}")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise SpecError(f"{text!r} is not of the form name=value")
    return name, value


def _size(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    width, _, height = text.lower().partition("x")
    sides = [int(side) for side in (width, height) if side.isdecimal()]
    if len(sides) != 2 or not all(_SIDES[0] <= side <= _SIDES[1] for side in sides):
        raise SpecError(
            f"{text!r} is not a size: write it as 1280x800, each side from {_SIDES[0]} to {_SIDES[1]}"
        )
    return sides[0], sides[1]


def _window() -> Any:
    """Return the window's entry point; the command line itself needs no Qt."""
    try:
        run = import_module("studio.ui.main").run
    except ImportError as error:
        raise SpecError(
            f"the window cannot start ({error}): run 'pip install mapd-studio[gui]', "
            "and 'mapd-studio doctor' for system libraries"
        ) from None
    return run


def _in_words(counts: dict[str, Any]) -> str:
    lines = [named(_facts(counts))]
    if counts["students"]:
        students = [(name, one["attempts"], one["correct"], _share(one["accuracy"]))
                    for name, one in counts["students"].items()]  # fmt: skip
        lines += ["", table(students, head=("student", "attempts", "correct", "accuracy"))]
    if counts["runs"]:
        runs = [
            (r["id"], r["method"], r["state"], f"{r['step']:,}/{r['steps']:,}", r["loss"],
             _share(r["accuracy"]))
            for r in counts["runs"]
        ]  # fmt: skip
        lines += ["", table(runs, head=("run", "method", "state", "step", "loss", "accuracy"))]
    return "\n".join(lines)


def _facts(counts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each count of the project with its name."""
    questions, reviews, decided = counts["questions"], counts["reviews"], counts["decisions"]
    yield "questions", f"{questions['train']:,} train · {questions['test']:,} held out"
    grades = dict(counts["grades"])
    doubtful = grades.pop("doubtful")
    told = " · ".join(f"{n:,} {name}" for name, n in grades.items())
    ungraded = counts["attempts"] - sum(grades.values())
    rest = f" · {ungraded:,} not graded yet" if ungraded else ""
    yield "attempts", f"{counts['attempts']:,}: {told} · {doubtful:,} doubtful{rest}"
    if older := counts["graded_by_older_rules"]:
        yield "older rules", (f"{older:,} answers were graded by them only: 'mapd-studio run PROJECT grade decide'"
                              " grades them anew, and changes nothing decided by hand")  # fmt: skip
    yield "explanations", f"{counts['explanations']:,}"
    yield "rationales", f"{counts['rationales']:,}"
    yield "reviews", f"{reviews['valid']:,} valid · {reviews['missing']:,} missing"
    by_hand = f"{decided['overridden']:,} by hand"
    yield "decisions", (f"{decided['accepted']:,} accepted · {decided['rejected']:,} rejected · {by_hand}"
                        f" · {counts['questions_covered']:,} questions covered")  # fmt: skip
    calls = counts["calls"]
    if not calls["done"] and not calls["failed"]:
        yield "calls", "none made here"
        return
    cost = "price unknown" if calls["cost_usd"] is None else f"${calls['cost_usd']:,.4f}"
    yield "calls", (f"{calls['done']:,} done · {calls['failed']:,} failed · {calls['tokens_in']:,} "
                    f"tokens in · {calls['tokens_out']:,} out · {cost}")  # fmt: skip


def _share(value: float | None) -> str | None:
    return None if value is None else percent(value)
