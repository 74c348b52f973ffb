"""The journey through the window: run what is missing, decide, undo, train, export; all of it real."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from studio.domain.policy import PRESETS
from studio.domain.records import (
    Attempt,
    Override,
    Question,
    Rationale,
    StudentRecord,
    TeacherRecord,
)
from studio.prompts import resources
from studio.store.tables import Store
from studio.ui.main_window import MainWindow
from studio.ui.pages.evaluation import EvaluationPage
from studio.ui.pages.export import ExportPage
from studio.ui.pages.overview import OverviewPage
from studio.ui.pages.training import TrainingPage
from studio.ui.run_dialog import RunDialog
from studio.ui.sheet import Sheet
from tests.curated import add_case
from tests.ui.conftest import Open, desk_of

DEMO = resources() / "demo"
LONG_MS = 120_000  #: an exam and a training run load torch in a process of their own
SETTINGS = {"max_steps": 2, "epochs": 1, "lr": 0.002, "max_tokens": 256, "warmup": 0,
            "data": {"val_share": 0, "replay": 0}}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A few questions of weak kinds, the sample student, and the scripted committee."""
    if find_spec("torch") is None:
        pytest.skip("the student needs the extra 'train'")
    folder = tmp_path / "journey"
    store = Store.create(folder)
    shutil.copytree(DEMO / "student", folder / "student")
    text = (DEMO / "questions.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    with store.transaction():
        for split, n in (("train", 6), ("test", 4)):
            some = [row for row in rows if row["split"] == split and row["kind"] == "two-step"][:n]
            store.add(Question(text=row["question"], gold=row["answer"], split=split, kind=row["kind"])  # type: ignore[arg-type]
                      for row in some)  # fmt: skip
        store.put(StudentRecord(name="sample", location=str(folder / "student"), prompts="bare"))
        for name in ("careful", "lenient", "one-kind-off"):
            store.put(TeacherRecord(name=name, model=name, base_url="scripted:demo", scripted=True))
        store.set_setting("student", "sample")
        store.set_setting("training", SETTINGS)
        store.set_setting("exam", {"temperature": 0.0, "max_new_tokens": 96})
        store.add_policy(PRESETS["studio"])
    store.close()
    return folder


def run_what_is_missing(window: MainWindow, qtbot: QtBot) -> None:
    overview = window.show_page("overview")
    assert isinstance(overview, OverviewPage)
    qtbot.waitUntil(overview._run.isEnabled)
    overview._run.click()
    (dialog,) = overview.findChildren(RunDialog)
    sheet = dialog.findChildren(Sheet)[0].sheet
    assert [sheet.index(0, n).data() for n in (0, 1)] == ["exam", "6"]
    dialog.run.click()
    idle(window, qtbot)
    assert window.jobs.text.startswith("✓ Run what is missing")
    qtbot.waitUntil(
        lambda: overview._what.text().startswith("Nothing: every stage has done its work.")
    )
    assert not overview._run.isEnabled()


def idle(window: MainWindow, qtbot: QtBot) -> None:
    """Wait until the task that was begun has ended, and the window has heard of it."""
    qtbot.waitUntil(
        lambda: not window.workbench.background.tasks and not window.bridge.seen, timeout=LONG_MS
    )


def test_from_questions_to_a_tuned_student(open_window: Open, project: Path, qtbot: QtBot) -> None:
    window = open_window(project)
    run_what_is_missing(window, qtbot)
    store = window.workbench.reader
    mistakes = store.value("SELECT count(*) FROM mistakes")
    assert store.count(Attempt) == 6
    assert store.count(Rationale) == 3 * mistakes > 0

    desk = desk_of(window, qtbot)
    qtbot.keyClick(desk.questions, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: store.count(Override) == 1)
    qtbot.keyClick(desk.questions, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: store.count(Override) == 0)

    train = window.show_page("train")
    assert isinstance(train, TrainingPage)
    train._start.click()
    assert not train._problem.text()
    idle(window, qtbot)
    assert "✓ Train" in window.jobs.text
    qtbot.waitUntil(lambda: train._curves.points.curve("loss")[0] == [1, 2])
    assert {"loss_explanation", "loss_rationale"} <= set(train._curves.points.of)
    runs = train._table.sheet
    qtbot.waitUntil(lambda: runs.data(runs.index(0, 3)) == "✓ finished")

    evaluation = window.show_page("evaluate")
    assert isinstance(evaluation, EvaluationPage)
    qtbot.waitUntil(evaluation._measure.isEnabled)
    evaluation._measure.click()
    idle(window, qtbot)
    qtbot.waitUntil(lambda: evaluation._stack.currentIndex() == 1)
    assert "of 4 held-out questions right" in evaluation._summary.text()

    export = window.show_page("export")
    assert isinstance(export, ExportPage)
    qtbot.waitUntil(lambda: "overrides" in export._contents.text())
    export._on_export()
    idle(window, qtbot)
    assert "✓ Export" in window.jobs.text
    assert (project / "exports" / "messages" / "README.md").is_file()


def test_a_run_is_stopped_keeps_what_it_learned_and_goes_on(
    open_window: Open, tmp_path: Path, qtbot: QtBot
) -> None:
    if find_spec("torch") is None:
        pytest.skip("the student needs the extra 'train'")
    store = Store.create(tmp_path / "p")
    for n in range(4):
        add_case(store, f"How many are {n} and 4?")
    store.put(StudentRecord(name="small", location=str(DEMO / "student"), prompts="bare"))
    store.set_setting("student", "small")
    store.set_setting("training", {**SETTINGS, "max_steps": 300, "epochs": 99, "batch_examples": 1})
    store.close()
    window = open_window(tmp_path / "p")
    train = window.show_page("train")
    assert isinstance(train, TrainingPage)

    def state() -> tuple[str, int]:
        run = train._runs.current
        return ("", 0) if run is None else (run["state"], run["step"])

    train._start.click()
    qtbot.waitUntil(lambda: state()[0] == "running" and state()[1] > 0, timeout=LONG_MS)
    assert train._stop.isEnabled()
    assert not train._resume.isEnabled()
    train._stop.click()
    qtbot.waitUntil(lambda: state()[0] == "stopped", timeout=LONG_MS)
    stopped = state()[1]
    assert 0 < stopped < 300
    reader = window.workbench.reader
    kept = [one.name for one in reader.all(StudentRecord) if one.round == 1]
    assert len(kept) == 1
    idle(window, qtbot)
    qtbot.waitUntil(train._resume.isEnabled)
    train._resume.click()
    idle(window, qtbot)
    qtbot.waitUntil(lambda: state() == ("finished", 300))
    assert [one.name for one in reader.all(StudentRecord) if one.round == 1] == kept
