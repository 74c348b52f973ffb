"""The desk: decide, row by row or by rule, which rationales teach the student."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtGui import QColor, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QSplitter,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from studio.app.workbench import Workbench
from studio.domain.policy import Policy
from studio.flow.decisions import Wish
from studio.flow.scorebook import Scorebook
from studio.store import desk_views
from studio.store.desk_views import DeskFilter
from studio.store.tables import Store
from studio.ui.parts import in_background, label
from studio.ui.table_model import DeskModel
from studio.ui.theme import GRID, scheme_of
from studio.ui.widgets.case_view import CaseView
from studio.ui.widgets.threshold_panel import ThresholdPanel

KEYS = (
    ("J or ↓", "next question"), ("K or ↑", "previous question"), ("1–9", "choose a teacher"),
    ("A", "accept its rationale by hand"), ("R", "reject it by hand"),
    ("C", "clear the decision by hand"), ("Ctrl+Enter", "accept and go to the next"),
    ("/", "search"), ("Ctrl+Z", "undo"), ("Ctrl+Shift+Z", "redo"), ("?", "this sheet"),
)  # fmt: skip
_WATCHED = {"overrides", "decisions", "policies", "rationales", "reviews", "grades", "explanations"}


class DeskPage(QWidget):
    """List, three panes and the acceptance rule."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self._book: Scorebook | None = None
        self._workers: dict[str, Any] = {}
        self._build()
        self._keys()
        self.reload()

    def _build(self) -> None:
        self._model = DeskModel(self._bench.reader, self)
        self._list = QTableView()
        self._list.setModel(self._model)
        self._list.setAccessibleName("Questions")
        self._list.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self._list.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        self._list.setShowGrid(False)
        self._list.verticalHeader().hide()
        self._list.verticalHeader().setDefaultSectionSize(GRID * 4)
        head = self._list.horizontalHeader()
        head.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        head.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column, width in ((1, 72), (2, 56)):
            head.resizeSection(column, width)
        self._list.selectionModel().currentRowChanged.connect(lambda now, _: self._show(now.row()))
        self._case = CaseView(self._bench.reader)
        self._case.wished.connect(self._decide)
        self._panel = ThresholdPanel()
        self._panel.policy_tried.connect(self._on_tried)
        self._panel.apply_requested.connect(self._bench.apply_policy)
        self._empty = label("", "dim", wrap=True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        middle = QSplitter(Qt.Orientation.Horizontal)
        middle.addWidget(self._list)
        middle.addWidget(self._case)
        middle.setSizes([280, 920])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID, GRID, GRID, 0)
        layout.addLayout(self._filters())
        layout.addWidget(middle, 1)
        layout.addWidget(self._empty)
        layout.addWidget(self._panel)

    def _filters(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self._state, self._queue = QComboBox(), QComboBox()
        self._teacher, self._dataset = QComboBox(), QComboBox()
        reader = self._bench.reader
        teachers = [r[0] for r in reader.rows("SELECT name FROM teachers ORDER BY name")]
        datasets = [r[0] for r in reader.rows("SELECT DISTINCT dataset FROM questions")]
        for box, first, names in (
            (self._state, "any decision", desk_views.STATES),
            (self._queue, "no queue", desk_views.QUEUES),
            (self._teacher, "any teacher", teachers), (self._dataset, "any dataset", datasets),
        ):  # fmt: skip
            box.addItems([first, *names])
            box.setAccessibleName(f"Filter: {first}")
            box.setToolTip("Show only such questions")
            box.activated.connect(lambda _: self.reload_list())
            row.addWidget(box)
        self._search = QLineEdit()
        self._search.setPlaceholderText("search text  ( / )")
        self._search.setAccessibleName("Search in questions and rationales")
        self._search.returnPressed.connect(self.reload_list)
        self._count = label("", "dim")
        row.addWidget(self._search, 1)
        row.addWidget(self._count)
        return row

    def _keys(self) -> None:
        actions = {
            "J": lambda: self._move(1), "K": lambda: self._move(-1),
            "A": lambda: self._decide_chosen("accept"), "R": lambda: self._decide_chosen("reject"),
            "C": lambda: self._decide_chosen("clear"), "Ctrl+Return": self._accept_and_next,
            "/": self._search.setFocus,
        }  # fmt: skip
        actions |= {str(n): partial(self._case.choose, n - 1) for n in range(1, 10)}
        for keys, action in actions.items():
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(partial(self._unless_typing, action))
        leave = QShortcut(QKeySequence("Escape"), self._search)
        leave.setContext(Qt.ShortcutContext.WidgetShortcut)
        leave.activated.connect(self._list.setFocus)

    def _unless_typing(self, action: Any) -> None:
        if not isinstance(QApplication.focusWidget(), QLineEdit):
            action()

    # -- what is shown ---------------------------------------------------------------------

    def on_tables_changed(self, tables: set[str]) -> None:
        """Take over what was written, keeping the place."""
        if tables & {"rationales"} and not self._model.ids:
            self.reload()
        elif tables & _WATCHED:
            self._model.reread()
            self._show(self._list.currentIndex().row())
            self._load_book()

    def show_queue(self, name: str) -> None:
        """Show one audit queue."""
        self._queue.setCurrentText(name)
        self.reload_list()

    def reload(self) -> None:
        """Read the list and the scores anew."""
        self.reload_list()
        self._load_book()

    def reload_list(self) -> None:
        """Read the ids that the filters let through, off this thread."""
        state, queue, teacher, dataset = (
            box.currentText() if box.currentIndex() else ""
            for box in (self._state, self._queue, self._teacher, self._dataset)
        )
        wanted = DeskFilter(state, queue, teacher, dataset, self._search.text().strip())
        query, values = desk_views.desk_ids(wanted)
        project = self._bench.project

        def read() -> list[str]:
            store = Store(project, read_only=True)
            try:
                return [row[0] for row in store.rows(query, *values)]
            finally:
                store.close()

        self._workers["list"] = in_background(read, self._take_ids, failed=self._empty.setText)

    def _take_ids(self, ids: list[str]) -> None:
        self._model.show_ids(ids)
        self._empty.setText("" if ids else "No rationales here. Run what is missing on the Overview "
                            "page, import a committee's records, or loosen the filters.")  # fmt: skip
        self._empty.setVisible(not ids)
        self._count.setText(f"{len(ids):,} questions")
        if ids:
            self._select(0)

    def _load_book(self) -> None:
        project = self._bench.project

        def read() -> tuple[Scorebook, Policy]:
            store = Store(project, read_only=True)
            try:
                return Scorebook(store), store.policy()[1]
            finally:
                store.close()

        self._workers["book"] = in_background(read, self._take_book, failed=self._empty.setText)

    def _take_book(self, found: tuple[Scorebook, Policy]) -> None:
        self._book, policy = found
        self._panel.show_book(self._book, policy)

    def _on_tried(self, policy: Policy) -> None:
        assert self._book is not None  # the panel tries nothing before it has one
        book, final = self._book, self._book.final(policy)
        accepted = int((book.current == 1).sum())
        self._count.setText(f"{len(self._model.ids):,} questions · {len(book):,} rationales · "
                            f"{accepted:,} accepted")  # fmt: skip
        changed = np.unique(book.question[(book.current >= 0) & (final != book.current)])
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        tint = QColor(scheme_of(app).warn)
        tint.setAlpha(50)
        self._model.tint({book.question_ids[n] for n in changed}, tint)

    def _show(self, row: int) -> None:
        if 0 <= row < len(self._model.ids):
            self._case.show_question(self._model.ids[row])

    # -- deciding --------------------------------------------------------------------------

    def _move(self, step: int) -> None:
        self._select(self._list.currentIndex().row() + step)

    def _select(self, row: int) -> None:
        if 0 <= row < self._model.rowCount():
            flags = QItemSelectionModel.SelectionFlag
            self._list.selectionModel().setCurrentIndex(
                self._model.index(row, 0), flags.ClearAndSelect | flags.Rows
            )

    def _decide_chosen(self, wish: Wish) -> None:
        self._decide(self._case.chosen, wish)

    def _decide(self, rationale_id: str, wish: Wish) -> None:
        if rationale_id:
            self._bench.override([rationale_id], wish)

    def _accept_and_next(self) -> None:
        self._decide_chosen("accept")
        self._move(1)
