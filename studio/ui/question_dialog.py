"""One question with every answer a student gave to it, and what a person can put right about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog

from studio.ui.desk_work import DeskWork
from studio.ui.formulas import Formulas
from studio.ui.parts import button, column, row
from studio.ui.plain_text import one_line
from studio.ui.texts import tr
from studio.ui.theme import GRID
from studio.ui.widgets.mistake_view import MistakeView

if TYPE_CHECKING:
    from studio.ui.cases import Answer, Case
    from studio.ui.page import Page


class QuestionDialog(QDialog):
    """Shows a question as the desk does, also one that the desk has no reason to show."""

    def __init__(self, page: Page, case: Case, formulas: Formulas) -> None:
        super().__init__(page)
        self.case: Case | None = case
        self.formulas = formulas
        self.chosen = ""  #: no rationale is shown here
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(one_line(case.question.key or case.text, most=60))
        self.resize(GRID * 88, GRID * 72)
        self._view = MistakeView(formulas)
        work = DeskWork(page, self)
        self._view.requested.connect(lambda name: work.verbs[name]())
        close = button(tr("Close"), self.accept, tip=tr("Close this question (Escape)"))
        layout = column(self._view, row(None, close), gap=GRID * 2)
        layout.setContentsMargins(GRID * 3, GRID * 2, GRID * 3, GRID * 2)
        layout.setStretch(0, 1)
        self.setLayout(layout)
        self._view.show_case(case)

    @property
    def answer(self) -> Answer | None:
        """The attempt in sight."""
        return self._view.answer

    def show_case(self, case: Case) -> None:
        """Show what is known now."""
        seen = self.answer.id if self.answer is not None else ""
        self.case = case
        self._view.show_case(case, keep=seen)
