"""The desk's list: ids in memory, rows read when they come into sight."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from studio.flow.columns import Chosen, Ids
from studio.store.tables import Store
from studio.ui.cases import Line, read_lines
from studio.ui.plain_text import as_tip, one_line

PAGE = 24  #: rows read at once: as many as are in sight
PAGES_KEPT = 100
LINE = Qt.ItemDataRole.UserRole  #: the role under which a row gives its ``Line``
TINTED = Qt.ItemDataRole.UserRole + 1  #: whether the rule under trial would change it
Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()


class DeskModel(QAbstractTableModel):
    """Questions on the desk, one a row, one wide column."""

    def __init__(self, reader: Store, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reader = reader
        self.ids: Sequence[str] = Ids.of(())
        self._pages: OrderedDict[int, dict[str, Line]] = OrderedDict()
        self._tinted: Collection[str] = frozenset()

    def show_ids(self, ids: Sequence[str]) -> None:
        """Show these questions."""
        self.beginResetModel()
        self.ids = ids
        self._pages.clear()
        self.endResetModel()

    def reread(self) -> None:
        """Read the rows in sight again; the selection stays."""
        self._pages.clear()
        self._all_changed()

    def tint(self, question_ids: Collection[str]) -> None:
        """Mark the questions that the rule under trial would change."""
        same = isinstance(question_ids, Chosen) and question_ids.same_as(self._tinted)
        self._tinted = question_ids
        if not same:
            self._all_changed()

    def line(self, number: int) -> Line | None:
        """Return a row, read together with its neighbours."""
        page = number // PAGE
        if page not in self._pages:
            ids = self.ids[page * PAGE : (page + 1) * PAGE]
            self._pages[page] = read_lines(self._reader, ids)
            while len(self._pages) > PAGES_KEPT:
                self._pages.popitem(last=False)
        return self._pages[page].get(self.ids[number])

    def _all_changed(self) -> None:
        if self.ids:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.ids) - 1, 0))

    # Qt's own names

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        """Return how many questions are shown."""
        return 0 if parent.isValid() else len(self.ids)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        """Return 1: a row is painted as a whole."""
        return 0 if parent.isValid() else 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a row shows."""
        if not index.isValid() or index.row() >= len(self.ids):
            return None
        if role == TINTED:
            return self.ids[index.row()] in self._tinted
        roles = Qt.ItemDataRole
        if role not in (LINE, roles.DisplayRole, roles.ToolTipRole, roles.AccessibleTextRole):
            return None
        line = self.line(index.row())
        if line is None or role == LINE:
            return line
        if role == roles.DisplayRole:
            return one_line(line.text)
        spoken = one_line(line.spoken, most=400)
        return as_tip(spoken) if role == roles.ToolTipRole else spoken
