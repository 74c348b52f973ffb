"""The sample project: our own questions, a small student of ours, and a *scripted* committee.

Nothing in it needs a network, a key or a GPU. The committee's answers come from a script served
over local HTTP; wherever its teachers show, they are called scripted.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from studio.app.workbench import Workbench
from studio.domain.errors import ProjectError, StorageError
from studio.domain.percent import percent, percents
from studio.domain.policy import PRESETS
from studio.domain.records import AnswerKind, Question, StudentRecord, TeacherRecord
from studio.flow import pipeline
from studio.flow.evaluation import Evaluation, Part
from studio.flow.stage import Progress
from studio.prompts import resources

STUDENT = "sample-student"
SCRIPTED = {
    "careful": "solves and reviews with care",
    "lenient": "passes wrong work with 4 and 5",
    "one-kind-off": "errs on one kind of question",
}
Drive = Callable[..., Progress | None]  #: as ``cli/output.py`` has it


def make_demo(folder: Path) -> None:
    """Make the sample project in ``folder``; raises ProjectError when the folder is in use."""
    source = resources() / "demo"
    if not (source / "questions.jsonl").is_file():
        raise ProjectError(f"the sample material is missing: expected it in {source}")
    bench = Workbench.create(folder)
    try:
        shutil.copytree(source / "student", bench.project / "student")
        store = bench.store
        with store.transaction():
            store.add(_questions(source / "questions.jsonl"))
            store.put(StudentRecord(name=STUDENT, location="student", prompts="bare"))
            for name in SCRIPTED:
                store.put(_scripted(name))
            store.set_setting("student", STUDENT)
            store.set_setting("training", _training(source))
            store.set_setting("exam", {"temperature": 0.0, "max_new_tokens": 96})
            store.add_policy(PRESETS["studio"])
    except OSError as error:
        raise StorageError(f"cannot make the sample project: {error}") from None
    finally:
        bench.close()


def run_demo(folder: Path, drive: Drive) -> str:
    """Run the whole loop on the sample project; returns the closing table."""
    started = time.monotonic()
    bench = Workbench(folder)
    try:
        plan = pipeline.plan(bench.bench, (), student=STUDENT)
        drive(pipeline.run_stages(bench.bench, plan), after=bench.close_clients)
        tally = _curated(bench)
        drive(pipeline.train(bench.bench, STUDENT, {}))
        tuned = pipeline.student_of(bench.bench, student="", run="")
        drive(pipeline.evaluate_students(bench.bench, tuned, split="test"))
        evaluation = pipeline.evaluation_of(bench.bench, tuned, split="test")
    finally:
        bench.close()
    minutes = (time.monotonic() - started) / 60
    return f"\n{tally}\n\n{_report(evaluation)}\n\nAll in {minutes:.1f} min. Open it: mapd-studio {folder}"


def _curated(bench: Workbench) -> str:
    from studio.flow.decisions import what_if

    _, policy = bench.store.policy()
    tally = what_if(bench.store, policy)
    teachers = ", ".join(f"{name} {n:,}" for name, n in tally.accepted_by_teacher.items())
    return (
        f"Scripted committee (its answers are a script, no model): {tally.accepted:,} of "
        f"{tally.accepted + tally.rejected:,} rationales accepted\n"
        f"({teachers}) by “{policy.describe()}”."
    )


def _report(evaluation: Evaluation) -> str:
    head = f"{'kind':<22}{'n':>5}{'before':>9}{'after':>8}   95 % interval after"
    lines = ["Held-out questions, never trained on:", "", head, "─" * len(head)]
    lines += [_line(part) for part in evaluation.parts]
    lines += ["─" * len(head), _line(evaluation.whole), ""]
    chance = "" if evaluation.p_value is None else f"; McNemar p = {evaluation.p_value:.2g}"
    lines.append(
        f"{len(evaluation.fixed):,} questions fixed, {len(evaluation.broken):,} broken "
        f"(what it forgot){chance}"
    )
    return "\n".join(lines)


def _line(part: Part) -> str:
    before = "–" if part.base is None else percent(part.base.accuracy, 0)
    return (
        f"{part.kind:<22}{part.tuned.n:>5,}{before:>9}{percent(part.tuned.accuracy, 0):>8}"
        f"   {percents(part.tuned.interval, 0)}"
    )


def _questions(path: Path) -> list[Question]:
    rows: list[Mapping[str, Any]] = [
        json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()
    ]
    return [
        Question(
            text=row["question"], gold=row["answer"], answer_kind=AnswerKind.NUMBER,
            split=row["split"], dataset="sample", kind=row["kind"], key=row["key"],
        )
        for row in rows
    ]  # fmt: skip


def _scripted(name: str) -> TeacherRecord:
    return TeacherRecord(name=name, model=name, base_url="scripted:demo", scripted=True,
                         concurrency=16)  # fmt: skip


def _training(source: Path) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads((source / "training.json").read_text(encoding="utf-8"))
    return settings
