"""Who scored whom, and how: authors down, reviewers across, the mean at the end."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from studio.ui.cases import Case, Said, Scored, mean_text
from studio.ui.drawn_text import DrawnText
from studio.ui.formulas import Formulas
from studio.ui.parts import button, column, label, row
from studio.ui.plain_text import as_tip, one_line
from studio.ui.texts import tr
from studio.ui.theme import GRID, scheme_now

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
ROW = GRID * 4
_MOST_ROWS = 8  #: more are scrolled
_NAMES_MOST = GRID * 14  #: pixels the name of an author gets at most, or a good third of the table
_CELL = GRID * 3  #: pixels a score needs
_MEAN = GRID * 6
_MARGIN = GRID * 2  #: pixels around a name
_LOW, _HIGH = 3, 4  #: scores up to and from which a cell is coloured


class MatrixModel(QAbstractTableModel):
    """One rationale a row, one reviewer a column, and their mean."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._widget = parent
        self._case: Case | None = None
        self._short = False
        self._room = _NAMES_MOST

    def show_case(self, case: Case | None) -> None:
        """Show the scores of this case."""
        self.beginResetModel()
        self._case = case
        self.endResetModel()

    def shorten(self, short: bool) -> None:
        """Call reviewers by their numbers, where there is no room for names."""
        if short != self._short:
            self._short = short
            last = max(0, self.columnCount() - 1)
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, last)

    @property
    def is_short(self) -> bool:
        """Whether reviewers are called by their numbers."""
        return self._short

    def give_room(self, room: int) -> None:
        """Cut the names of authors to so many pixels."""
        if room != self._room:
            self._room = room
            last = max(0, self.rowCount() - 1)
            self.headerDataChanged.emit(Qt.Orientation.Vertical, 0, last)

    @property
    def widest(self) -> int:
        """How many pixels the longest name of a reviewer takes."""
        metrics = QFontMetrics(_bold(self._widget.font()))
        names = self._case.reviewers if self._case else ()
        return max(
            (metrics.horizontalAdvance(one_line(name, most=24)) for name in names), default=0
        )

    def said(self, row: int) -> Said | None:
        """Return the rationale of a row."""
        rationales = self._case.rationales if self._case else ()
        return rationales[row] if 0 <= row < len(rationales) else None

    def scored(self, row: int, place: int) -> Scored | None:
        """Return the review of a cell."""
        said = self.said(row)
        if self._case is None or said is None or not 0 <= place < len(self._case.reviewers):
            return None
        return self._case.scores.get((said.id, self._case.reviewers[place]))

    def is_own(self, row: int, place: int) -> bool:
        """Return whether a cell would be a teacher's score of itself."""
        said = self.said(row)
        names = self._case.reviewers if self._case else ()
        return said is not None and place < len(names) and names[place] == said.teacher

    # Qt's own names

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        """Return how many rationales there are."""
        return 0 if parent.isValid() or self._case is None else len(self._case.rationales)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        """Return how many reviewers there are, and one for the mean."""
        return 0 if parent.isValid() or self._case is None else len(self._case.reviewers) + 1

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return the names."""
        roles = Qt.ItemDataRole
        if self._case is None or role not in (roles.DisplayRole, roles.ToolTipRole):
            return None
        if orientation is Qt.Orientation.Vertical:
            said = self.said(section)
            name = f"{section + 1} {one_line(said.teacher, most=24)}" if said else ""
            if role == roles.ToolTipRole:
                return as_tip(name)
            metrics = QFontMetrics(_bold(self._widget.font()))
            return metrics.elidedText(name, Qt.TextElideMode.ElideRight, self._room)
        names = self._case.reviewers
        if section >= len(names):
            return tr("mean")
        short = self._short and role == roles.DisplayRole
        name = str(section + 1) if short else one_line(names[section], most=24)
        return as_tip(name) if role == roles.ToolTipRole else name

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a score, or why there is none."""
        if self._case is None or not index.isValid():
            return None
        is_mean = index.column() == len(self._case.reviewers)
        scored = self.scored(index.row(), index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(index, scored, is_mean)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignCenter)
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._colour(scored, is_mean)
        if role == Qt.ItemDataRole.FontRole and is_mean:
            return _bold(QFont())
        if role == Qt.ItemDataRole.ToolTipRole and scored is not None:
            return as_tip(one_line(scored.missing or scored.comment, most=300))
        return None

    def _text(self, index: Index, scored: Scored | None, is_mean: bool) -> str:
        said = self.said(index.row())
        if self._case is None or said is None:
            return ""
        if is_mean:
            return mean_text(self._case.mean(said.id))
        if scored is None:
            return "" if self.is_own(index.row(), index.column()) else "–"
        if scored.score is None:
            return "?" if self._short else tr("missing")
        return str(scored.score)

    def _colour(self, scored: Scored | None, is_mean: bool) -> QColor:
        scheme = scheme_now()
        if is_mean:
            return QColor(scheme.text)
        if scored is None or scored.score is None:
            return QColor(scheme.dim if scored is None else scheme.warn)
        if scored.score >= _HIGH:
            return QColor(scheme.good)
        return QColor(scheme.bad if scored.score < _LOW else scheme.text)


def _bold(font: QFont) -> QFont:
    made = QFont(font)
    made.setBold(True)
    return made


class ReviewMatrix(QWidget):
    """The scores of one question's rationales; the comment of the chosen cell below.

    Signals:
        raw_reply_requested(str): the reply of this call is asked for.
    """

    raw_reply_requested = Signal(str)

    def __init__(self, formulas: Formulas) -> None:
        super().__init__()
        self._model = MatrixModel(self)
        self._table = QTableView()
        self._table.setModel(self._model)
        self._table.setAccessibleName(tr("Scores: authors down, reviewers across"))
        self._table.setToolTip(tr("Scores from 1 to 5. Choose one to read its comment"))
        self._table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self._table.setTabKeyNavigation(False)
        self._table.setCornerButtonEnabled(False)
        self._table.setProperty("role", "matrix")
        self._table.horizontalHeader().setMinimumSectionSize(_CELL)
        self._table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self._table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self._table.verticalHeader().setDefaultSectionSize(ROW)
        self._table.selectionModel().currentChanged.connect(lambda now, _: self._on_chosen(now))
        self._who = label("", "head", wrap=True)
        self._comment = DrawnText(tr("Comment of the chosen review"), formulas)
        self._price = label("", "small", wrap=True)
        self._call_id = ""
        self._raw = button(tr("Raw reply"), lambda: self.raw_reply_requested.emit(self._call_id), role="quiet",
                           tip=tr("Show what the endpoint answered, byte for byte"))  # fmt: skip
        self._axes = label("", "small")
        self.setLayout(column(self._axes, self._table, self._who,
                              self._comment, row(self._price, None, self._raw)))  # fmt: skip

    def show_case(self, case: Case | None, *, keep: bool = False) -> None:
        """Show the scores of this case, and the comment that says most, or is read already."""
        chosen = self._chosen() if keep else None
        self._model.show_case(case)
        rows = self._model.rowCount()
        header = self._table.horizontalHeader().sizeHint().height()
        self._table.setFixedHeight(header + min(max(1, rows), _MOST_ROWS) * ROW + 4)
        self._fit_names()
        self._on_chosen(self._model.index(-1, -1))
        if rows and not (chosen and self._choose_again(*chosen)):
            self.choose(0)

    def _chosen(self) -> tuple[str, str] | None:
        now = self._table.currentIndex()
        scored = self._model.scored(now.row(), now.column())
        return None if scored is None else (scored.rationale_id, scored.reviewer)

    def _choose_again(self, rationale_id: str, reviewer: str) -> bool:
        for line in range(self._model.rowCount()):
            for place in range(self._model.columnCount() - 1):
                scored = self._model.scored(line, place)
                if scored and (scored.rationale_id, scored.reviewer) == (rationale_id, reviewer):
                    self._table.setCurrentIndex(self._model.index(line, place))
                    return True
        return False

    def choose(self, row: int) -> None:
        """Choose the first review of the rationale in ``row``."""
        for place in range(self._model.columnCount() - 1):
            if self._model.scored(row, place) is not None:
                self._table.setCurrentIndex(self._model.index(row, place))
                return

    def _fit_names(self) -> None:
        columns = self._model.columnCount()
        least = (columns - 1) * _CELL
        most = max(_NAMES_MOST, self.width() * 2 // 5)
        room = self.width() - _MEAN - least - GRID * 2
        self._model.give_room(max(_CELL, min(most, room)))
        room = self.width() - self._table.verticalHeader().sizeHint().width() - _MEAN
        self._model.shorten(columns > 1 and room / (columns - 1) < self._model.widest + _MARGIN)
        self._axes.setText(tr("Author ↓   Reviewer → (by number)") if self._model.is_short
                           else tr("Author ↓   Reviewer →"))  # fmt: skip
        if columns:
            header = self._table.horizontalHeader()
            header.setSectionResizeMode(columns - 1, QHeaderView.ResizeMode.Fixed)
            header.resizeSection(columns - 1, _MEAN)

    def _on_chosen(self, index: Index) -> None:
        scored = self._model.scored(index.row(), index.column())
        said = self._model.said(index.row())
        self._call_id = scored.call_id if scored is not None else ""
        self._raw.setVisible(bool(self._call_id))
        if scored is None or said is None:
            self._who.setText("")
            self._comment.show_text("")
            self._price.setText("")
            return
        score = tr("no score") if scored.score is None else tr("{score} of 5", score=scored.score)
        self._who.setText(
            tr(
                "{reviewer} on {teacher}: {score}",
                reviewer=one_line(scored.reviewer),
                teacher=one_line(said.teacher),
                score=score,
            )
        )
        missing = (
            tr("⚠ Missing: {missing}\n\n", missing=scored.missing) if scored.score is None else ""
        )
        self._comment.show_text(missing + (scored.comment or tr("No comment.")))
        source = scored.source_score
        carried = tr("imported as “{source}”", source=one_line(source, most=40)) if source else ""
        self._price.setText(" · ".join(part for part in (scored.price, carried) if part))

    # Qt's own names

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Use names or numbers, as there is room."""
        super().resizeEvent(event)
        self._fit_names()
