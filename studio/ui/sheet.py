"""Small read-only tables: rows of cells, numbers to the right, one row that can be chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from studio.ui.plain_text import as_tip, one_line
from studio.ui.texts import tr
from studio.ui.theme import GRID, scheme_now
from studio.ui.words import count

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
_LEAST = GRID * 8  #: pixels that the column which takes the rest keeps


class SheetModel(QAbstractTableModel):
    """Cells as they are: numbers stay numbers until they are shown."""

    def __init__(
        self, head: Sequence[str], numbers: Sequence[int] = (), parent: QWidget | None = None,
        about: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._about = about or {}
        self._head = tuple(head)
        self._numbers = frozenset(numbers)
        self._rows: list[tuple[Any, ...]] = []

    def show_rows(self, rows: list[tuple[Any, ...]]) -> None:
        """Show these rows; where only cells differ, the selection stays."""
        if len(rows) == len(self._rows) and rows:
            self._rows = rows
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(self._head) - 1))
            return
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    # Qt's own names

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        """Return how many rows there are."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        """Return how many columns there are."""
        return 0 if parent.isValid() else len(self._head)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return the title of a column."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._side(section)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._about.get(self._head[section])
        return self._head[section] if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell."""
        if not index.isValid():
            return None
        value = self._rows[index.row()][index.column()]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._side(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return count(value) if isinstance(value, int) else one_line(str(value), most=160)
        if role == Qt.ItemDataRole.ToolTipRole:
            return as_tip(one_line(str(value), most=600))
        return None

    def _side(self, place: int) -> int:
        flags = Qt.AlignmentFlag
        side = flags.AlignRight if place in self._numbers else flags.AlignLeft
        return int(side | flags.AlignVCenter)


class Sheet(QTableView):
    """Shows a ``SheetModel``.

    Args:
        numbers: places of the columns that hold numbers.
        empty: what is said where there are no rows.
        stretch: place of the column that takes the space left over.
        about: what a column means, by its title, where that is not plain.

    Signals:
        chosen(int): another row is the current one.
        opened(int): a row was double-clicked, or Enter pressed on it.
    """

    chosen = Signal(int)
    opened = Signal(int)

    def __init__(
        self,
        head: Sequence[str],
        *,
        name: str,
        widths: Sequence[int] = (),
        numbers: Sequence[int] = (),
        stretch: int = -1,
        empty: str = "",
        about: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.setProperty("role", "sheet")
        self._empty, self._numbers = empty, tuple(numbers)
        self.sheet = SheetModel(head, numbers, self, about)
        self.setModel(self.sheet)
        self.setAccessibleName(name)
        self.setToolTip(tr("{name}: ↑ ↓ move through the rows", name=name))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(GRID * 4)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setTextElideMode(Qt.TextElideMode.ElideRight)
        self._stretched = range(len(head))[stretch]
        header.setSectionResizeMode(self._stretched, QHeaderView.ResizeMode.Stretch)
        header.ensurePolished()  # else its bold letters are not known yet
        for place, width in enumerate(widths):
            header.resizeSection(place, max(width, header.sectionSizeHint(place)))
        self.selectionModel().currentRowChanged.connect(lambda now, _: self.chosen.emit(now.row()))
        self.activated.connect(lambda index: self.opened.emit(index.row()))

    def show_rows(self, rows: list[tuple[Any, ...]]) -> None:
        """Show these rows; a number is never cut, so its column grows where it has to."""
        self.sheet.show_rows(rows)
        header = self.horizontalHeader()
        for place in self._numbers if rows else ():
            if place != self._stretched:
                header.resizeSection(
                    place, max(header.sectionSize(place), self.sizeHintForColumn(place))
                )
        self._give_room()

    def say_empty(self, text: str) -> None:
        """Say this where there are no rows: that none were found, are read, or could be read."""
        self._empty = text
        self.viewport().update()

    def _give_room(self) -> None:
        """Let one column take what is left, or, where that is too little, the table be scrolled."""
        header, place = self.horizontalHeader(), self._stretched
        others = sum(header.sectionSize(n) for n in range(header.count()) if n != place)
        least = max(_LEAST, header.sectionSizeHint(place))
        modes = QHeaderView.ResizeMode
        fits = self.viewport().width() - others >= least
        header.setSectionResizeMode(place, modes.Stretch if fits else modes.Interactive)
        if not fits:
            header.resizeSection(place, least)

    # Qt's own names

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Use the room there is."""
        super().resizeEvent(event)
        self._give_room()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the rows, or say why there are none."""
        super().paintEvent(event)
        if self._empty and not self.sheet.rowCount():
            painter = QPainter(self.viewport())
            painter.setPen(QColor(scheme_now().dim))
            painter.drawText(self.viewport().rect(), Qt.AlignmentFlag.AlignCenter, self._empty)
            painter.end()
