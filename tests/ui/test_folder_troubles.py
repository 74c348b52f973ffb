"""What the window says of where a project lies, and of what was left of it."""

from __future__ import annotations

import shutil
from pathlib import Path

from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

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
    (tmp_path / "copy").mkdir()
    shutil.copy(project / "studio.db", tmp_path / "copy")
    store.close()
    window = open_window(tmp_path / "copy")
    assert "the sidecar studio.db-wal is missing" in window._banner.text
    assert open_window(project)._banner.text == ""
