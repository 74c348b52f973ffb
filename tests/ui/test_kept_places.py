"""What a person looks at, has chosen or has typed stays while the project changes behind it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from studio.domain.records import Attempt, Grade, Question, Rationale, Review, Verdict
from studio.store.tables import Store
from studio.ui.main_window import MainWindow
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
