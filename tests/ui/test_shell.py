"""The shell around the pages: menus and keys, projects that come and go, the end of long work."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QLabel,
    QMessageBox,
    QPushButton,
    QSplitter,
    QWidget,
)
from pytestqt.qtbot import QtBot

from studio.app.workbench import Workbench
from studio.domain.records import Question, TeacherRecord
from studio.flow.stage import Progress
from studio.store.tables import Store
from studio.ui.command_palette import CommandPalette
from studio.ui.key_editor import KeyEditor
from studio.ui.key_sheet import KeySheet
from studio.ui.main_window import MainWindow
from studio.ui.pages.start import StartPage
from studio.ui.recent import remember_project, remembered_projects
from studio.ui.stations import STATIONS
from studio.ui.studio import Studio
from studio.ui.widgets.gpu_meter import GpuMeter
from studio.ui.widgets.toast import Toast
from studio.ui.window_state import zoom_now
from tests.ui.conftest import Open, desk_of
from tests.ui.controls import controls, missed_by_tab, nameless, unmarked


async def _endless() -> AsyncIterator[Progress]:
    for done in range(1_000_000):
        yield Progress("solve", done, 1_000_000)
        await asyncio.sleep(0.01)


def drop(target: QWidget, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    target.dropEvent(QDropEvent(QPointF(), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
                                Qt.KeyboardModifier.NoModifier))  # fmt: skip


# -- menus and keys ------------------------------------------------------------------------------


def test_the_menu_names_what_undo_would_take_back(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    window = open_window(project)
    menus = window.actions_.menus
    desk = desk_of(window, qtbot)
    qtbot.waitUntil(lambda: menus["undo"].text().startswith("&Undo: policy"))
    qtbot.waitUntil(lambda: bool(desk.case_view.chosen))
    window.workbench.override([desk.case_view.chosen], "reject")
    qtbot.waitUntil(lambda: menus["undo"].text() == "&Undo: 1 rationale rejected by hand")
    assert menus["redo"].text() == "&Redo"
    assert menus["redo"].isEnabled()  # what was just done may not be read yet
    menus["undo"].trigger()
    qtbot.waitUntil(lambda: menus["redo"].text() == "&Redo: 1 rationale rejected by hand")


def test_every_action_has_its_own_keys_and_says_what_it_does(
    open_window: Open, project: Path
) -> None:
    window = open_window(project)
    seen: dict[str, str] = {}
    for menu, name, action in window.actions_.menus.in_order():
        assert action.toolTip(), name
        assert action.text(), name
        assert menu
        for keys in action.shortcuts():
            assert seen.setdefault(keys.toString(), name) == name


def test_a_narrow_window_keeps_its_room_for_the_page(open_window: Open, project: Path) -> None:
    window = open_window(project)
    window.resize(1280, 800)
    assert window._rail.width() == 160
    window.resize(1024, 640)
    assert window._rail.width() == 48
    assert "Desk" in window._rail._buttons["desk"].toolTip()


def test_keys_lead_to_every_page(open_window: Open, project: Path, qtbot: QtBot) -> None:
    window = open_window(project)
    qtbot.keyClick(window, Qt.Key.Key_8, Qt.KeyboardModifier.ControlModifier)
    assert window.page_name == "settings"
    qtbot.keyClick(window, Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    assert window.page_name == "overview"


def test_the_palette_does_what_is_typed(open_window: Open, project: Path, qtbot: QtBot) -> None:
    window = open_window(project)
    window.actions_.menus["palette"].trigger()
    (palette,) = window.findChildren(CommandPalette)
    qtbot.keyClicks(palette._line, "go desk")
    qtbot.keyClick(palette._line, Qt.Key.Key_Return)
    assert window.page_name == "desk"


def test_keys_can_be_changed_but_not_given_twice(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    window = open_window(project)
    menus = window.actions_.menus
    menus["change-keys"].trigger()
    (editor,) = window.findChildren(KeyEditor)
    editor._edits["go-desk"].setKeySequence("Ctrl+J")
    editor._on_edited("go-desk")
    assert [one.toString() for one in menus["go-desk"].shortcuts()] == ["Ctrl+J"]
    editor._edits["go-data"].setKeySequence("Ctrl+J")
    editor._on_edited("go-data")
    assert "already does" in editor._problem.text()
    assert [one.toString() for one in menus["go-data"].shortcuts()] == ["Ctrl+2"]
    editor.close()
    qtbot.keyClick(window, Qt.Key.Key_J, Qt.KeyboardModifier.ControlModifier)
    assert window.page_name == "desk"
    again = open_window_again(window, open_window)
    assert [one.toString() for one in again.actions_.menus["go-desk"].shortcuts()] == ["Ctrl+J"]
    again.actions_.menus["keys"].trigger()
    (sheet,) = again.findChildren(KeySheet)
    assert any(shown.text() == "?, F1" for shown in sheet.findChildren(QLabel))
    sheet.close()


def open_window_again(window: MainWindow, open_window: Open) -> MainWindow:
    project = window.workbench.project
    window.close()
    return open_window(project)


def test_a_page_and_the_standing_are_copied(open_window: Open, project: Path, qtbot: QtBot) -> None:
    window = open_window(project)
    window.show_page("desk")
    window.actions_.menus["copy-command"].trigger()
    clipboard = QGuiApplication.clipboard()
    assert clipboard.text() == f"mapd-studio open {project} --page desk"
    window.actions_.menus["copy-status"].trigger()
    qtbot.waitUntil(lambda: "| rationales | 12 |" in clipboard.text())


def test_all_work_is_stopped_at_once_after_asking(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    window = open_window(project)
    background = window.workbench.background
    for title in ("Import", "Train"):
        background.submit(title, _endless)
    qtbot.waitUntil(lambda: window.actions_.menus["stop-all"].isEnabled())
    window.actions_.menus["stop-all"].trigger()
    (box,) = window.findChildren(QMessageBox)
    assert "2 tasks: Import, Train" in box.text()
    next(one for one in box.buttons() if one.text() == "Stop").click()
    qtbot.waitUntil(lambda: not background.tasks)
    qtbot.waitUntil(lambda: not window.actions_.menus["stop-all"].isEnabled())


# -- projects that come and go -------------------------------------------------------------------


def test_a_project_in_use_can_be_looked_at_and_shows_what_its_owner_writes(
    studio: Callable[[], Studio], project: Path, qtbot: QtBot
) -> None:
    owner = Workbench(project)
    one = studio()
    start = one.show_start()
    start.open_requested.emit(project)
    assert f"process {os.getpid()}" in start._problem.text()
    start._look.click()
    window = one.window
    assert isinstance(window, MainWindow)
    assert "only to look at" in window.windowTitle()
    assert f"process {os.getpid()} has this project open" in window._banner.text
    qtbot.waitUntil(lambda: window._rail._buttons["data"]._count == 4)
    qtbot.wait(2_200)  # the first look at what others write
    owner.store.add([Question(text="one more", gold="1")])
    qtbot.waitUntil(lambda: window._rail._buttons["data"]._count == 5, timeout=6_000)
    window.undo()
    qtbot.waitUntil(lambda: "for reading only" in window.jobs.text)
    owner.close()
    window.open_requested.emit(project)
    assert one.window is not window
    assert isinstance(one.window, MainWindow)
    assert not one.window.workbench.read_only


@pytest.mark.skipif(os.name == "nt", reason="an open folder cannot be moved there")
def test_a_moved_project_is_noticed_work_stops_and_it_opens_at_its_new_place(
    studio: Callable[[], Studio], project: Path, qtbot: QtBot
) -> None:
    one = studio()
    window = one.open_project(project)
    background = window.workbench.background
    background.submit("Train", _endless)
    there = project.with_name("elsewhere")
    project.rename(there)
    qtbot.waitUntil(lambda: "was moved to" in window._banner.text)
    qtbot.waitUntil(lambda: not background.tasks)
    refused = window.workbench.undo()
    with pytest.raises(Exception, match="nothing more is saved from here"):
        refused.result(5)
    next(b for b in window._banner.findChildren(QPushButton) if b.text() == "Open it there").click()
    assert isinstance(one.window, MainWindow)
    assert one.window.workbench.project == there


def test_a_deleted_project_is_noticed_and_said(
    studio: Callable[[], Studio], project: Path, qtbot: QtBot
) -> None:
    window = studio().open_project(project)
    shutil.rmtree(project, ignore_errors=os.name == "nt")
    qtbot.waitUntil(lambda: "is gone" in window._banner.text, timeout=6_000)
    assert window.workbench.refusal
    next(b for b in window._banner.findChildren(QPushButton) if b.text() == "Close").click()
    assert not window.isVisible()


def test_one_project_gives_way_to_another(
    studio: Callable[[], Studio], project: Path, empty: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    one = studio()
    first = one.open_project(project)
    first.open_requested.emit(tmp_path / "nowhere")
    assert "is not a project" in first.jobs.text
    drop(first, tmp_path)
    assert "is not a project" in first.jobs.text
    drop(first, empty)
    assert isinstance(one.window, MainWindow)
    assert one.window.workbench.project == empty
    assert not first.isVisible()
    Store(project).close()  # it was let go of
    one.window.new_requested.emit(tmp_path / "fresh")
    assert isinstance(one.window, MainWindow)
    assert one.window.workbench.project == tmp_path / "fresh"
    one.window.start_requested.emit()
    assert isinstance(one.window, StartPage)


def test_a_project_with_work_running_stays_open_beside_the_new_one(
    studio: Callable[[], Studio], project: Path, empty: Path, qtbot: QtBot
) -> None:
    one = studio()
    first = one.open_project(project)
    first.workbench.background.submit("Train", _endless)
    first.open_requested.emit(empty)
    assert first.isVisible()
    assert one.window is not first
    first.close_at_once()
    assert not first.isVisible()


def test_missing_projects_are_greyed_and_can_be_taken_off_the_list(
    project: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    gone = tmp_path / "gone"
    for folder in (project, gone):
        remember_project(folder)
    page = StartPage()
    qtbot.addWidget(page)
    found = {made.accessibleName(): made for made in page.findChildren(QPushButton)}
    assert not found["gone, missing"].isEnabled()
    assert found["Open project"].isEnabled()
    found["Take gone off the list"].click()
    assert remembered_projects() == [project]
    with qtbot.waitSignal(page.open_requested) as opened:
        drop(page, project)
    assert opened.args == [project]
    drop(page, project / "studio.db")
    assert "Files go into a project" in page._problem.text()


def test_a_window_comes_back_as_it_was(
    studio: Callable[[], Studio], project: Path, qtbot: QtBot
) -> None:
    one = studio()
    one.keeps_state, one._size = True, None
    window = one.open_project(project, "desk")
    desk = desk_of(window, qtbot)
    window.resize(1200, 650)
    pane = desk.findChildren(QSplitter)[0]
    sizes = pane.sizes()
    pane.setSizes([sizes[0] + 60, *(size - 30 for size in sizes[1:])])
    was = pane.sizes()
    assert was != sizes
    window.close()
    again = one.open_project(project)
    assert again.page_name == "desk"
    assert again.height() == 650
    restored = desk_of(again, qtbot).findChildren(QSplitter)[0]
    qtbot.waitUntil(lambda: restored.sizes()[0] == was[0])


def test_another_size_starts_the_program_anew(
    studio: Callable[[], Studio], project: Path, qtbot: QtBot
) -> None:
    one = studio()
    window = one.open_project(project)
    window.workbench.background.submit("Train", _endless)
    window.actions_.menus["zoom-125"].trigger()
    assert zoom_now() == 125
    assert window.isVisible()  # work goes on
    assert one.restart is None
    next(b for b in window.findChildren(QPushButton) if b.text() == "Go on working").click()
    for task in window.workbench.background.tasks:
        window.workbench.background.cancel(task.id)
    qtbot.waitUntil(lambda: not window.workbench.background.tasks)
    window.actions_.menus["zoom-150"].trigger()
    assert one.restart == project
    assert not window.isVisible()


# -- the end of long work ------------------------------------------------------------------------


def test_the_end_of_long_work_is_announced_and_of_short_work_is_not(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    window = open_window(project)
    window.jobs.ended.emit("Import", 2.0, "it was short", False)
    assert window.toast.isHidden()
    window.jobs.ended.emit("Train", 3_600.0, "288 steps", False)
    assert window.toast.isVisible()
    assert window.toast.accessibleName() == "Train has ended: 288 steps"
    window.resize(1024, 700)
    assert window.toast.geometry().right() < window.width() < 1280
    next(b for b in window.toast.findChildren(QPushButton)).click()
    assert window.toast.isHidden()


def test_a_failure_after_long_work_is_announced_as_one(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    toast = Toast(window, lambda: 0)
    toast.announce_end("Train", 60.0, "no space left", True)
    assert toast.accessibleName() == "Train failed: no space left"
    toast.leave()


def test_gpu_memory_is_shown_where_there_is_a_gpu(tmp_path: Path, qtbot: QtBot) -> None:
    tool = tmp_path / "tool.py"
    tool.write_text("print('NVIDIA H200, 12288, 143360, 87')", encoding="utf-8")
    meter = GpuMeter([sys.executable, str(tool)])
    qtbot.addWidget(meter)
    qtbot.waitUntil(lambda: meter.text() == "GPU 12.0 of 140 GiB")
    assert "87 % busy" in meter.toolTip()
    meter.leave()
    tool.write_text("print('NVIDIA-SMI has failed')", encoding="utf-8")
    silent = GpuMeter([sys.executable, str(tool)])
    qtbot.addWidget(silent)
    qtbot.waitUntil(lambda: not silent._timer.isActive())
    assert silent.isHidden()
    silent.leave()


def test_a_mistake_of_ours_is_a_dialog_with_what_a_report_needs(
    studio: Callable[[], Studio], project: Path
) -> None:
    one = studio()
    window = one.open_project(project)
    one.show_crash(KeyError("lost"))
    (box,) = window.findChildren(QMessageBox)
    assert "KeyError" in box.text()
    assert "KeyError" in box.detailedText()
    box.close()


def test_a_mistake_of_ours_shows_no_key(
    studio: Callable[[], Studio], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = f"plain-{uuid.uuid4().hex}"  # nothing about it looks like a key
    monkeypatch.setenv("OUR_ACCOUNT", key)
    one = studio()
    window = one.open_project(project)
    record = TeacherRecord(name="a", model="a", base_url="https://a.example/v1",
                           api_key_env="OUR_ACCOUNT")  # fmt: skip
    window.workbench.keys.allow(record)
    assert window.workbench.keys.key_for(record) == key
    one.show_crash(RuntimeError(f"POST with {key} and sk-{key[6:]}"))
    (box,) = window.findChildren(QMessageBox)
    for text in (box.text(), box.detailedText()):
        assert "POST with [key] and [key]" in text
    box.close()
    window.jobs.tell(f"refused: {key}", detail=f"said {key}")
    assert key not in f"{window.jobs._text.text()}{window.jobs._detail}"


# -- how it starts -------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="reads the kernel's own count")
def test_the_first_paint_takes_less_than_150_mb(project: Path) -> None:
    script = Path(__file__).parents[1] / "benchmarks" / "window_start.py"
    for opened in ("-", str(project)):
        done = subprocess.run(
            [sys.executable, str(script), opened, "overview", "painted", str(time.time())],
            capture_output=True, text=True, timeout=60, check=True,
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        )  # fmt: skip
        assert done.stdout, done.stderr
        _, megabytes = done.stdout.strip().strip("[]").split(",")
        assert float(megabytes) < 150


# -- for hands without a mouse, and for eyes that hear -------------------------------------------


@pytest.mark.parametrize("name", STATIONS)
def test_every_control_has_a_name_and_says_what_it_does(
    open_window: Open, project: Path, name: str, qtbot: QtBot
) -> None:
    window = open_window(project)
    page = window.show_page(name)
    qtbot.waitUntil(lambda: page.reading.is_idle)
    assert list(controls(page))
    assert not nameless(page)


def test_the_shell_has_names_too(open_window: Open, project: Path) -> None:
    window = open_window(project)
    for name in ("palette", "keys", "change-keys"):
        window.actions_.menus[name].trigger()
    start = StartPage()
    for part in (*window.findChildren(QDialog), window._rail, window.jobs, start):
        assert not nameless(part)
    start.deleteLater()


@pytest.mark.parametrize("name", STATIONS)
def test_tab_goes_through_a_page_and_comes_round(
    open_window: Open, project: Path, name: str, qtbot: QtBot
) -> None:
    window = open_window(project)
    page = window.show_page(name)
    qtbot.waitUntil(lambda: page.reading.is_idle)
    page.focusNextChild()
    assert not missed_by_tab(page, qtbot)


@pytest.mark.parametrize("name", STATIONS)
def test_where_the_focus_is_can_be_seen(
    open_window: Open, project: Path, name: str, qtbot: QtBot
) -> None:
    window = open_window(project)
    page = window.show_page(name)
    qtbot.waitUntil(lambda: page.reading.is_idle)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    assert not unmarked(page, window._stack)
