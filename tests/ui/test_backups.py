"""A backup is made and put back from the menu; what it replaces is kept, and a bad one changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from studio.domain.records import Question
from studio.store.backups import check_backup
from studio.store.tables import Store
from studio.ui.main_window import MainWindow
from studio.ui.studio import Studio


@pytest.fixture
def studio(qapp: QApplication) -> Iterator[Callable[[], Studio]]:
    made: list[Studio] = []

    def make() -> Studio:
        made.append(Studio(qapp, "light", (1280, 800)))
        return made[-1]

    yield make
    for one in made:
        if one.window is not None:
            one.window.close()
        one.close()
        one.deleteLater()


def choose(window: MainWindow, verb: str, file: Path) -> None:
    window.actions_.menus[verb].trigger()
    (dialog,) = (one for one in window.findChildren(QFileDialog) if one.isVisible())
    dialog.fileSelected.emit(str(file))
    dialog.close()


def agree(window: MainWindow) -> None:
    (box,) = (one for one in window.findChildren(QMessageBox) if one.isVisible())
    assert "studio-before-restore" in box.text()
    box.defaultButton().click()


def texts(project: Path) -> set[str]:
    store = Store(project, read_only=True)
    found = {row[0] for row in store.rows("SELECT text FROM questions")}
    store.close()
    return found


def test_a_backup_is_made_and_put_back_from_the_menu(
    studio: Callable[[], Studio], project: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    one = studio()
    window = one.open_project(project)
    choose(window, "backup", tmp_path / "b.db")
    qtbot.waitUntil(lambda: "holds the records" in window.jobs.text)
    check_backup(tmp_path / "b.db")
    window.workbench.store.add([Question(text="after the backup", gold="1")])
    choose(window, "restore", tmp_path / "b.db")
    agree(window)
    qtbot.waitUntil(lambda: isinstance(one.window, MainWindow) and one.window is not window)
    assert isinstance(one.window, MainWindow)
    assert "is as b.db has it; what was there is kept as studio-before" in one.window.jobs.text
    assert "after the backup" not in texts(project)
    assert one.window._banner.text == ""
    (kept,) = project.glob("studio-before-restore-*.db")
    check_backup(kept)


def test_a_bad_backup_changes_nothing_and_the_project_is_open_again(
    studio: Callable[[], Studio], project: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    before = texts(project)
    (tmp_path / "b.db").write_bytes(b"no backup")
    one = studio()
    window = one.open_project(project)
    choose(window, "restore", tmp_path / "b.db")
    agree(window)
    qtbot.waitUntil(lambda: isinstance(one.window, MainWindow) and one.window is not window)
    assert isinstance(one.window, MainWindow)
    assert one.window.jobs.text.startswith("✗")
    assert texts(project) == before


def test_a_backup_that_cannot_be_written_is_said(
    studio: Callable[[], Studio], project: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    window = studio().open_project(project)
    choose(window, "backup", tmp_path / "no such folder" / "b.db")
    qtbot.waitUntil(lambda: "no backup was made" in window.jobs.text)
