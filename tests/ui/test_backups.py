"""A backup is made and put back from the menu; what it replaces is kept, and a bad one changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from studio.domain.records import Question
from studio.store.backups import check_backup, make_backup
from studio.store.tables import Store
from studio.ui.main_window import MainWindow
from studio.ui.pages.start import StartPage
from studio.ui.studio import Studio


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


def damage(project: Path) -> None:
    """Write over the beginning of the file, as a failing disk may."""
    file = project / "studio.db"
    data = bytearray(file.read_bytes())
    data[:64] = b"?" * 64
    file.write_bytes(data)


def press(page: StartPage, text: str, chosen: Path) -> None:
    """Click a way out, and choose a file or folder in the dialog it opens."""
    (button,) = (one for one in page.findChildren(QPushButton) if one.text() == text)
    assert button.isVisible()
    button.click()
    (dialog,) = (one for one in page.findChildren(QFileDialog) if one.isVisible())
    dialog.fileSelected.emit(str(chosen))
    dialog.close()


def shown(page: StartPage) -> set[str]:
    return {one.text() for one in page.findChildren(QPushButton) if one.isVisible()}


WAYS = {"Restore a backup …", "Save what can be read …"}


def test_a_damaged_project_is_put_right_from_the_start_page(
    studio: Callable[[], Studio], project: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    before, one = texts(project), studio()
    store = Store(project)
    make_backup(store, tmp_path / "b.db")
    store.close()
    damage(project)
    page = one.show_start()
    assert not WAYS & shown(page)
    page.open_requested.emit(project)
    assert "cannot be read as a project" in page._problem.text()
    assert "“Restore a backup …” puts one in its place" in page._problem.text()
    assert "mapd-studio" not in page._problem.text()
    qtbot.waitUntil(
        lambda: page._problem.height() >= page._problem.heightForWidth(page._problem.width())
    )
    assert shown(page) >= WAYS
    (tmp_path / "bad.db").write_bytes(b"no backup")
    press(page, "Restore a backup …", tmp_path / "bad.db")
    qtbot.waitUntil(lambda: "choose another backup" in page._problem.text())
    assert shown(page) >= WAYS, "the ways out stay"
    press(page, "Restore a backup …", tmp_path / "b.db")
    qtbot.waitUntil(lambda: isinstance(one.window, MainWindow))
    assert isinstance(one.window, MainWindow)
    assert "is as b.db has it" in one.window.jobs.text
    assert texts(project) == before


def test_what_can_be_read_of_a_damaged_project_becomes_a_new_one(
    studio: Callable[[], Studio], project: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    file = project / "studio.db"
    file.write_bytes(file.read_bytes()[:-4096])  # cut short, as a full disk may
    left = file.read_bytes()
    one = studio()
    page = one.show_start()
    page.open_requested.emit(project)
    assert shown(page) >= WAYS, page._problem.text()
    press(page, "Save what can be read …", tmp_path)
    qtbot.waitUntil(lambda: "Saving" not in page._problem.text())
    assert "is not an empty folder: name another one" in page._problem.text()
    press(page, "Save what can be read …", tmp_path / "saved")
    qtbot.waitUntil(lambda: isinstance(one.window, MainWindow))
    assert isinstance(one.window, MainWindow)
    assert "records were saved" in one.window.jobs.text
    assert one.window.workbench.project == tmp_path / "saved"
    assert texts(tmp_path / "saved")
    assert file.read_bytes() == left


def test_in_a_window_with_another_project_it_says_where_to_go(
    studio: Callable[[], Studio], project: Path, empty: Path
) -> None:
    damage(project)
    window = studio().open_project(empty)
    window.open_requested.emit(project)
    assert "project is damaged; the start page can put it right" in window.jobs.text
