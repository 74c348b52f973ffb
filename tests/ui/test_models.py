"""Models behind views keep Qt's rules."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from studio.domain.records import Question
from studio.store.tables import Store
from studio.ui.cases import Line, read_case
from studio.ui.sheet import SheetModel
from studio.ui.table_model import LINE, PAGE, TINTED, DeskModel
from studio.ui.widgets.review_matrix import MatrixModel


def ids_of(store: Store) -> list[str]:
    return [row[0] for row in store.rows("SELECT id FROM questions ORDER BY rowid")]


def test_the_desk_model_keeps_qts_rules(project: Path, qtmodeltester: ModelTester) -> None:
    store = Store(project, read_only=True)
    model = DeskModel(store)
    qtmodeltester.check(model)
    model.show_ids(ids_of(store))
    model.tint(frozenset(model.ids[:1]))
    model.reread()
    qtmodeltester.check(model)
    assert [model.data(model.index(n, 0), TINTED) for n in range(4)] == [True, False, False, False]
    line = model.data(model.index(1, 0), LINE)
    assert isinstance(line, Line)
    assert line.student == "1 ✗ · gold 2"
    assert line.doubtful
    assert [mark[:2] for mark in line.marks] == [
        ("gemini", True),
        ("gpt", True),
        ("mistral", False),
    ]
    store.close()


def test_rows_are_read_a_page_at_a_time(store: Store) -> None:
    store.add(Question(text=f"question {n}", gold="1") for n in range(PAGE * 3))
    model = DeskModel(store)
    model.show_ids(ids_of(store))
    asked: list[str] = []
    store.sql.set_trace_callback(asked.append)
    for row in range(PAGE, PAGE * 2):
        model.data(model.index(row, 0), Qt.ItemDataRole.DisplayRole)
    store.sql.set_trace_callback(None)
    assert len([query for query in asked if "FROM questions" in query]) == 1


def test_the_matrix_keeps_qts_rules_and_has_no_score_of_oneself(
    project: Path, qtmodeltester: ModelTester, qtbot: QtBot
) -> None:
    store = Store(project, read_only=True)
    widget = QWidget()
    qtbot.addWidget(widget)
    model = MatrixModel(widget)
    qtmodeltester.check(model)
    model.show_case(read_case(store, ids_of(store)[3]))
    qtmodeltester.check(model)
    cells = [[model.data(model.index(r, c)) for c in range(4)] for r in range(3)]
    assert cells == [["", "4", "4", "4.0"], ["missing", "", "5", "5.0"], ["5", "5", "", "5.0"]]
    model.shorten(True)
    across = [model.headerData(c, Qt.Orientation.Horizontal) for c in range(4)]
    assert across == ["1", "2", "3", "mean"]
    store.close()


def test_a_sheet_keeps_qts_rules(qtmodeltester: ModelTester) -> None:
    model = SheetModel(("name", "n"), numbers=(1,))
    qtmodeltester.check(model)
    model.show_rows([("a\nb", 1_000), ("c", 2)])
    qtmodeltester.check(model)
    model.show_rows([("a", 3), ("c", 4)])
    assert model.data(model.index(0, 1)) == "3"
    model.show_rows([])
    assert model.rowCount() == 0


def test_reading_rows_that_say_nothing_does_not_end_the_process(store: Store) -> None:
    model = DeskModel(store)
    model.show_ids(["0" * 16])
    before = sys.getrefcount(None)
    for _ in range(1_000):
        assert model.index(0, 0).data(Qt.ItemDataRole.FontRole) is None
    assert sys.getrefcount(None) > before // 2
