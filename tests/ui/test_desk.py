"""The desk: keys decide, a rule is tried before it is applied, and everything can be undone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from studio.domain.policy import PRESETS, Policy
from studio.domain.records import Explanation, Override, Rationale, Review
from studio.flow.scorebook import Scorebook
from studio.store.check_views import SET_CHECKS
from studio.store.tables import Store
from studio.ui.desk_filter import Filter
from studio.ui.main_window import MainWindow
from studio.ui.pages.desk import DeskPage
from studio.ui.table_model import TINTED
from studio.ui.what_if import sized, try_policy
from studio.ui.widgets.teacher_card import TeacherCard
from tests.ui.conftest import CASES, Open, desk_of

Key = Qt.Key
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def said(window: MainWindow) -> dict[tuple[str, str], bool]:
    """Return what was decided by hand: question and teacher to accepted."""
    store = window.workbench.reader
    found = {}
    for override in store.all(Override):
        rationale = store.get(Rationale, override.rationale_id)
        assert rationale is not None
        found[rationale.question_id, rationale.teacher] = override.accepted
    return found


@pytest.fixture
def window(open_window: Open, project: Path) -> MainWindow:
    return open_window(project)


@pytest.fixture
def desk(window: MainWindow, qtbot: QtBot) -> DeskPage:
    return desk_of(window, qtbot)


def test_keys_accept_reject_and_clear_the_chosen_rationale(
    window: MainWindow, desk: DeskPage, qtbot: QtBot
) -> None:
    first = desk.model.ids[0]
    qtbot.keyClick(desk.questions, Key.Key_3)
    qtbot.keyClick(desk.questions, Key.Key_A)
    qtbot.waitUntil(lambda: said(window) == {(first, "mistral"): True})
    qtbot.keyClick(desk.questions, Key.Key_R)
    qtbot.waitUntil(lambda: said(window) == {(first, "mistral"): False})
    qtbot.keyClick(desk.questions, Key.Key_C)
    qtbot.waitUntil(lambda: said(window) == {})


def test_decisions_are_undone_and_done_again(
    window: MainWindow, desk: DeskPage, qtbot: QtBot
) -> None:
    first = desk.model.ids[0]
    qtbot.keyClick(desk.questions, Key.Key_R)
    qtbot.waitUntil(lambda: said(window) == {(first, "gemini"): False})
    qtbot.keyClick(desk.questions, Key.Key_Z, CTRL)
    qtbot.waitUntil(lambda: said(window) == {})
    qtbot.waitUntil(lambda: "Undone: 1 rationale rejected by hand" in window.jobs.text)
    qtbot.keyClick(desk.questions, Key.Key_Z, CTRL | SHIFT)
    qtbot.waitUntil(lambda: said(window) == {(first, "gemini"): False})


def test_letters_and_arrows_walk_through_the_questions(desk: DeskPage, qtbot: QtBot) -> None:
    def place() -> int:
        return desk.questions.currentIndex().row()

    for key, expected in (
        (Key.Key_J, 1),
        (Key.Key_Down, 2),
        (Key.Key_K, 1),
        (Key.Key_Up, 0),
        (Key.Key_K, 0),
    ):
        qtbot.keyClick(desk.questions, key)
        assert place() == expected
        assert desk.case_view.case is not None
        assert desk.case_view.case.question.id == desk.model.ids[expected]


def test_confirm_makes_what_counts_a_persons_word_and_goes_on(
    window: MainWindow, desk: DeskPage, qtbot: QtBot
) -> None:
    first, second = desk.model.ids[:2]
    qtbot.keyClick(desk.questions, Key.Key_Return, CTRL)
    qtbot.keyClick(desk.questions, Key.Key_3)
    qtbot.keyClick(desk.questions, Key.Key_Return, CTRL)
    qtbot.waitUntil(lambda: said(window) == {(first, "gemini"): True, (second, "mistral"): False})
    assert desk.questions.currentIndex().row() == 2


def test_typing_into_the_search_triggers_no_key(
    window: MainWindow, desk: DeskPage, qtbot: QtBot
) -> None:
    qtbot.keyClick(desk.questions, Key.Key_Slash)
    search = desk.filters.search
    qtbot.waitUntil(search.hasFocus)
    qtbot.keyClicks(search, "jack adds 3 ? ")
    assert search.text() == "jack adds 3 ? "
    assert desk.questions.currentIndex().row() == 0
    qtbot.keyClick(search, Key.Key_Escape)
    assert desk.questions.hasFocus()
    assert said(window) == {}


def test_the_search_finds_questions_and_what_teachers_wrote(desk: DeskPage, qtbot: QtBot) -> None:
    desk.filters.set_filter(Filter(text="what is 2 AND"))
    qtbot.waitUntil(lambda: len(desk.model.ids) == 1)
    desk.filters.set_filter(Filter(text="mistral adds"))
    qtbot.waitUntil(lambda: len(desk.model.ids) == len(CASES))
    desk.filters.set_filter(Filter(text="100%"))
    qtbot.waitUntil(lambda: desk.model.ids == [])


def test_the_outcome_is_that_of_the_scorebook_and_nothing_is_stored_before_apply(
    window: MainWindow, desk: DeskPage, qtbot: QtBot
) -> None:
    panel, store = desk.panel, window.workbench.reader
    qtbot.waitUntil(lambda: "training steps" in panel.outcome)
    before = list(store.sql.iterdump())
    book, size = sized(Scorebook(store), store)
    for threshold in (1.0, 2.75, 4.5):
        panel._histogram._set(threshold)
        policy = Policy(name="custom", threshold=threshold, answer_gate=False, min_reviews=1)
        assert panel.policy.id == policy.id
        trial = try_policy(book, policy, size)
        assert panel.outcome.endswith(f"{trial.in_words} · {trial.more_words}")
        assert f"accepted {trial.now.accepted} → {trial.then.accepted}" in panel.outcome
        tinted = {
            desk.model.ids[n]
            for n in range(len(CASES))
            if desk.model.data(desk.model.index(n, 0), TINTED)
        }
        assert tinted == set(trial.changed_questions)
    assert list(store.sql.iterdump()) == before

    panel._apply.click()
    qtbot.waitUntil(lambda: store.policy()[1].threshold == 4.5)
    qtbot.waitUntil(lambda: panel.outcome.startswith("In force"))
    assert desk.filters.count.text().endswith(
        f"{Scorebook(store).tally(policy).accepted:,} accepted"
    )


def test_a_rule_under_trial_stays_so_while_rows_are_decided(
    window: MainWindow, desk: DeskPage, qtbot: QtBot
) -> None:
    desk.panel._try(PRESETS["studio"])
    before = desk.panel.outcome
    qtbot.keyClick(desk.questions, Key.Key_R)
    qtbot.waitUntil(lambda: "by hand stay" in desk.panel.outcome)
    assert desk.panel.outcome != before
    assert desk.panel.policy == PRESETS["studio"]
    assert window.workbench.reader.policy()[1] == PRESETS["paper"]


def test_overrides_are_taken_over_as_if_all_scores_were_read_again(
    window: MainWindow, desk: DeskPage, qtbot: QtBot
) -> None:
    for key in (Key.Key_R, Key.Key_C, Key.Key_R):
        qtbot.keyClick(desk.questions, key)
    qtbot.waitUntil(lambda: len(said(window)) == 1)
    read = Scorebook(window.workbench.reader)
    book = desk._book
    assert book is not None
    qtbot.waitUntil(lambda: book.human.tolist() == read.human.tolist())
    assert book.current.tolist() == read.current.tolist()


def test_a_restart_finds_everything_and_can_still_undo(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    window = open_window(project)
    desk = desk_of(window, qtbot)
    first = desk.model.ids[0]
    qtbot.keyClick(desk.questions, Key.Key_R)
    qtbot.waitUntil(lambda: len(said(window)) == 1)
    window.close()

    again = open_window(project)
    desk = desk_of(again, qtbot)
    assert said(again) == {(first, "gemini"): False}
    qtbot.waitUntil(lambda: desk.case_view.case is not None)
    assert desk.case_view.case is not None
    assert desk.case_view.case.rationales[0].human is False
    qtbot.keyClick(desk.questions, Key.Key_Z, CTRL)
    qtbot.waitUntil(lambda: said(again) == {})


def test_a_queue_opens_on_the_rationale_that_is_in_it(
    window: MainWindow, desk: DeskPage, qtbot: QtBot
) -> None:
    window.show_page("desk", "accepted-wrong")
    qtbot.waitUntil(lambda: len(desk.model.ids) == 1)
    case = desk.case_view.case
    assert case is not None
    chosen = next(one for one in case.rationales if one.id == desk.case_view.chosen)
    assert (chosen.teacher, chosen.accepted, chosen.verdict) == ("gemini", True, "wrong")


def test_the_mark_stands_where_the_answer_was_read(desk: DeskPage) -> None:
    (mark,) = desk.case_view._mistake._answer.extraSelections()
    assert mark.cursor.selectedText() == "0"


def test_policy_person_and_reason_are_shown_apart(desk: DeskPage, qtbot: QtBot) -> None:
    qtbot.keyClick(desk.questions, Key.Key_R)
    qtbot.waitUntil(
        lambda: desk.case_view.case is not None and desk.case_view.case.rationales[0].human is False
    )
    words = [label.text() for label in desk.case_view._cards[0].findChildren(QLabel)]
    assert "✓ accepted" in words
    assert "mean 5 above 3" in words
    assert "✗ rejected" in words


def test_an_empty_desk_says_what_to_do(open_window: Open, empty: Path, qtbot: QtBot) -> None:
    window = open_window(empty)
    desk = window.show_page("desk")
    assert isinstance(desk, DeskPage)
    qtbot.waitUntil(lambda: desk.filters.count.text().startswith("0 questions"))
    assert desk._stack.currentIndex() == 0
    assert not desk.panel._apply.isEnabled()
    qtbot.keyClick(desk, Key.Key_A)


def test_an_explanation_shows_who_scored_it_and_what_its_text_betrays(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    store = Store(project)
    explanation = next(store.all(Explanation, "teacher = 'gpt'"))
    store.add([Review(subject_id=explanation.id, subject_kind="explanation", reviewer="gemini",
                      score=2, comment="Not the cause."),
               Review(subject_id=explanation.id, subject_kind="explanation", reviewer="mistral",
                      score=None, missing="no score in the reply")])  # fmt: skip
    store.execute(SET_CHECKS, json.dumps([
        [explanation.id, "explanation", 8, json.dumps({"cites the answer": "The hint"}), "checks:1"]
    ]))  # fmt: skip
    question = store.value("SELECT question_id FROM attempts WHERE id = ?", explanation.attempt_id)
    store.close()
    desk = desk_of(open_window(project), qtbot)
    desk.case_view.show_question(question)

    def cards() -> list[TeacherCard]:
        found = desk.case_view.findChildren(TeacherCard)
        return [one for one in found if "gpt" in one.accessibleName() and one.isVisible()]

    qtbot.waitUntil(lambda: len(cards()) == 1)
    (card,) = cards()
    assert card.scored.isVisible()
    assert card.scored.text() == "explanation scored by gemini 2, mistral –"
    assert "gemini: Not the cause." in card.scored.toolTip()
    leak = next(one for one in card.findChildren(QLabel) if "cites the answer" in one.text())
    assert not leak.isVisible()
    fold = next(one for one in card.findChildren(QPushButton) if "What went wrong" in one.text())
    fold.click()
    assert leak.isVisible()
