"""What the window says of where a project lies, and of what was left of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from studio.domain.errors import StorageError
from studio.domain.records import Question
from studio.store.tables import Store
from tests.ui.conftest import Open


def test_a_project_in_a_cloud_is_opened_with_a_line_that_can_be_hidden(
    project: Path, tmp_path: Path, open_window: Open
) -> None:
    window = open_window(Path(shutil.copytree(project, tmp_path / "Dropbox" / "p")))
    assert "lies on a folder that Dropbox keeps in step" in window._banner.text
    next(b for b in window._banner.findChildren(QPushButton) if b.text() == "Hide").click()
    assert window._banner.text == ""


def test_a_copy_without_its_sidecar_is_opened_with_a_line_that_says_so(
    project: Path, tmp_path: Path, open_window: Open, qtbot: QtBot
) -> None:
    del qtbot
    store = Store(project)
    store.set_setting("student", "small")
    (tmp_path / "copy").mkdir()
    shutil.copy(project / "studio.db", tmp_path / "copy")
    store.close()
    window = open_window(tmp_path / "copy")
    assert "the sidecar studio.db-wal is missing" in window._banner.text
    assert open_window(project)._banner.text == ""


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be replaced there")
def test_a_strangers_file_in_its_place_is_noticed_and_not_written_to(
    project: Path, tmp_path: Path, open_window: Open, qtbot: QtBot
) -> None:
    stranger = Store.create(tmp_path / "stranger")
    stranger.add([Question(text="a stranger's", gold="1")])
    stranger.close()
    before = (tmp_path / "stranger" / "studio.db").read_bytes()
    window = open_window(project)
    window.workbench.set_setting("mine", 1).result(5)
    os.replace(tmp_path / "stranger" / "studio.db", project / "studio.db")
    qtbot.waitUntil(lambda: "was replaced by another" in window._banner.text)
    with pytest.raises(StorageError, match="nothing more is saved from here"):
        window.workbench.set_setting("mine", 2).result(5)
    window.close()
    assert (project / "studio.db").read_bytes() == before
    store = Store(project)
    assert [row[0] for row in store.rows("SELECT text FROM questions")] == ["a stranger's"]
    assert store.setting("mine") is None, "no log of ours was played into it"
    store.close()


def test_copying_an_open_project_is_no_trouble_and_the_copy_is_whole(
    project: Path, tmp_path: Path, open_window: Open, qtbot: QtBot
) -> None:
    window = open_window(project)
    window.workbench.set_setting("mine", 1).result(5)
    shutil.copytree(project, tmp_path / "copy")
    qtbot.wait(2_500)
    assert window._banner.text == ""
    copy = Store(tmp_path / "copy")
    assert (copy.remarks, copy.setting("mine")) == ([], 1)
    copy.close()
