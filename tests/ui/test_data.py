"""The Data page: what a file holds before it is taken, held-out questions, and the exam."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from studio.domain.records import Attempt, Question
from studio.store.tables import Store
from studio.ui.hold_out_form import HoldOutForm
from studio.ui.import_form import ImportForm
from studio.ui.main_window import MainWindow
from studio.ui.pages.data import DataPage
from studio.ui.sheet import Sheet
from tests.ui.conftest import Open

NAMES = ("Ann", "Bob", "Cid", "Dora", "Eve")


def data_page(window: MainWindow) -> DataPage:
    page = window.show_page("data")
    assert isinstance(page, DataPage)
    return page


def form_of(page: DataPage, *files: Path) -> ImportForm:
    page.show_this(files)
    (form,) = page.findChildren(ImportForm)
    return form


def cell(form: ImportForm, row: int, column: int) -> object:
    return form._sheet.sheet.data(form._sheet.sheet.index(row, column))


def test_columns_by_other_names_are_guessed_shown_and_can_be_corrected(
    open_window: Open, empty: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    file = tmp_path / "some questions.csv"
    file.write_text(
        "problem,target,topic,hint\nWhat is 1 and 1?,2,sums,two\nWhat is 2 and 2?,4,sums,four\n"
    )
    window = open_window(empty)
    form = form_of(data_page(window), file)
    qtbot.waitUntil(lambda: form._sheet.sheet.rowCount() == 2)
    assert [cell(form, 0, n) for n in (1, 2, 3, 4)] == [
        "What is 1 and 1?",
        "2",
        "a number",
        "train",
    ]
    assert form._boxes["question"].currentData() == "problem"
    answer = form._boxes["answer"]
    answer.setCurrentIndex(answer.findData("hint"))
    qtbot.waitUntil(lambda: cell(form, 0, 2) == "two")
    form._split.setCurrentIndex(2)
    qtbot.waitUntil(lambda: cell(form, 0, 4) == "held out")
    copy = next(b for b in form.findChildren(type(form._go)) if b.text() == "Copy as command")
    copy.click()
    copied = QGuiApplication.clipboard().text()
    assert copied.startswith("mapd-studio import ")
    assert "--split test --map question=problem --map answer=hint --map kind=topic" in copied
    form._go.click()
    qtbot.waitUntil(lambda: window.workbench.reader.count(Question) == 2)
    (first, _) = window.workbench.reader.all(Question)
    assert (first.gold, first.split, first.kind) == ("two", "test", "sums")


def test_a_refused_file_says_why_and_cannot_be_taken(
    open_window: Open, empty: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    file = tmp_path / "wide.csv"
    file.write_text("x,y\n1,2\n")
    form = form_of(data_page(open_window(empty)), file)
    qtbot.waitUntil(lambda: "no column 'question'" in form._problem.text())
    assert not form._go.isEnabled()
    for ours, theirs in (("question", "x"), ("answer", "y")):
        form._boxes[ours].setCurrentIndex(form._boxes[ours].findData(theirs))
    qtbot.waitUntil(form._go.isEnabled)
    assert form._problem.text() == ""


def test_bad_rows_are_listed_and_left_out_only_when_asked(
    open_window: Open, empty: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    rows = [
        json.dumps({"question": f"What is {n} and {n}?", "answer": str(2 * n)}) for n in range(5)
    ]
    rows[2:2] = ['{"question": "no answer"}', "{"]
    file = tmp_path / "mixed.jsonl"
    file.write_text("\n".join(rows))
    window = open_window(empty)
    form = form_of(data_page(window), file)
    qtbot.waitUntil(lambda: "line 4: broken JSON" in form._problem.text())
    assert "line 3: no 'answer' in this row" in form._problem.text()
    assert not form._go.isEnabled()
    form._skip.setChecked(True)
    assert form._go.isEnabled()
    form._go.click()
    qtbot.waitUntil(lambda: window.workbench.reader.count(Question) == 5)
    assert (tmp_path / "mixed.jsonl.bad.jsonl").read_text().count("\n") == 2


@pytest.fixture
def many(tmp_path: Path) -> Path:
    store = Store.create(tmp_path / "many")
    store.add(
        Question(text=f"{NAMES[n % 5]} has {n} pens and gives {n // 2} away at shop {n}.", gold=str(n),
                 split="test" if n % 10 == 9 else "train")
        for n in range(40)
    )  # fmt: skip
    store.add(
        [Question(text="Ann has 5 pens and gives 2 away at shop 5 .", gold="5", split="test")]
    )
    store.add([Question(text="Ann has 5 pens and gives 2 away at shop 5?", gold="5")])
    store.close()
    return tmp_path / "many"


def test_questions_are_held_out_from_the_page_and_undone(
    open_window: Open, many: Path, qtbot: QtBot
) -> None:
    window = open_window(many)
    page = data_page(window)
    qtbot.waitUntil(lambda: "37 questions to learn from, 5 held out" in page._split_text.text())
    qtbot.waitUntil(lambda: "⚠ 2 train questions stand among" in page._split_text.text())
    page._hold.click()
    (form,) = page.findChildren(HoldOutForm)
    assert form._sum.text() == "About 7 of 37 train questions."
    form._on_go()
    qtbot.waitUntil(lambda: "30 questions to learn from, 12 held out" in page._split_text.text())
    window.undo()
    qtbot.waitUntil(lambda: "37 questions to learn from, 5 held out" in page._split_text.text())
    page._pairs.click()
    qtbot.waitUntil(lambda: [one.sheet.rowCount() for one in page.findChildren(Sheet)
                             if one.accessibleName() == "Near duplicates"] == [3])  # fmt: skip


def test_an_exam_is_told_with_its_n_and_interval(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    store = Store(project)
    store.set_setting("student", "small")
    store.close()
    page = data_page(open_window(project))
    qtbot.waitUntil(
        lambda: (
            page.student._exams.text() == "Round 0, train: 0 of 4 right (0.0 %, 0.0 % to 49.0 %)"
        )
    )
    assert page.student._sit.isEnabled()
    page.student._name.setText("/nowhere/at all")
    page.student._on_use()
    qtbot.waitUntil(lambda: "there is no folder /nowhere/at all" in page.student._problem.text())
    page.student._problem.setText("")
    page.student._sit.click()
    qtbot.waitUntil(lambda: "there is no folder /nowhere/at all" in page.student._problem.text())
    assert page.workbench.reader.setting("student", "") == "small"
    page.student._name.setText("org/model")
    page.student._on_use()
    qtbot.waitUntil(lambda: page.workbench.reader.setting("student", "") == "org/model")
    assert page.student._problem.isHidden()


def test_questions_are_browsed_narrowed_and_put_right(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    window = open_window(project)
    page = data_page(window)
    browser = page._browser
    window.workbench.set_setting("student", "student").result()
    page.reload()
    qtbot.waitUntil(lambda: len(browser.model.ids) == 4)
    text = browser.model.index(1, 0).data()
    assert text == "What is 1 and 1?"
    page._sheet.selectRow(1)
    qtbot.waitUntil(lambda: len(browser.model.ids) == 2)
    page._sheet.selectRow(2)  # all datasets
    qtbot.waitUntil(lambda: len(browser.model.ids) == 4)
    qtbot.keyClicks(browser.search, "3 AND")
    qtbot.waitUntil(lambda: browser.model.index(0, 0).data() == "What is 3 and 3?")
    assert browser._count.text() == "1 question"
    browser.search.setText("100%_")  # no pattern of SQL's
    qtbot.waitUntil(lambda: len(browser.model.ids) == 0)
    browser.search.clear()
    qtbot.waitUntil(lambda: len(browser.model.ids) == 4)


def test_a_question_opens_with_all_its_answers_and_its_gold_can_be_corrected(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    window = open_window(project)
    page = data_page(window)
    browser = page._browser
    qtbot.waitUntil(lambda: len(browser.model.ids) == 4)
    browser.table.selectRow(2)
    browser.table.setFocus()
    qtbot.keyClick(browser.table, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page._dialog is not None and page._dialog.isVisible())
    dialog = page._dialog
    assert dialog is not None
    assert dialog.case is not None
    assert dialog.case.text == "What is 2 and 2?"
    window.workbench.by_hand.correct_gold(dialog.case.question.id, "5").result()
    qtbot.waitUntil(lambda: dialog.case is not None and dialog.case.question.gold == "5")
    qtbot.waitUntil(lambda: browser.model.index(2, 1).data() == "5")
    dialog.accept()


def test_columns_that_hold_nothing_are_left_out_and_ungraded_answers_say_so(
    open_window: Open, empty: Path, qtbot: QtBot
) -> None:
    store = Store(empty)
    asked, other = Question(text="How many?", gold="3"), Question(text="How few?", gold="4")
    store.add([asked, other, Attempt(question_id=asked.id, student="small", text="Answer: 2")])
    store.close()
    page = data_page(open_window(empty))
    model, table = page._browser.model, page._browser.table
    qtbot.waitUntil(lambda: len(model.ids) == 2)
    qtbot.waitUntil(lambda: table.isColumnHidden(3) and table.isColumnHidden(4))
    qtbot.waitUntil(lambda: model.index(0, 2).data() == "not graded yet")
    assert model.index(1, 2).data() == ""
    assert "answers of small are here" in page.student._exams.text()
