"""The bar above the list: menus that filter and sort, chips that take away, views that are kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QInputDialog, QMenu, QPushButton
from pytestqt.qtbot import QtBot

from studio.ui.desk_filter import Filter
from studio.ui.main_window import MainWindow
from studio.ui.pages.desk import DeskPage
from tests.ui.conftest import CASES, Open, desk_of


@pytest.fixture
def window(open_window: Open, project: Path) -> MainWindow:
    return open_window(project)


@pytest.fixture
def desk(window: MainWindow, qtbot: QtBot) -> DeskPage:
    return desk_of(window, qtbot)


def pick(button: QPushButton, *path: str) -> None:
    """Choose an entry of a button's menu by the texts that lead to it."""
    menu = button.menu()
    menu.aboutToShow.emit()
    kept = []  # older versions of Qt's bindings delete what they have lent when it is let go of
    for text in path[:-1]:
        kept += menu.actions()
        menu = next(a for a in kept if a.text() == text).menu()
        assert isinstance(menu, QMenu)
    next(action for action in menu.actions() if action.text() == path[-1]).trigger()


def entries(button: QPushButton) -> list[str]:
    """Return what a button's menu offers."""
    button.menu().aboutToShow.emit()
    return [action.text() for action in button.menu().actions() if action.text()]


def test_conditions_add_up_and_each_chip_takes_one_away(desk: DeskPage, qtbot: QtBot) -> None:
    bar = desk.filters
    pick(bar._more, "Dataset", "set 1")
    pick(bar._more, "Answer of the rationale", "correct")
    pick(bar._more, "Mean score at least …", "4.50")
    assert bar.chips.texts == [
        "dataset set 1  ✕",
        "rationale’s answer correct  ✕",
        "mean ≥ 4.50  ✕",
    ]
    qtbot.waitUntil(lambda: len(desk.model.ids) == 1)
    bar.chips._buttons[0].click()
    qtbot.waitUntil(lambda: len(desk.model.ids) == 2)
    assert bar.filter == Filter(verdict="correct", mean_from=4.5)
    pick(bar._more, "Take all filters away")
    qtbot.waitUntil(lambda: len(desk.model.ids) == len(CASES))
    assert bar.chips.texts == []
    assert not bar.chips.isVisible()


def test_only_columns_with_a_choice_are_offered(desk: DeskPage) -> None:
    offered = entries(desk.filters._more)
    assert {"Teacher", "Reviewer", "Dataset", "Doubts"} <= set(offered)
    assert not {"Student", "Round", "Split", "Kind of question"} & set(offered)


def test_a_number_of_ones_own_is_asked_for(desk: DeskPage, qtbot: QtBot) -> None:
    pick(desk.filters._more, "Mean score at most …", "Another number …")
    (asked,) = desk.filters.findChildren(QInputDialog)
    asked.setDoubleValue(1.75)
    asked.accept()
    qtbot.waitUntil(lambda: desk.filters.filter.mean_to == 1.75)
    qtbot.waitUntil(lambda: len(desk.model.ids) == 2)


def test_orders_are_added_turned_and_taken_away(desk: DeskPage, qtbot: QtBot) -> None:
    bar, before = desk.filters, list(desk.model.ids)
    pick(bar._order, "Gap between scores", "Smallest first ↑")
    pick(bar._order, "Order of import", "Largest first ↓")
    assert bar.filter.sort == (("gap", False), ("question", True))
    qtbot.waitUntil(lambda: list(desk.model.ids) == before[::-1])
    pick(bar._order, "Gap between scores", "Largest first ↓")
    assert bar.filter.sort == (("question", True), ("gap", True))
    pick(bar._order, "In order of import only")
    qtbot.waitUntil(lambda: list(desk.model.ids) == before)


def test_a_view_is_kept_over_a_restart_and_can_be_deleted(
    window: MainWindow, desk: DeskPage, open_window: Open, project: Path, qtbot: QtBot
) -> None:
    wanted = Filter(state="rejected", dataset="set 0", sort=(("mean", False),))
    desk.filters.set_filter(wanted)
    pick(desk.filters._saved, "Save this view …")
    (asked,) = desk.filters.findChildren(QInputDialog)
    asked.setTextValue(" To & fro ")
    asked.accept()
    qtbot.waitUntil(lambda: "To & fro" in desk.filters._views)
    window.close()

    desk = desk_of(open_window(project), qtbot)
    qtbot.waitUntil(lambda: "To & fro" in desk.filters._views)
    pick(desk.filters._saved, "To && fro")
    assert desk.filters.filter == wanted
    pick(desk.filters._saved, "Delete", "To && fro")
    qtbot.waitUntil(lambda: desk.filters._views == {})
    assert entries(desk.filters._saved) == ["Save this view …"]


def test_new_texts_are_found_while_the_words_stand_there(
    window: MainWindow, desk: DeskPage, tmp_path: Path, qtbot: QtBot
) -> None:
    from studio.domain.records import Question, Rationale

    desk.filters.set_filter(Filter(text="quinces"))
    qtbot.waitUntil(lambda: not desk.model.ids and desk._stack.currentIndex() == 0)
    bench = window.workbench

    def add() -> None:
        question = Question(text="How many quinces?", gold="1")
        bench.store.add([question, Rationale(question_id=question.id, teacher="gpt", text="One.")])
        bench.bus.tables_changed({"questions", "rationales"})

    bench.background.call(add)
    qtbot.waitUntil(lambda: len(desk.model.ids) == 1)
    assert desk._found.indexed is not None


def test_tags_are_offered_as_soon_as_one_is_written_and_filter(
    desk: DeskPage, qtbot: QtBot
) -> None:
    bar, writer = desk.filters, desk.workbench.by_hand
    first, second = list(desk.model.ids)[:2]
    assert "Tag" not in entries(bar._more)
    writer.write_note(first, "look again", ["odd", "long"]).result()
    writer.write_note(second, "", ["long"]).result()
    qtbot.waitUntil(lambda: bar._tags == ("long", "odd"))
    assert "Tag" in entries(bar._more)
    bar.set_filter(Filter(tag="odd"))
    qtbot.waitUntil(lambda: list(desk.model.ids) == [first])
    writer.write_note(second, "", ["long", "odd"]).result()
    qtbot.waitUntil(lambda: list(desk.model.ids) == [first, second])
    assert bar.chips.texts == ["tagged odd  ✕"]
