"""The desk's list: ids in memory, rows read when they come into sight."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor

from studio.store import desk_views
from studio.store.tables import Store
from studio.ui.parts import safe

PAGE = 100
PAGES_KEPT = 40
HEAD = ("question", "accepted", "mean")
Index = QModelIndex | QPersistentModelIndex


class DeskModel(QAbstractTableModel):
    """Questions on the desk, one a row."""

    def __init__(self, reader: Store, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reader = reader
        self._ids: list[str] = []
        self._pages: OrderedDict[int, dict[str, Any]] = OrderedDict()
        self._tinted: set[str] = set()
        self._tint = QColor()

    @property
    def ids(self) -> Sequence[str]:
        """The questions shown, in order."""
        return self._ids

    def show_ids(self, ids: list[str]) -> None:
        """Show these questions."""
        self.beginResetModel()
        self._ids = ids
        self._pages.clear()
        self.endResetModel()

    def reread(self) -> None:
        """Read the rows in sight again; the selection stays."""
        self._pages.clear()
        self._all_changed()

    def tint(self, question_ids: set[str], colour: QColor) -> None:
        """Colour the questions that a policy under trial would change."""
        self._tinted, self._tint = question_ids, colour
        self._all_changed()

    def _all_changed(self) -> None:
        if self._ids:
            last = self.index(len(self._ids) - 1, len(HEAD) - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    def _row(self, number: int) -> Any:
        page = number // PAGE
        if page not in self._pages:
            ids = self._ids[page * PAGE : (page + 1) * PAGE]
            query = desk_views.DESK_ROWS.format(marks=",".join("?" * len(ids)))
            self._pages[page] = {row["id"]: row for row in self._reader.rows(query, *ids)}
            while len(self._pages) > PAGES_KEPT:
                self._pages.popitem(last=False)
        return self._pages[page].get(self._ids[number])

    # Qt's own names

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        """Return how many questions are shown."""
        return 0 if parent.isValid() else len(self._ids)

    def columnCount(self, parent: Index = QModelIndex()) -> int:
        """Return how many columns there are."""
        return 0 if parent.isValid() else len(HEAD)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return the title of a column."""
        if role == Qt.ItemDataRole.DisplayRole and orientation is Qt.Orientation.Horizontal:
            return HEAD[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows."""
        if not index.isValid():
            return None
        if role == Qt.ItemDataRole.BackgroundRole:
            return self._tint if self._ids[index.row()] in self._tinted else None
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column():
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        row = self._row(index.row())
        if row is None:
            return None
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{row['dataset']} {row['kind']} · gold {safe(row['gold'])}"
        if index.column() == 0:
            return " ".join(safe(row["text"]).split())
        if index.column() == 1:
            return f"{row['accepted']} of {row['n']}"
        return "–" if row["mean"] is None else f"{row['mean']:.1f}"
