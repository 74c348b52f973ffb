"""The list of questions on the Data page: ids in memory, rows read when they come into sight."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NamedTuple

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from studio.flow.columns import Ids
from studio.store.question_views import QUESTION_ROWS
from studio.store.tables import Store
from studio.ui.plain_text import as_tip, one_line
from studio.ui.texts import mark, tr
from studio.ui.words import SIGNS

PAGE = 24  #: rows read at once
PAGES_KEPT = 100
HEAD = (mark("Question"), mark("Gold"), mark("Answered"), mark("Kind"), mark("Key"))
WIDTHS = (400, 88, 128, 128, 176)
Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()


class QuestionRow(NamedTuple):
    """One line of the list."""

    text: str
    gold: str
    asked: bool  #: whether the student has answered it
    verdict: str  #: of the student's newest attempt; empty: not asked, or not graded yet
    extracted: str
    doubted: bool
    kind: str
    key: str

    @property
    def answered(self) -> str:
        """Return what the student answered, with the sign of its verdict."""
        if not self.verdict:
            return tr("not graded yet") if self.asked else ""
        sign = SIGNS.get(self.verdict, "·") + (" ⚠" if self.doubted else "")
        return f"{sign} {one_line(self.extracted, most=40)}".strip()


def read_rows(store: Store, ids: Sequence[str], *, student: str) -> dict[str, QuestionRow]:
    """Return these questions by id, with what ``student`` last answered to each."""
    found = {}
    for row in store.rows(QUESTION_ROWS, student, json.dumps(list(ids))):
        verdict, extracted, doubts = json.loads(row["answer"] or "[null, null, null]")
        found[row["id"]] = QuestionRow(
            row["text"], row["gold"], row["answer"] is not None, verdict or "", extracted or "", (doubts or "[]") != "[]",
            row["kind"], row["key"])  # fmt: skip
    return found


class QuestionModel(QAbstractTableModel):
    """Questions in order of import, one a row."""

    def __init__(self, reader: Store, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reader = reader
        self._student = ""
        self._pages: OrderedDict[int, dict[str, QuestionRow]] = OrderedDict()
        self.ids: Sequence[str] = Ids.of(())

    def show_ids(self, ids: Sequence[str], *, student: str) -> None:
        """Show these questions; where they are the same as before, the place in the list stays."""
        self._student = student
        self._pages.clear()
        if len(ids) and ids == self.ids:
            self.dataChanged.emit(self.index(0, 0), self.index(len(ids) - 1, len(HEAD) - 1))
            return
        self.beginResetModel()
        self.ids = ids
        self.endResetModel()

    def row_of(self, number: int) -> QuestionRow | None:
        """Return a row, read together with its neighbours; None: the question is gone."""
        page = number // PAGE
        if page not in self._pages:
            ids = self.ids[page * PAGE : (page + 1) * PAGE]
            self._pages[page] = read_rows(self._reader, ids, student=self._student)
            while len(self._pages) > PAGES_KEPT:
                self._pages.popitem(last=False)
        return self._pages[page].get(self.ids[number])

    # Qt's own names

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        """Return how many questions are shown."""
        return 0 if parent.isValid() else len(self.ids)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        """Return how many columns there are."""
        return 0 if parent.isValid() else len(HEAD)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return the title of a column."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        return tr(HEAD[section]) if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell."""
        roles = Qt.ItemDataRole
        if not index.isValid() or role not in (roles.DisplayRole, roles.ToolTipRole):
            return None
        row = self.row_of(index.row())
        if row is None:
            return None
        cell = (row.text, row.gold, row.answered, row.kind, row.key)[index.column()]
        return (
            one_line(cell, most=160)
            if role == roles.DisplayRole
            else as_tip(one_line(cell, most=600))
        )
