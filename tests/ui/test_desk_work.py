"""At the desk a person edits, notes, corrects and compares by keys; fifty rows, a restart, all undone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from studio.domain.policy import PRESETS
from studio.domain.records import (
    Attempt,
    Grade,
    Override,
    Question,
    Rationale,
    Review,
    Verdict,
)
from studio.flow.decisions import apply_policy
from studio.flow.edits import note_of
from studio.store.tables import Store
from studio.ui.desk_filter import Filter
from studio.ui.diff_view import DiffView
from studio.ui.edit_forms import EditForm, GoldForm, NoteForm
from studio.ui.history_list import HistoryList
from studio.ui.main_window import MainWindow
from studio.ui.pages.desk import DeskPage
from studio.ui.sheet import Sheet
from studio.ui.text_viewer import TextViewer
from tests.ui.conftest import Open, desk_of

Key = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def window(open_window: Open, project: Path) -> MainWindow:
    return open_window(project)


@pytest.fixture
def desk(window: MainWindow, qtbot: QtBot) -> DeskPage:
    return desk_of(window, qtbot)


def in_front(window: QWidget, qtbot: QtBot) -> None:
    """Wait until keys go to this window, or to what has been opened over it."""
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)


def test_e_edits_the_chosen_rationale_and_undo_brings_the_original_back(
    window: MainWindow, desk: DeskPage, qtbot: QtBot
) -> None:
    store = window.workbench.reader
    before = desk.case_view.chosen
    qtbot.keyClick(desk.questions, Key.Key_E)
    (form,) = desk.findChildren(EditForm)
    form._text.setPlainText("0 and 0 is 0.\nAnswer: 0")
    in_front(form, qtbot)
    qtbot.keyClick(form._text, Key.Key_Return, CTRL)
    qtbot.waitUntil(lambda: store.count(Rationale, "edited_by <> ''") == 1)
    qtbot.waitUntil(lambda: desk.case_view.chosen not in ("", before))
    edited = store.get(Rationale, desk.case_view.chosen)
    assert edited is not None
    assert edited.text == "0 and 0 is 0.\nAnswer: 0"
    assert store.count(Override) == 1
    window.undo()
    qtbot.waitUntil(lambda: desk.case_view.chosen == before)
    assert store.count(Override) == 0


def test_n_leaves_a_note_and_g_corrects_gold(
    window: MainWindow, desk: DeskPage, qtbot: QtBot
) -> None:
    store, question_id = window.workbench.reader, desk.model.ids[1]
    qtbot.keyClick(desk.questions, Key.Key_J)
    qtbot.keyClick(desk.questions, Key.Key_N)
    (note,) = desk.findChildren(NoteForm)
    note._text.setPlainText("odd")
    note._tags.setText("Wording, later")
    note._on_save()
    qtbot.waitUntil(lambda: note_of(store, question_id).tags == ("wording", "later"))
    qtbot.waitUntil(lambda: "#wording · #later" in desk.case_view._mistake._note.text())
    in_front(window, qtbot)
    qtbot.keyClick(desk.questions, Key.Key_G)
    (gold,) = desk.findChildren(GoldForm)
    gold._field.setText("1")  # type: ignore[union-attr]
    gold._on_save()
    qtbot.waitUntil(lambda: store.get(Question, question_id).gold == "1")  # type: ignore[union-attr]
    qtbot.waitUntil(lambda: "Gold: 1" in desk.case_view._mistake._gold.text())
    assert store.value("SELECT count(*) FROM mistakes WHERE question_id = ?", question_id) == 0


def test_f_says_that_it_is_no_mistake(window: MainWindow, desk: DeskPage, qtbot: QtBot) -> None:
    store = window.workbench.reader
    mistakes = store.value("SELECT count(*) FROM mistakes")
    qtbot.keyClick(desk.questions, Key.Key_F)
    qtbot.waitUntil(lambda: store.value("SELECT count(*) FROM mistakes") == mistakes - 1)
    window.undo()
    qtbot.waitUntil(lambda: store.value("SELECT count(*) FROM mistakes") == mistakes)


def test_d_compares_w_shows_and_h_tells(window: MainWindow, desk: DeskPage, qtbot: QtBot) -> None:
    qtbot.keyClick(desk.questions, Key.Key_A)
    qtbot.waitUntil(lambda: window.workbench.reader.count(Override) == 1)
    qtbot.keyClick(desk.questions, Key.Key_D)
    (diff,) = desk.findChildren(DiffView)
    left, right = diff._views
    marked = [one.cursor.selectedText() for one in left.extraSelections()]  # type: ignore[attr-defined]
    assert (left.toPlainText(), right.toPlainText()) == ("gemini adds.", "gpt adds.")
    assert marked == ["gemini"]
    diff.accept()
    in_front(window, qtbot)
    qtbot.keyClick(desk.questions, Key.Key_W)
    (viewer,) = desk.findChildren(TextViewer)
    assert viewer.go_to("adds")
    assert not viewer.go_to("subtracts")
    viewer.accept()
    in_front(window, qtbot)
    qtbot.keyClick(desk.questions, Key.Key_H)
    qtbot.waitUntil(lambda: len(desk.findChildren(HistoryList)) == 1)
    sheet = desk.findChildren(HistoryList)[0].findChildren(Sheet)[0].sheet
    told = [sheet.data(sheet.index(n, 2)) for n in range(sheet.rowCount())]
    assert told[-1] == "1 rationale accepted by hand"


def test_a_case_is_copied_as_markdown_and_json(desk: DeskPage, qtbot: QtBot) -> None:
    qtbot.keyClick(desk.questions, Key.Key_M)
    text = QGuiApplication.clipboard().text()
    assert "### gemini: accepted (mean 5 above 3)" in text
    assert "- gpt: 5" in text
    qtbot.keyClick(desk.questions, Key.Key_M, Qt.KeyboardModifier.ShiftModifier)
    copied = json.loads(QGuiApplication.clipboard().text())
    assert [one["teacher"] for one in copied["rationales"]] == ["gemini", "gpt", "mistral"]


def test_letters_do_nothing_while_typing(window: MainWindow, desk: DeskPage, qtbot: QtBot) -> None:
    desk.filters.search.setFocus()
    qtbot.keyClicks(desk.filters.search, "area")
    assert desk.filters.search.text() == "area"
    assert desk.findChildren(EditForm) == []
    assert window.workbench.reader.count(Override) == 0


def test_the_keys_of_the_desk_do_nothing_elsewhere(window: MainWindow, desk: DeskPage) -> None:
    window.show_page("overview")
    assert not window.actions_.menus["desk-accept"].isEnabled()
    window.show_page("desk")
    assert window.actions_.menus["desk-accept"].isEnabled()


@pytest.fixture
def fifty(tmp_path: Path) -> Path:
    """Fifty mistakes, each with two rationales."""
    store = Store.create(tmp_path / "fifty")
    with store.transaction():
        for n in range(50):
            question = Question(text=f"What is {n} and {n}?", gold=str(2 * n))
            attempt = Attempt(question_id=question.id, student="small", text=f"Answer: {n + 1}")
            store.add([question, attempt])
            store.add(
                [
                    Grade(
                        subject_id=attempt.id,
                        verdict=Verdict.WRONG,
                        extracted=str(n),
                        grader="rules:1",
                    )
                ]
            )
            for name, other, score in (("a", "b", 5), ("b", "a", 2)):
                one = Rationale(question_id=question.id, teacher=name, text=f"Answer: {2 * n}")
                store.add([one, Review(subject_id=one.id, reviewer=other, score=score)])
    apply_policy(store, PRESETS["paper"], who="ada")
    store.close()
    return tmp_path / "fifty"


def standing(window: MainWindow) -> list[tuple[object, ...]]:
    rows = window.workbench.reader.rows(
        "SELECT rationale_id, accepted, human FROM final_decisions ORDER BY 1"
    )
    return [tuple(row) for row in rows]


def test_fifty_rows_by_keys_alone_then_a_restart_then_all_undone(
    open_window: Open, fifty: Path, qtbot: QtBot
) -> None:
    window = open_window(fifty)
    desk = desk_of(window, qtbot)
    first = standing(window)
    keys = (Key.Key_R, Key.Key_A, None)  # reject the first teacher's, accept the second's, confirm
    for n in range(50):
        key = keys[n % 3]
        if n % 3 == 1:
            qtbot.keyClick(desk.questions, Key.Key_2)
        if key is None:
            qtbot.keyClick(desk.questions, Key.Key_Return, CTRL)
        else:
            qtbot.keyClick(desk.questions, key)
            qtbot.keyClick(desk.questions, Key.Key_J)
    store = window.workbench.reader
    qtbot.waitUntil(lambda: store.count(Override) == 50)
    decided = standing(window)
    assert sum(row[2] is not None for row in decided) == 50
    window.close()

    again = open_window(fifty)
    desk = desk_of(again, qtbot)
    assert standing(again) == decided
    for left in range(49, -1, -1):
        qtbot.keyClick(desk.questions, Key.Key_Z, CTRL)
        qtbot.waitUntil(lambda left=left: again.workbench.reader.count(Override) == left)  # type: ignore[misc]
    assert standing(again) == first


def test_one_decision_on_all_that_match_is_undone_as_one(
    open_window: Open, fifty: Path, qtbot: QtBot
) -> None:
    window = open_window(fifty)
    desk = desk_of(window, qtbot)
    store = window.workbench.reader
    qtbot.waitUntil(lambda: desk.bulk.text() == "Decide all 100")
    desk.filters.set_filter(Filter(state="rejected"))
    qtbot.waitUntil(lambda: desk.bulk.text() == "Decide all 50")
    assert desk.bulk._actions["accept"].text() == "Accept 50 rationales by hand"
    desk.bulk._actions["accept"].trigger()
    qtbot.waitUntil(lambda: store.count(Override, "accepted") == 50)
    assert store.value("SELECT count(*) FROM actions WHERE what = 'override'") == 1
    window.undo()
    qtbot.waitUntil(lambda: store.count(Override) == 0)
    qtbot.waitUntil(lambda: desk.bulk.text() == "Decide all 50")


def test_the_history_says_what_a_question_took(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    store = Store(project)
    for n, cost_usd in enumerate((0.5, None)):
        for question in store.all(Question):
            call_id = f"{n}-{question.id}"
            store.intend_call(call_id, subject=f"solve/{question.id}/gpt", teacher="gpt",
                              stage="solve", request_hash="r", prompt_hash="p")  # fmt: skip
            store.settle_call(call_id, state="answered", outcome="answered", tokens_in=1_000,
                              tokens_out=20, cost_usd=cost_usd)  # fmt: skip
    store.close()
    desk = desk_of(open_window(project), qtbot)
    qtbot.keyClick(desk.questions, Key.Key_H)
    qtbot.waitUntil(lambda: len(desk.findChildren(HistoryList)) == 1)
    told = desk.findChildren(HistoryList)[0].spent.text()
    assert told.startswith("What this question took: 2 calls · 2,000 tokens in, 40 out · ")
    assert told.endswith(" + 1 unknown.")
