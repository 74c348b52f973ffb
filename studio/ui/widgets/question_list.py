"""The list of questions: two lines a row, painted at once, a hundred thousand rows if need be."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from studio.ui.cases import Line
from studio.ui.plain_text import one_line
from studio.ui.table_model import LINE, TINTED, DeskModel
from studio.ui.texts import tr
from studio.ui.theme import GRID, SMALL, Scheme, scheme_now

ROW = GRID * 6
Index = QModelIndex | QPersistentModelIndex


class QuestionList(QTableView):
    """Shows a ``DeskModel``; the current row is the question on the desk."""

    def __init__(self, model: DeskModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModel(model)
        self.setItemDelegate(_TwoLines(self))
        self.setAccessibleName(tr("Questions"))
        self.setToolTip(
            tr("Questions with a mistake or a rationale: J and K, or ↓ and ↑, go through them")
        )
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.horizontalHeader().hide()
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(ROW)

    def go_to(self, row: int) -> None:
        """Make ``row`` the current one, if there is such a row."""
        if 0 <= row < self.model().rowCount():
            self.selectRow(row)

    def keyboardSearch(self, search: str) -> None:
        """Don't jump about while letters are keys of the desk."""


class _TwoLines(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        del option, index
        return QSize(200, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        rect: QRect = option.rect
        state = option.state
        scheme = scheme_now()
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        painter.save()
        if chosen or index.data(TINTED):
            painter.fillRect(rect, QColor(scheme.chosen if chosen else scheme.tint))
        if index.data(TINTED):
            painter.fillRect(QRect(rect.x(), rect.y(), 3, rect.height()), QColor(scheme.warn))
        elif chosen:
            painter.fillRect(QRect(rect.x(), rect.y(), 3, rect.height()), QColor(scheme.accent))
        line = index.data(LINE)
        if isinstance(line, Line):
            _draw(painter, rect.adjusted(GRID * 3 // 2, 6, -GRID, -6), line, scheme)
        painter.setPen(QColor(scheme.line))
        painter.drawLine(rect.bottomLeft(), rect.bottomRight())
        painter.restore()


def _draw(painter: QPainter, rect: QRect, line: Line, scheme: Scheme) -> None:
    upper = QRect(rect.x(), rect.y(), rect.width(), rect.height() // 2)
    lower = QRect(rect.x(), upper.bottom() + 1, rect.width(), rect.height() - upper.height())
    painter.setPen(QColor(scheme.text))
    elide, left = Qt.TextElideMode.ElideRight, Qt.AlignmentFlag.AlignLeft
    middle = Qt.AlignmentFlag.AlignVCenter
    text = painter.fontMetrics().elidedText(one_line(line.text), elide, upper.width())
    painter.drawText(upper, left | middle, text)
    small = QFont(painter.font())
    small.setPixelSize(SMALL)
    painter.setFont(small)
    right = lower.right()
    for _, accepted, by_hand in reversed(line.marks):
        right -= _mark(painter, right, lower, accepted, by_hand, scheme)
    painter.setPen(QColor(scheme.dim))
    said = one_line(line.student) + (" ⚠" if line.doubtful else "")
    if line.mean is not None:
        said += (
            tr(" · {mean:.1f} gap {gap}", mean=line.mean, gap=line.gap)
            if line.gap
            else f" · {line.mean:.1f}"
        )
    space = max(0, right - lower.x() - GRID)
    said = painter.fontMetrics().elidedText(said, elide, space)
    painter.drawText(QRect(lower.x(), lower.y(), space, lower.height()), left | middle, said)


def _mark(
    painter: QPainter, right: int, rect: QRect, accepted: bool | None, by_hand: bool, scheme: Scheme
) -> int:
    """Draw one teacher's ✓ or ✗, underlined when a person said so; returns its width."""
    colour = scheme.dim if accepted is None else scheme.good if accepted else scheme.bad
    box = QRect(right - 14, rect.y(), 14, rect.height())
    painter.setPen(QColor(colour))
    sign = "·" if accepted is None else "✓" if accepted else "✗"
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, sign)
    if by_hand:
        painter.fillRect(QRect(box.x() + 2, box.bottom() - 1, 10, 2), QColor(colour))
    return 16
