"""Menus, choices and the last line say what is so, whoever changed it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from studio.app.workbench import Workbench
from studio.domain.errors import StorageError
from studio.domain.policy import PRESETS
from studio.domain.records import Question
from studio.flow.stage import Progress
from studio.ui.main_window import MainWindow
from studio.ui.menus import plain
from studio.ui.pages.desk import DeskPage
from studio.ui.pages.settings import SettingsPage
from studio.ui.stations import STATIONS
from studio.ui.studio import Studio
from tests.ui.conftest import Open


@pytest.fixture
def window(open_window: Open, project: Path) -> MainWindow:
    return open_window(project)


def test_the_menu_names_every_kind_of_change_that_undo_takes_back(
    window: MainWindow, qtbot: QtBot
) -> None:
    undo = window.actions_.menus["undo"]
    bench = window.workbench
    qtbot.waitUntil(lambda: "policy" in undo.text())
    question = next(bench.reader.all(Question))
    bench.by_hand.write_note(question.id, "Odd.", ["odd"]).result(10)
    qtbot.waitUntil(lambda: plain(undo) == "Undo: a note written")
    bench.hold_out(0.25).result(10)
    qtbot.waitUntil(lambda: "held out" in undo.text())
    bench.by_hand.correct_gold(question.id, "salt & " + "pepper " * 20).result(10)
    qtbot.waitUntil(lambda: "salt && pepper" in undo.text())
    assert len(undo.text()) < 120


def test_colours_chosen_in_one_place_are_shown_chosen_in_the_other(
    window: MainWindow, qtbot: QtBot
) -> None:
    page = cast("SettingsPage", window.show_page("settings"))
    menus = window.actions_.menus
    page.theme_requested.emit("dark")
    assert menus["theme-dark"].isChecked()
    menus["theme-light"].trigger()
    assert page._theme.currentData() == "light"
    qtbot.waitUntil(lambda: page.reading.is_idle)


def test_work_that_is_cancelled_before_it_told_of_progress_is_not_said_to_be_done(
    window: MainWindow, qtbot: QtBot
) -> None:

    async def work(told: bool) -> AsyncIterator[Progress]:
        if told:
            yield Progress("solve", 1, 2)
        await asyncio.sleep(60)

    background = window.workbench.background
    background.submit("One that tells", lambda: work(True))
    silent = background.submit("One that is silent", lambda: work(False))
    qtbot.waitUntil(lambda: silent in window.jobs._lines)
    background.cancel(silent)
    qtbot.waitUntil(lambda: "silent" in window.jobs.text)
    assert window.jobs.text == "One that is silent: stopped; what was made is kept"
    for task in background.tasks:
        background.cancel(task.id)
    qtbot.waitUntil(lambda: not background.tasks)


def test_a_mistake_that_comes_again_and_again_is_told_once_and_a_lost_disk_is_none(
    studio: Callable[[], Studio], project: Path
) -> None:
    one = studio()
    window = one.open_project(project)
    for _ in range(3):
        one.show_crash(KeyError("lost while it was drawn"))
    (box,) = window.findChildren(QMessageBox)
    box.close()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    one.show_crash(StorageError("disk I/O error: is the disk still there?"))
    assert not window.findChildren(QMessageBox)
    assert window.jobs.text == "✗ disk I/O error: is the disk still there?"
    one.show_crash(KeyError("another one"))
    assert len(window.findChildren(QMessageBox)) == 1


def test_a_window_that_only_looks_offers_no_change_and_leaves_no_file(
    project: Path, qtbot: QtBot
) -> None:
    owner = Workbench(project)
    files = {one.name for one in project.rglob("*")}
    bench = Workbench(project, read_only=True)
    window = MainWindow(bench)
    window.show()
    offered = set()
    for name in STATIONS:
        page = window.show_page(name)
        qtbot.waitUntil(lambda page=page: page.reading.is_idle)
        if isinstance(page, DeskPage):
            qtbot.waitUntil(lambda page=page: page.panel.trial is not None)
            page.panel._aggregate.setCurrentIndex(1)
            page.panel._on_changed()  # as another rule is tried, which makes it possible to apply it
        offered |= {one.text() for one in page.findChildren(QPushButton)
                    if one.isVisible() and one.isEnabled()}  # fmt: skip
    changing = {"Run what is missing", "A whole round …", "Import files …", "Hold out …", "Use", "Start",
                "Sit the exam", "Add a teacher …", "How it is asked …", "Decide all 12", "Apply", "Apply as …",
                "Queue", "Show me the tokens"}  # fmt: skip
    assert not offered & changing
    assert {"Prompts …", "Compare …", "Reset", "Export"} <= offered
    with pytest.raises(StorageError, match="for reading only"):
        bench.apply_policy(PRESETS["studio"]).result(10)
    made = {one.name for one in project.rglob("*")} - files
    assert not {name for name in made if name.startswith("studio-")}  # no backup of our own
    window.close()
    bench.close()
    window.deleteLater()
    owner.close()
