"""A window killed with -9 in the middle of a stage, or of a training run, finds its work again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from studio.app.workbench import Workbench
from studio.domain.policy import PRESETS
from studio.domain.records import Grade, Rationale, Review, StudentRecord, Verdict
from studio.flow import pipeline
from studio.flow.decisions import apply_policy
from studio.prompts import resources
from studio.store.tables import Store
from studio.ui.pages.training import TrainingPage
from tests.fakes import FaultyEndpoint, add_mistakes, teacher
from tests.ui.conftest import Open

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there is no kill -9")

#: Opens the window on a project and begins what the second argument says; it is killed meanwhile.
WINDOW = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from studio.flow import pipeline
from studio.ui import main
app = main.make_application()
window = main.Studio(app, "light", (1280, 800)).open_project(Path(sys.argv[1]), "overview")
bench = window.workbench
def begin():
    if sys.argv[2] == "train":
        bench.train("sample", bench.store.setting("training"))
    else:
        bench.run_flow(pipeline.plan(bench.bench, ("explain", "solve", "review")))
QTimer.singleShot(0, begin)
app.exec()
"""


def killed_when(project: Path, work: str, happened: Callable[[], bool]) -> None:
    """Let a window do ``work`` on a project and kill it as soon as something has happened."""
    window = subprocess.Popen(
        [sys.executable, "-c", WINDOW, str(project), work], stderr=subprocess.PIPE,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    deadline = time.monotonic() + 90
    try:
        while not happened():
            assert window.poll() is None, window.communicate()[1].decode()
            assert time.monotonic() < deadline, f"the window did not get as far as to {work}"
            time.sleep(0.02)
    finally:
        window.send_signal(signal.SIGKILL)
        window.communicate()


def idle(bench: Workbench) -> bool:
    return not bench.background.tasks


def test_in_the_middle_of_a_stage(open_window: Open, tmp_path: Path, qtbot: QtBot) -> None:
    served = FaultyEndpoint(answer, latency_s=0.05)
    store = Store.create(tmp_path / "project")
    for name in ("a", "b", "c"):
        store.put(teacher(name, served.url, concurrency=2))
    add_mistakes(store, 10)
    store.close()
    try:
        killed_when(tmp_path / "project", "run", lambda: sum(served.sold.values()) >= 25)
        window = open_window(tmp_path / "project")
        bench = window.workbench
        assert bench.reader.value("PRAGMA integrity_check") == "ok"
        in_flight = bench.reader.value("SELECT count(*) FROM calls WHERE state = 'unknown'")
        plan = pipeline.plan(bench.bench, ("explain", "solve", "review"))
        assert 0 < sum(estimate.calls for estimate in pipeline.estimate(bench.bench, plan)) < 120
        bench.run_flow(plan)
        qtbot.waitUntil(lambda: idle(bench), timeout=60_000)
        assert (bench.reader.count(Rationale), bench.reader.count(Review)) == (30, 60)
        bought_again = sum(n - 1 for n in served.sold.values() if n > 1)
        assert bought_again <= in_flight <= 6
    finally:
        served.close()


def answer(request: dict[str, object]) -> str:
    """Answer every purpose: a review asks for a score on a line with a mark of its own."""
    messages = f"{request['messages']}"
    mark = messages.find("SCORE_")
    said = messages[mark : messages.find(":", mark)] if mark >= 0 else ""
    return f"{said}: 4" if said else "Add them. Answer: 1"


@pytest.mark.skipif(find_spec("torch") is None, reason="the student needs the extra 'train'")
def test_in_the_middle_of_training(open_window: Open, tmp_path: Path, qtbot: QtBot) -> None:
    project = tmp_path / "project"
    store = Store.create(project)
    shutil.copytree(resources() / "demo" / "student", project / "student")
    store.put(StudentRecord(name="sample", location=str(project / "student"), prompts="bare"))
    for question in add_mistakes(store, 6):
        rationale = Rationale(question_id=question.id, teacher="a", text="Add them.\nAnswer: 1")
        store.add([rationale, Grade(subject_id=rationale.id, subject_kind="rationale", extracted="1",
                                    verdict=Verdict.CORRECT, grader="rules:1")])  # fmt: skip
        store.add([Review(subject_id=rationale.id, reviewer="b", score=5)])
    apply_policy(store, PRESETS["paper"], who="ada")
    store.set_setting("training", {"max_steps": 60, "epochs": 60, "max_tokens": 256, "batch_examples": 2,
                                   "data": {"questions": "accepted", "val_share": 0, "replay": 0}})  # fmt: skip
    store.close()

    def steps() -> int:
        events = list(project.glob("runs/*/events.jsonl"))
        return events[0].read_text(encoding="utf-8").count('"metric"') if events else 0

    killed_when(project, "train", lambda: steps() >= 2)
    window = open_window(project)
    reader = window.workbench.reader
    qtbot.waitUntil(
        lambda: reader.value("SELECT state FROM run_states") == "finished", timeout=90_000
    )
    assert steps() == 60  # it went on by itself: not a step was made twice
    assert reader.value("SELECT count(*) FROM students WHERE run_id <> ''") == 1
    page = window.show_page("train")
    assert isinstance(page, TrainingPage)
    runs = page._table.sheet
    qtbot.waitUntil(lambda: runs.rowCount() == 1 and runs.data(runs.index(0, 3)) == "✓ finished")
