"""The questions of a project as a list: narrowed by dataset, by how the student did, and by words."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLineEdit, QTableView, QWidget

from studio.flow.columns import Ids
from studio.store.question_views import TOLD_OF_ITSELF, Wanted, question_ids
from studio.store.tables import Store
from studio.ui.parts import choice, choose, column, label, row
from studio.ui.question_model import HEAD, WIDTHS, QuestionModel
from studio.ui.reading import Reading
from studio.ui.texts import mark, tr
from studio.ui.theme import GRID
from studio.ui.words import things

PAUSE_MS = 250  #: after the last letter, before searching
_VERDICTS = {
    "": mark("All questions"),
    "wrong": mark("Answered wrong"),
    "correct": mark("Answered right"),
    "unreadable": mark("Answer unreadable"),
    "doubtful": mark("Verdict doubtful"),
    "none": mark("Not asked or graded yet"),
}


class Source(NamedTuple):
    """One line of the table above: a dataset on one side."""

    dataset: str
    split: str


class QuestionBrowser(QWidget):
    """A list of a million questions, if need be.

    Signals:
        opened(str): a question was double-clicked, or Enter pressed on it; its id.
    """

    opened = Signal(str)

    def __init__(self, reader: Store, reading: Reading) -> None:
        super().__init__()
        self._reading = reading
        self._source: Source | None = None
        self._student = ""
        self.model = QuestionModel(reader, self)
        self.table = self._make_table()
        self._verdict = choice(
            [(tr(text), name) for name, text in _VERDICTS.items()],
            name=tr("Filter by the student's answer"),
            tip=tr("Show the questions that the student last answered so"),
        )
        self._verdict.activated.connect(lambda _: self._ask())
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Search questions, gold answers and keys"))
        self.search.setAccessibleName(tr("Search questions, gold answers and keys"))
        self.search.setToolTip(tr("Shows the questions that hold this text (Ctrl+F)"))
        self.search.setClearButtonEnabled(True)
        self.search.setMaxLength(200)
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._pause.timeout.connect(self._ask)
        self.search.textChanged.connect(lambda _: self._pause.start())
        self.search.returnPressed.connect(self._ask)
        QShortcut(QKeySequence.StandardKey.Find, self).activated.connect(self.search.setFocus)
        self._count = label("", "dim")
        line = row(self._verdict, self.search, self._count)
        line.setStretch(1, 1)
        layout = column(line, self.table)
        layout.setStretch(1, 1)
        layout.setContentsMargins(0, 0, 0, 0)
        self.setLayout(layout)

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setProperty("role", "sheet")
        table.setModel(self.model)
        table.setAccessibleName(tr("Questions"))
        table.setToolTip(tr("↑ ↓ move through the questions, Enter opens one with all its answers"))
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setShowGrid(False)
        table.setAlternatingRowColors(True)
        table.setTabKeyNavigation(False)
        table.setWordWrap(False)
        table.verticalHeader().hide()
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.verticalHeader().setDefaultSectionSize(GRID * 4)
        table.horizontalHeader().setHighlightSections(False)
        for place in range(len(HEAD)):
            table.horizontalHeader().resizeSection(place, WIDTHS[place])
        table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        table.activated.connect(lambda index: self.opened.emit(self.model.ids[index.row()]))
        return table

    def show_source(self, source: Source | None, *, student: str) -> None:
        """Show the questions of a dataset, or of all; ``student`` is whose answers are told."""
        self._source, self._student = source, student
        self._verdict.setEnabled(bool(student))
        if not student:
            choose(self._verdict, "")
        self._ask()

    def _ask(self) -> None:
        self._pause.stop()
        wanted = Wanted(
            dataset=self._source.dataset if self._source else None,
            split=self._source.split if self._source else "",
            student=self._student,
            verdict=str(self._verdict.currentData()),
            words=self.search.text().strip(),
        )
        query, values = question_ids(wanted)

        def read(store: Store) -> tuple[Ids, tuple[int, ...]]:
            told = tuple(store.one(TOLD_OF_ITSELF) or (1, 1))
            return Ids.of([one for (one,) in store.rows(query, *values)]), told

        def show(found: tuple[Ids, tuple[int, ...]]) -> None:
            ids, told = found
            self.model.show_ids(ids, student=wanted.student)
            for place, there in zip((len(HEAD) - 2, len(HEAD) - 1), told, strict=True):
                self.table.setColumnHidden(place, not there)  # a column of nothing tells nothing
            self._count.setText(things(len(ids), "question"))

        self._reading.ask("questions", read, show, slow=True)
