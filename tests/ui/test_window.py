"""The window as a whole: it opens fast and clean, says what goes wrong, and closes behind itself."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from studio.domain.errors import ProjectError, TeacherError
from studio.domain.records import Override, Question, TeacherRecord
from studio.flow.stage import Progress
from studio.store.tables import Store
from studio.ui import main
from studio.ui.import_form import ImportForm
from studio.ui.main_window import MainWindow
from studio.ui.pages.overview import OverviewPage
from studio.ui.pages.start import StartPage
from studio.ui.recent import remember_project, remembered_projects
from studio.ui.stations import STATIONS
from studio.ui.studio import Studio
from studio.ui.teacher_form import TeacherForm
from studio.ui.theme import Wish, apply_theme
from tests.ui.conftest import Open

IMPORTED = """
import sys
from pathlib import Path
from studio.ui import main
from studio.ui.import_form import ImportForm
app = main.make_application()
studio = main.Studio(app, "light", (1280, 800))
studio.open_project(Path(sys.argv[1]), "overview")
app.processEvents()
print([name for name in ("torch", "transformers", "openai", "pyqtgraph", "sqlite_utils", "keyring")
       if name in sys.modules])
studio.window.close()
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", STATIONS)
def test_every_page_opens_on_nothing_and_on_something(
    open_window: Open, empty: Path, project: Path, name: str, theme: Wish, qapp: QApplication,
    qtbot: QtBot,
) -> None:  # fmt: skip
    apply_theme(qapp, theme)
    for folder in (empty, project):
        window = open_window(folder)
        page = window.show_page(name)
        qtbot.waitUntil(lambda page=page: page.reading.is_idle)
        assert not page.grab().isNull()


def test_pages_are_built_when_they_are_first_shown(open_window: Open, project: Path) -> None:
    window = open_window(project)
    window.show_page("overview")
    assert list(window._pages) == ["overview"]
    first = window.show_page("desk")
    assert window.show_page("desk") is first


def test_what_is_slow_to_import_is_not_there_at_first_paint(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, str(project)], capture_output=True, text=True, timeout=60,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"}, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


def test_every_control_says_what_it_does(open_window: Open, project: Path) -> None:
    window = open_window(project)
    for name in STATIONS:
        for control in window.show_page(name).findChildren(QPushButton):
            assert control.toolTip(), f"{name}: {control.text()}"
            assert control.accessibleName() or control.text() or not control.isEnabled()


def test_labels_show_plain_text_only(open_window: Open, project: Path) -> None:
    window = open_window(project)
    for name in STATIONS:
        for label in window.show_page(name).findChildren(QLabel):
            assert label.textFormat() is Qt.TextFormat.PlainText, label.text()


def test_a_page_that_was_hidden_hears_of_changes_when_it_is_shown(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    window = open_window(project)
    overview = window.show_page("overview")
    assert isinstance(overview, OverviewPage)
    qtbot.waitUntil(lambda: overview._queues["disagree"]._number.text() == "2")
    window.show_page("settings")
    workbench = window.workbench
    more = Question(text="one more", gold="1")
    workbench._write({"questions"}, lambda: workbench.store.add([more]))
    qtbot.waitUntil(lambda: "overview" in window._changed)
    window.show_page("overview")
    qtbot.waitUntil(lambda: overview._funnel._stations[0].number == "5")


def test_dropped_files_are_imported(
    open_window: Open, empty: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    rows = tmp_path / "few.jsonl"
    rows.write_text(json.dumps({"question": "What is 1 and 1?", "answer": "2"}), encoding="utf-8")
    window = open_window(empty)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(rows))])
    none = Qt.KeyboardModifier.NoModifier
    window.dropEvent(
        QDropEvent(QPointF(), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, none)
    )
    (form,) = window.findChildren(ImportForm)
    qtbot.waitUntil(form._go.isEnabled)
    assert (
        window.workbench.reader.count(Question) == 0
    )  # nothing is taken before a word of the person
    form._go.click()
    qtbot.waitUntil(lambda: window.workbench.reader.count(Question) == 1)
    qtbot.waitUntil(lambda: window.jobs.text.startswith("✓ Import · 1 new question in"))


def test_a_bad_file_is_one_line_and_nothing_is_lost(
    open_window: Open, project: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"question": "x"', encoding="utf-8")
    window = open_window(project)
    window.workbench.import_files([bad])
    qtbot.waitUntil(lambda: window.jobs.text.startswith("✗"))
    assert "bad.jsonl" in window.jobs.text
    assert window.workbench.reader.count(Question) == 4


async def _endless() -> AsyncIterator[Progress]:
    for done in range(1_000_000):
        yield Progress("solve", done, 1_000_000, failed=2, cost_usd=0.01)
        await asyncio.sleep(0.01)


def test_running_work_is_shown_and_can_be_cancelled(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    window = open_window(project)
    background = window.workbench.background
    task = background.submit("Run what is missing", _endless)
    qtbot.waitUntil(lambda: task in window.jobs._lines)
    shown = window.jobs._lines[task]
    qtbot.waitUntil(lambda: "/s" in shown._numbers.text(), timeout=3_000)
    assert "rationales" in shown._numbers.text()
    assert "2 failed · $0.0100" in shown._numbers.text()
    shown._button.click()
    qtbot.waitUntil(lambda: background.tasks == [] and not window.jobs._lines)
    qtbot.waitUntil(lambda: "what was made is kept" in window.jobs.text)


def test_closing_with_work_running_asks_first(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    window = open_window(project)
    window.workbench.background.submit("Train", _endless)
    window.close()
    assert window.isVisible()
    (box,) = window.findChildren(QMessageBox)
    assert "1 task would be stopped: Train" in box.text()
    next(b for b in box.buttons() if b.text() == "Stop and close").click()
    qtbot.waitUntil(lambda: not window.isVisible())


async def _fails() -> AsyncIterator[Progress]:
    yield Progress("solve", 1, 2)
    raise TeacherError("gpt wants a key: set OPENAI_API_KEY")


async def _is_a_bug() -> AsyncIterator[Progress]:
    yield Progress("solve", 1, 2)
    raise KeyError("lost")


def test_a_failed_task_is_one_line_and_a_bug_has_details(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    window = open_window(project)
    window.workbench.background.submit("Run", _fails)
    qtbot.waitUntil(lambda: window.jobs.text == "✗ gpt wants a key: set OPENAI_API_KEY")
    assert not window.jobs._more.isVisible()
    window.workbench.background.submit("Run", _is_a_bug)
    qtbot.waitUntil(lambda: "KeyError" in window.jobs.text)
    assert window.jobs._more.isVisible()


def test_a_teacher_is_added_and_a_wrong_one_refused(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    window = open_window(project)
    page = window.show_page("committee")
    page._on_add()  # type: ignore[attr-defined]
    (form,) = page.findChildren(TeacherForm)
    for name, text in (("name", "local"), ("model", "llama"), ("base_url", "localhost")):
        form._fields[name].setText(text)
    form._on_save()
    assert "http://" in form._problem.text()
    form._fields["base_url"].setText("http://localhost:11434/v1/")
    form._fields["concurrency"].setText("many")
    form._on_save()
    assert form._problem.text().startswith("concurrency")
    form._fields["concurrency"].setText("4")
    form._on_save()
    qtbot.waitUntil(lambda: len(window.workbench.reader.teachers()) == 1)
    (made,) = window.workbench.reader.teachers()
    assert made == TeacherRecord(
        name="local", model="llama", base_url="http://localhost:11434/v1", concurrency=4
    )


def test_scripted_teachers_are_called_so(open_window: Open, project: Path, qtbot: QtBot) -> None:
    store = Store(project)
    store.put(
        TeacherRecord(name="careful", model="careful", base_url="scripted:demo", scripted=True)
    )
    store.close()
    window = open_window(project)
    overview = window.show_page("overview")
    assert isinstance(overview, OverviewPage)
    qtbot.waitUntil(overview._scripted.isVisible)
    assert overview._scripted.text() == "scripted committee"


def test_a_project_that_cannot_be_opened_is_one_clear_line(
    qapp: QApplication, tmp_path: Path, project: Path, qtbot: QtBot
) -> None:
    with pytest.raises(ProjectError, match="is not a project"):
        main.run(tmp_path / "nowhere")
    studio = Studio(qapp, "light", (1280, 800))
    start = studio.show_start()
    qtbot.addWidget(start)
    store = Store(project)  # somebody else has it open
    start.open_requested.emit(project)
    store.close()
    assert "is in use by" in start._problem.text()
    start.open_requested.emit(project)
    assert isinstance(studio.window, MainWindow)
    studio.window.close()
    assert studio._open == []


def _entries(page: StartPage) -> list[QPushButton]:
    return [made for made in page.findChildren(QPushButton) if made.property("role") == "row"]


def test_recent_projects_are_remembered_the_newest_first(
    project: Path, empty: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    for folder in (project, empty, tmp_path / "gone", project):
        remember_project(folder)
    assert remembered_projects() == [project, tmp_path / "gone", empty]
    page = StartPage()
    qtbot.addWidget(page)
    with qtbot.waitSignal(page.open_requested) as opened:
        _entries(page)[2].click()
    assert opened.args == [empty]


def test_a_screenshot_is_written_and_the_window_closed(project: Path, tmp_path: Path) -> None:
    """In a process of its own: one that was told to quit runs no event loop for the next test."""
    picture = tmp_path / "shots" / "desk.png"
    done = subprocess.run(
        [sys.executable, "-m", "studio", "open", str(project), "--page", "desk", "--theme", "dark",
         "--size", "1280x800", "--screenshot", str(picture)], timeout=120,
    )  # fmt: skip
    assert done.returncode == 0
    assert picture.stat().st_size > 20_000
    Store(project).close()  # the lock is free again


KILLED = """
import os, signal, sys
from pathlib import Path
from PySide6.QtCore import QTimer
from studio.ui import main
from studio.ui.import_form import ImportForm
app = main.make_application()
studio = main.Studio(app, "light", (1280, 800))
window = studio.open_project(Path(sys.argv[1]), "desk")
desk = window.show_page("desk")
def decide():
    if desk.case_view.chosen:
        timer.stop()
        stored = window.workbench.override([desk.case_view.chosen], "reject")
        stored.add_done_callback(lambda _: os.kill(os.getpid(), signal.SIGKILL))
timer = QTimer()
timer.timeout.connect(decide)
timer.start(20)
app.exec()
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no kill -9")
def test_a_killed_window_has_lost_nothing(open_window: Open, project: Path, qtbot: QtBot) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(project)], capture_output=True, timeout=60, check=False,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    assert done.returncode == -9, done.stderr.decode()
    window = open_window(project)
    assert window.workbench.reader.count(Override) == 1
    window.undo()
    qtbot.waitUntil(lambda: window.workbench.reader.count(Override) == 0)


CALLS = """
import studio.ui
from PySide6.QtCore import QObject, Signal
class Source(QObject):
    made = Signal(int)
source, heard = Source(), []
source.made.connect(heard.append)
for n in range(200_000):
    source.setObjectName("x")
    source.parent() == source.thread()
    source.made.emit(n)
print(len(heard))
"""


def test_a_window_outlives_any_number_of_calls_into_qt() -> None:
    """On Python 3.11, PySide6 6.12.0 alone ends the process after some ten thousand."""
    done = subprocess.run([sys.executable, "-c", CALLS], capture_output=True, text=True,
                          timeout=60, check=True)  # fmt: skip
    assert done.stdout.strip() == "200000"
