"""A dialog that was closed is gone: nothing is kept of it, and no late answer reaches it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QCheckBox, QDialog
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from studio.store.tables import Store
from studio.ui.import_form import ImportForm
from studio.ui.main_window import MainWindow
from studio.ui.pages.committee import CommitteePage
from studio.ui.pages.data import DataPage
from studio.ui.prompts_dialog import PromptsDialog
from tests.ui.conftest import Open, desk_of


@pytest.fixture
def window(open_window: Open, project: Path) -> MainWindow:
    return open_window(project)


def close(dialog: QDialog) -> None:
    """Close a dialog as Escape does, and let Qt delete what is to be deleted."""
    dialog.reject()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.mark.parametrize("verb", ["edit", "note", "gold", "diff", "whole", "history"])
def test_what_the_desk_opens_is_gone_when_it_is_closed(
    verb: str, window: MainWindow, qtbot: QtBot
) -> None:
    desk = desk_of(window, qtbot)
    desk.do(verb)
    qtbot.waitUntil(lambda: bool(desk.findChildren(QDialog)))
    (dialog,) = desk.findChildren(QDialog)
    close(dialog)
    assert not isValid(dialog)
    assert not desk.findChildren(QDialog)


def test_a_question_is_not_opened_again_by_an_answer_that_comes_after_it_was_closed(
    window: MainWindow, qtbot: QtBot
) -> None:
    page = cast("DataPage", window.show_page("data"))
    qtbot.waitUntil(lambda: page._browser.model.rowCount() == 4)
    page._browser.opened.emit(page._browser.model.ids[0])
    qtbot.waitUntil(lambda: page._dialog is not None)
    page._refresh_questions()
    assert page._dialog is not None
    close(page._dialog)
    assert page._dialog is None
    qtbot.waitUntil(lambda: page.reading.is_idle)
    assert not page.findChildren(QDialog)
    page._browser.opened.emit(page._browser.model.ids[1])
    qtbot.waitUntil(lambda: len(page.findChildren(QDialog)) == 1)


def test_prompts_that_are_read_slowly_reach_no_window_that_was_closed(
    window: MainWindow, qtbot: QtBot
) -> None:
    page = cast("CommitteePage", window.show_page("committee"))
    qtbot.waitUntil(lambda: page.reading.is_idle)
    go = threading.Event()

    def wait(store: Store) -> None:
        del store
        go.wait(10)

    page.reading.ask("wait", wait, lambda _: None, slow=True)
    page._on_prompts()
    (dialog,) = page.findChildren(PromptsDialog)
    close(dialog)
    assert not isValid(dialog)
    go.set()
    qtbot.waitUntil(lambda: page.reading.is_idle)  # an exception in a slot would fail this


def test_bad_rows_can_be_left_out_before_a_file_was_read(
    window: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    page = cast("DataPage", window.show_page("data"))
    file = tmp_path / "rows.jsonl"
    file.write_text('{"question": "1+1?", "answer": "2"}\n', encoding="utf-8")
    page.show_this([file])
    (form,) = page.findChildren(ImportForm)
    form.findChild(QCheckBox).setChecked(True)
    qtbot.waitUntil(form._go.isEnabled)
    form._refuse("it is gone")
    assert not form._go.isEnabled()
    assert form._problem.text() == "it is gone"
    close(form)
