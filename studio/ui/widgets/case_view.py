"""One question on the desk: the student's mistake, what the teachers wrote, who scored whom."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QScrollArea, QSplitter, QVBoxLayout, QWidget

from studio.store.tables import Store
from studio.ui.cases import Answer, Case, Explained, Said, read_case, read_explanations
from studio.ui.formulas import Formulas
from studio.ui.parts import Card, clear, label, scrolled
from studio.ui.texts import tr
from studio.ui.theme import GRID
from studio.ui.widgets.mistake_view import MistakeView
from studio.ui.widgets.review_matrix import ReviewMatrix
from studio.ui.widgets.teacher_card import TeacherCard

_LEAST = GRID * 20  #: pixels of the panes of texts


class CaseView(QSplitter):
    """The three panes of the desk.

    Signals:
        wished(str, str): a decision by hand on a rationale is asked for.
        requested(str): a verb of the desk (see ``desk_keys``) is asked for by a button.
        raw_reply_requested(str): the reply of this call is asked for.
    """

    wished = Signal(str, str)
    requested = Signal(str)
    raw_reply_requested = Signal(str)

    def __init__(self, reader: Store, formulas: Formulas) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._reader, self.formulas = reader, formulas
        self.case: Case | None = None
        self._cards: list[TeacherCard] = []
        self._mistake = MistakeView(formulas)
        self._mistake.attempt_chosen.connect(self._show_teachers)
        self._mistake.requested.connect(self.requested)
        self._matrix = ReviewMatrix(formulas)
        self._matrix.raw_reply_requested.connect(self.raw_reply_requested)
        self._teachers = QVBoxLayout()
        for title, pane in ((tr("STUDENT'S ANSWER"), self._mistake),
                            (tr("TEACHERS"), self._scrolled_teachers()),
                            (tr("REVIEWS"), self._matrix)):  # fmt: skip
            card = Card(role="pane")
            card.setMinimumWidth(_LEAST if pane is not self._matrix else 0)
            card.body.setContentsMargins(GRID, GRID, GRID, GRID)
            card.body.addWidget(label(title, "head"))
            card.body.addWidget(pane, 1)
            self.addWidget(card)
        self.setSizes([290, 350, 290])
        self.setChildrenCollapsible(False)
        self.setHandleWidth(GRID)

    def _scrolled_teachers(self) -> QScrollArea:
        inner = QWidget()
        inner.setLayout(self._teachers)
        self._teachers.setContentsMargins(0, 0, GRID // 2, 0)
        self._teachers.setSpacing(GRID)
        self._area = scrolled(inner)
        return self._area

    @property
    def chosen(self) -> str:
        """The rationale that the keys mean, or nothing."""
        return next(
            (one.rationale_id for one in self._cards if one.property("role") == "chosen"), ""
        )

    @property
    def answer(self) -> Answer | None:
        """The student's attempt in sight."""
        return self._mistake.answer

    def choose(self, number: int) -> None:
        """Let the keys mean the ``number``-th teacher, from 0."""
        if 0 <= number < len(self._cards):
            self._mean(number)
            self._matrix.choose(number)
            # After the layout of new cards is done: before, they have no place to scroll to.
            QTimer.singleShot(0, self._cards[number], lambda: self._bring_to_sight(number))

    def show_question(self, question_id: str, *, rationale_id: str = "") -> None:
        """Show a question; ``rationale_id`` is the one to choose, else the first."""
        before, chosen = self.case, self.chosen
        found = read_case(self._reader, question_id)
        if found is None:
            return
        self.case = found
        again = before is not None and before.question.id == question_id
        seen = self.answer.id if again and self.answer is not None else ""
        self._mistake.show_case(found, keep=seen)
        self._matrix.show_case(found, keep=again)
        place = self._area.verticalScrollBar().value()
        self._show_teachers(self.answer.id if self.answer is not None else "")
        ids = [said.id for said in found.rationales]
        number = ids.index(rationale_id) if rationale_id in ids else 0
        if again and rationale_id == chosen and ids:
            self._mean(number)  # read anew, it stays as it was left
            QTimer.singleShot(0, self, lambda: self._area.verticalScrollBar().setValue(place))
        else:
            self.choose(number)

    def _mean(self, number: int) -> None:
        for n, one in enumerate(self._cards):
            one.choose(n == number)

    def _show_teachers(self, attempt_id: str) -> None:
        """Show a card each; one that says what it said stays, with what is unfolded in it."""
        if self.case is None:
            return
        explained = read_explanations(self._reader, attempt_id) if attempt_id else {}
        before, focused = self.chosen, self._focused()
        kept = {one.rationale_id: one for one in self._cards}
        self._cards = []
        for number, said in enumerate(self.case.rationales, start=1):
            about = (number, said, explained.get(said.teacher))
            known = kept.get(said.id)
            card = known if known is not None and known.about == about else self._card(*about)
            card.choose(said.id == before)
            self._cards.append(card)
        for one in self._cards:
            self._teachers.removeWidget(one)
        clear(self._teachers)
        for one in self._cards:
            self._teachers.addWidget(one)
        if not self._cards:
            self._teachers.addWidget(label(tr("No rationale yet: run what is missing on the Overview "
                                           "page."), "dim", wrap=True))  # fmt: skip
        self._teachers.addStretch(1)
        self._chain_focus()
        if focused:  # a button that was pressed has it still, also where its card is another now
            stops = (one for card in self._cards for one in _stops(card))
            again = next((one for one in stops if one.accessibleName() == focused), None)
            if again is not None:
                again.setFocus()

    def _card(self, number: int, said: Said, explanation: Explained | None) -> TeacherCard:
        card = TeacherCard(number, said, explanation, formulas=self.formulas)
        card.wished.connect(self.wished)
        card.picked.connect(self._on_picked)
        card.edit_requested.connect(self._on_edit)
        return card

    def _focused(self) -> str:
        """Return the name of what has the focus in a card; empty where nothing has."""
        stops = (one for card in self._cards for one in _stops(card))
        return next((one.accessibleName() for one in stops if one.hasFocus()), "")

    def _chain_focus(self) -> None:
        """Let Tab go through the cards after the student's answer: they were made after all else."""
        before = _stops(self._mistake)[-1:]
        for stop in (one for card in self._cards for one in _stops(card)):
            if before:
                QWidget.setTabOrder(before[0], stop)
            before = [stop]

    def _on_picked(self, rationale_id: str) -> None:
        ids = [one.rationale_id for one in self._cards]
        self.choose(ids.index(rationale_id))

    def _on_edit(self, rationale_id: str) -> None:
        self._on_picked(rationale_id)
        self.requested.emit("edit")

    def _bring_to_sight(self, number: int) -> None:
        if number < len(self._cards):
            card = self._cards[number]
            if card.height() + GRID * 2 > self._area.viewport().height():
                self._area.verticalScrollBar().setValue(card.y())  # its head, where not all fits
            else:
                self._area.ensureWidgetVisible(card, 0, GRID)
            self._area.horizontalScrollBar().setValue(0)


def _stops(part: QWidget) -> list[QWidget]:
    """Return where Tab stops within ``part``."""
    tab = Qt.FocusPolicy.TabFocus
    return [one for one in part.findChildren(QWidget) if one.focusPolicy() & tab]
