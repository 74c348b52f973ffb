"""What a person looks at, has chosen or has typed stays while the project changes behind it."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from studio.domain.records import Attempt, Grade, Question, Rationale, Review, Verdict
from studio.store.tables import Store
from studio.ui.desk_filter import Filter
from studio.ui.edit_forms import EditForm, GoldForm, NoteForm
from studio.ui.main_window import MainWindow
from studio.ui.pages.committee import CommitteePage
from studio.ui.pages.data import DataPage
from studio.ui.pages.training import TrainingPage
from studio.ui.prompts_dialog import PromptsDialog
from tests.ui.conftest import Open, desk_of


@pytest.fixture
def window(open_window: Open, project: Path) -> MainWindow:
    """A window on a project whose first question was answered twice."""
    store = Store(project)
    question = next(store.all(Question))
    attempt = Attempt(question_id=question.id, student="small", sample=1, text="Two.\nAnswer: 2")
    with store.transaction():
        store.add([attempt, Grade(subject_id=attempt.id, verdict=Verdict.WRONG, extracted="2",
                                  grader="rules:1")])  # fmt: skip
    store.close()
    return open_window(project)


def test_the_desk_keeps_attempt_review_unfolded_text_and_focus(
    window: MainWindow, qtbot: QtBot
) -> None:
    desk = desk_of(window, qtbot)
    view = desk.case_view
    boxes = view._mistake._attempts
    assert boxes.count() == 2
    boxes.setCurrentIndex(1)
    boxes.activated.emit(1)
    second = view.answer
    view.choose(0)
    view._matrix._table.setCurrentIndex(view._matrix._model.index(1, 2))
    read = view._matrix._chosen()
    fold = next(one for one in view._cards[1].findChildren(QPushButton) if one.text() == "Reject")
    assert read is not None
    assert read[1] == "mistral"
    cards = list(view._cards)
    fold.setFocus()
    fold.click()  # by hand: everything about the case is read anew
    qtbot.waitUntil(lambda: view.case is not None and view.case.rationales[1].human is False)
    assert view.answer is not None
    assert second is not None
    assert view.answer.id == second.id
    assert boxes.currentIndex() == 1
    assert view._matrix._chosen() == read
    assert view._cards[0] is cards[0], "a card about which nothing changed is not made anew"
    assert view._cards[1] is not cards[1]
    now = window.focusWidget()
    assert now.accessibleName() == "Reject the rationale of gpt"
    assert view._cards[1].isAncestorOf(now)


def test_the_desk_shows_what_is_new_of_the_question_in_sight(
    window: MainWindow, qtbot: QtBot
) -> None:
    desk = desk_of(window, qtbot)
    view = desk.case_view
    store, bench = window.workbench, window.workbench.bench
    assert view.case is not None
    about = view.case.rationales[0]
    review = Review(subject_id=about.id, reviewer="late", score=2, comment="Not so.")
    done = store.background.call(lambda: bench.store.add([review]))
    done.result(10)
    bench.changed({"reviews"})
    qtbot.waitUntil(lambda: view.case is not None and "late" in view.case.reviewers)
    assert view._matrix._model.columnCount() == 5
    new = Rationale(question_id=view.case.question.id, teacher="newcomer", text="It is 0.")
    store.background.call(lambda: bench.store.add([new])).result(10)
    bench.changed({"rationales"})
    qtbot.waitUntil(lambda: len(view._cards) == 4)
    assert view.chosen == about.id


def test_a_threshold_that_is_being_typed_stays_when_scores_are_read_anew(
    window: MainWindow, qtbot: QtBot
) -> None:
    panel = desk_of(window, qtbot).panel
    field = panel._threshold
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, "3.7")
    before = panel._book
    window.workbench.bench.changed({"decisions"})
    qtbot.waitUntil(lambda: panel._book is not before)
    assert field.lineEdit().text() == "3.7"
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert panel.policy.threshold == 3.7


def test_a_student_that_is_being_typed_stays_when_a_setting_is_kept(
    window: MainWindow, qtbot: QtBot
) -> None:
    page = cast("DataPage", window.show_page("data"))
    field = page.student._name
    qtbot.keyClicks(field, "org/mod")
    window.workbench.set_setting("anything", 1).result(10)
    page.reload({"settings"})
    assert field.text() == "org/mod"
    window.workbench.set_setting("student", "org/other").result(10)
    page.reload({"settings"})
    assert field.text() == "org/other"
    qtbot.waitUntil(lambda: page.reading.is_idle)


def test_the_cursor_stays_in_the_student_to_be_trained(window: MainWindow, qtbot: QtBot) -> None:
    page = cast("TrainingPage", window.show_page("train"))
    page._student.setCurrentText("org/model")
    field = page._student.lineEdit()
    assert field is not None
    field.setCursorPosition(3)
    page.reload({"settings"})
    assert page._student.currentText() == "org/model"
    assert field.cursorPosition() == 3
    qtbot.waitUntil(lambda: page.reading.is_idle)


def test_a_prompt_that_is_typed_on_after_saving_or_going_back_stays(
    window: MainWindow, qtbot: QtBot
) -> None:
    page = cast("CommitteePage", window.show_page("committee"))
    page._on_prompts()
    (dialog,) = page.findChildren(PromptsDialog)
    qtbot.waitUntil(lambda: bool(dialog._lines))
    text = dialog.text
    first = text.text
    text.editor.appendPlainText("Be brief.")
    text.save.click()
    text.editor.appendPlainText("Be kind.")  # while it is being stored and read anew
    qtbot.waitUntil(lambda: "Be brief." in text._stored)
    assert text.text.endswith("Be brief.\nBe kind.")
    assert text.save.isEnabled()
    place = next(n for n, one in enumerate(dialog.history._versions) if one.text in first)
    dialog.history.restored.emit(dialog.history._versions[place].number)
    qtbot.waitUntil(lambda: "Be brief." not in text._stored)
    assert text.text.endswith("Be brief.\nBe kind.")
    text.editor.setPlainText(text._stored)
    dialog.reject()


def test_what_would_change_is_found_anew_for_another_rule(window: MainWindow, qtbot: QtBot) -> None:
    desk = desk_of(window, qtbot)
    panel = desk.panel
    panel._threshold.setValue(4.6)
    assert panel.trial is not None
    desk.filters.set_filter(Filter(state="would-change"))
    changed = set(panel.trial.changed_questions)
    assert changed
    qtbot.waitUntil(lambda: set(desk.model.ids) == changed)
    panel._threshold.setValue(1.2)
    others = set(panel.trial.changed_questions)
    assert others != changed
    qtbot.waitUntil(lambda: set(desk.model.ids) == others)


def test_a_form_keeps_what_was_typed_until_it_is_stored(window: MainWindow, qtbot: QtBot) -> None:
    desk = desk_of(window, qtbot)
    desk.do("note")
    (note,) = desk.findChildren(NoteForm)
    note._text.setPlainText("Worth a second look. " * 500)
    note._on_save()
    assert "letters, this one has 10,500" in note._problem.text()
    note._text.setPlainText("Worth a second look.")
    note._tags.setText("x" * 60)
    note._on_save()
    qtbot.waitUntil(lambda: "At most" in note._problem.text())
    assert note.isVisible()
    note._tags.setText("odd")
    note._on_save()
    qtbot.waitUntil(lambda: not desk.findChildren(NoteForm))
    assert window.jobs.text == "✓ Note kept"
    desk.do("edit")
    (form,) = desk.findChildren(EditForm)
    form._text.setPlainText(" ")
    form._on_save(accept=True)
    qtbot.waitUntil(lambda: "empty rationale" in form._problem.text())
    form.reject()


def test_a_long_gold_answer_is_not_cut_by_looking_at_it(window: MainWindow, qtbot: QtBot) -> None:
    gold = "because " * 60 + "of \u200b this"
    form = GoldForm(window, Question(text="Why?", gold=gold, answer_kind="text"), print)
    qtbot.addWidget(form)
    assert isinstance(form._field, QLineEdit)
    assert form._field.text() == gold
