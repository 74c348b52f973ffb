"""The prompts on the committee page: edited, refused, gone back to, and seen as real messages."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from studio.app.workbench import Workbench
from studio.store.tables import Store
from studio.ui.diff_view import DiffView
from studio.ui.main_window import MainWindow
from studio.ui.prompts_dialog import PromptsDialog
from tests.fakes import teacher
from tests.ui.conftest import Open

SHORT = "Solve it in one line.\n{{question}}"


def prompts_of(window: MainWindow, qtbot: QtBot) -> PromptsDialog:
    page = window.show_page("committee")
    next(b for b in page.findChildren(QPushButton) if b.text() == "Prompts …").click()
    dialog = page.findChildren(PromptsDialog)[0]
    qtbot.waitUntil(lambda: dialog.list.sheet.rowCount() > 0)
    return dialog


def choose(dialog: PromptsDialog, name: str) -> None:
    names = [line.name for line in dialog._lines]
    dialog.list.selectRow(names.index(f"mapd/{name}"))


def stored(workbench: Workbench) -> str:
    return workbench.bench.templates.get("mapd", "solve").text


def problem(dialog: PromptsDialog) -> str:
    return " ".join(one.text() for one in dialog.text.findChildren(QLabel)
                    if one.property("role") == "bad")  # fmt: skip


def test_a_text_is_saved_as_a_version_compared_and_gone_back_from(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    window = open_window(project)
    dialog = prompts_of(window, qtbot)
    choose(dialog, "solve")
    shipped = dialog.text.text
    assert not dialog.text.save.isEnabled(), "nothing was changed"
    dialog.text.editor.setPlainText("Solve it.")
    dialog.text.save.click()
    qtbot.waitUntil(lambda: "needs {{question}}" in problem(dialog))
    dialog.text.editor.setPlainText(SHORT)
    assert not problem(dialog)
    dialog.text.why.setText("shorter")
    dialog.text.save.click()
    history = dialog.history
    qtbot.waitUntil(lambda: history.sheet.sheet.rowCount() == 2)
    assert not dialog.text.is_changed
    first = [history.sheet.sheet.index(0, place).data() for place in (0, 3)]
    assert first[0].endswith("in force")
    assert first[1] == "shorter"
    dialog.tabs.setCurrentWidget(history)
    history.sheet.selectRow(1)
    history._diff.click()
    (diff,) = history.findChildren(DiffView)
    assert [view.toPlainText() for view in diff._views] == [shipped, SHORT]
    diff.reject()
    history.back.click()
    qtbot.waitUntil(lambda: dialog.text.text == shipped)
    assert stored(window.workbench) == shipped
    dialog.reject()


def test_the_real_message_is_shown_for_a_text_on_trial(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    store = Store(project)
    for name in ("gpt", "gemini"):
        store.put(teacher(name, "http://127.0.0.1:9/v1"))
    store.close()
    window = open_window(project)
    dialog = prompts_of(window, qtbot)
    message = dialog.message
    choose(dialog, "solve")
    dialog.text.editor.setPlainText(SHORT)
    dialog.text._try.click()
    assert dialog.tabs.currentWidget() is message
    qtbot.waitUntil(lambda: "Solve it in one line." in message.view.toPlainText())
    message.question.setText("What is 2 and 2?")
    message.ask()
    qtbot.waitUntil(lambda: "What is 2 and 2?" in message.view.toPlainText())
    assert stored(window.workbench) != SHORT, "only on trial"
    message.question.setText("no such words")
    message.ask()
    qtbot.waitUntil(lambda: message.view.toPlainText() == "")
    assert any("there is no question" in one.text() for one in message.findChildren(QLabel))
    choose(dialog, "review")
    (box,) = dialog.findChildren(QMessageBox)
    assert "not saved" in box.text()
    next(b for b in box.buttons() if b.text() == "Drop the changes").click()
    message.question.clear()
    message.ask()
    qtbot.waitUntil(lambda: "asked for as JSON" in message.view.toPlainText())
    assert "adds." in message.view.toPlainText(), "another teacher's rationale"


@pytest.mark.parametrize("answer", ["Keep editing", "Drop the changes"])
def test_a_changed_text_is_not_lost_by_closing(
    open_window: Open, project: Path, qtbot: QtBot, answer: str
) -> None:
    dialog = prompts_of(open_window(project), qtbot)
    dialog.text.editor.setPlainText(SHORT)
    dialog.reject()
    (box,) = dialog.findChildren(QMessageBox)
    stays = answer == "Keep editing"
    if stays:
        next(b for b in box.buttons() if b.text() == answer).click()
        assert dialog.isVisible()
        assert dialog.text.text == SHORT
        return
    with qtbot.waitSignal(dialog.destroyed):
        next(b for b in box.buttons() if b.text() == answer).click()
