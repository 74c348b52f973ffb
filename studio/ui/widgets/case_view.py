"""One question on the desk: the student's mistake, what each teacher wrote, and who scored whom."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from studio.domain.records import Question
from studio.prompts import question_text
from studio.store import desk_views
from studio.store.tables import Store
from studio.ui.parts import button, card, label, safe, set_role, text_view
from studio.ui.theme import GRID, scheme_of
from studio.ui.widgets.review_matrix import ReviewMatrix

SIGNS = {"correct": "✓", "wrong": "✗", "unreadable": "?"}


class TeacherCard(QFrame):
    """One rationale with its own answer and its decision.

    Signals:
        wished(rationale id, wish): accept, reject or clear.
    """

    wished = Signal(str, str)

    def __init__(self, number: int, row: Mapping[str, Any], explanation: str) -> None:
        super().__init__()
        self.rationale_id = row["id"]
        self.setProperty("role", "card")
        layout = QVBoxLayout(self)
        layout.addLayout(self._head(number, row))
        layout.addWidget(self._decision(row))
        body = text_view(f"Rationale of {row['teacher']}")
        body.setPlainText(safe(row["text"]))
        body.setMinimumHeight(GRID * 12)
        layout.addWidget(body)
        if explanation:
            layout.addWidget(label("WHAT WENT WRONG, IT SAYS", "head"))
            layout.addWidget(label(safe(explanation), wrap=True))
        layout.addLayout(self._buttons())

    def choose(self, chosen: bool) -> None:
        """Show whether the keys mean this one."""
        set_role(self, "chosen" if chosen else "card")

    def _head(self, number: int, row: Mapping[str, Any]) -> QHBoxLayout:
        head = QHBoxLayout()
        sign = SIGNS.get(row["verdict"] or "", "")
        head.addWidget(label(f"{number}  {row['teacher']}", "big"))
        answer = label(f"answers {safe(row['extracted'] or '–')} {sign}",
                       {"correct": "good", "wrong": "bad"}.get(row["verdict"] or "", "warn"))  # fmt: skip
        head.addStretch()
        head.addWidget(answer)
        return head

    def _decision(self, row: Mapping[str, Any]) -> QLabel:
        automatic = {None: "not decided", 0: "✗ rejected", 1: "✓ accepted"}[row["automatic"]]
        text = f"policy: {automatic}" + (f" ({row['reason']})" if row["reason"] else "")
        if row["human"] is not None:
            text += f"\nby hand: {'✓ accepted' if row['human'] else '✗ rejected'}"
            text += f" ({safe(row['human_reason'])})" if row["human_reason"] else ""
        return label(text, "good" if row["accepted"] else "dim", wrap=True)

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        for text, wish, key in (("Accept", "accept", "A"), ("Reject", "reject", "R"),
                                ("Clear", "clear", "C")):  # fmt: skip
            row.addWidget(button(text, partial(self.wished.emit, self.rationale_id, wish),
                                 tip=f"{text} by hand; outranks the policy ({key})"))  # fmt: skip
        row.addStretch()
        return row


class CaseView(QSplitter):
    """The three panes of the desk.

    Signals:
        wished(rationale id, wish): a decision by hand is asked for.
    """

    wished = Signal(str, str)

    def __init__(self, reader: Store) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._reader = reader
        self._cards: list[TeacherCard] = []
        self._chosen = 0
        self._mistake = self._pane_mistake()
        self._teachers = QWidget()
        self._teacher_layout = QVBoxLayout(self._teachers)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(self._teachers)
        self._matrix = ReviewMatrix()
        for title, inner in (("STUDENT'S ANSWER", self._mistake), ("TEACHERS", scroll),
                             ("REVIEWS", self._matrix)):  # fmt: skip
            frame, layout = card()
            layout.addWidget(label(title, "head"))
            layout.addWidget(inner)
            self.addWidget(frame)
        self.setSizes([300, 380, 300])
        self.setChildrenCollapsible(False)

    def _pane_mistake(self) -> QWidget:
        pane = QWidget()
        layout = QVBoxLayout(pane)
        layout.setContentsMargins(0, 0, 0, 0)
        self._question = text_view("Question")
        self._gold = label("", "good", wrap=True)
        self._verdict = label("", "bad", wrap=True)
        self._answer = text_view("The student's whole answer")
        self._doubts = label("", "warn", wrap=True)
        for part, stretch in ((self._question, 2), (self._gold, 0), (self._verdict, 0),
                              (self._answer, 3), (self._doubts, 0)):  # fmt: skip
            layout.addWidget(part, stretch)
        return pane

    @property
    def chosen(self) -> str:
        """The rationale that the keys mean, or nothing."""
        return self._cards[self._chosen].rationale_id if self._cards else ""

    def choose(self, number: int) -> None:
        """Let the keys mean the ``number``-th teacher, from 0."""
        if 0 <= number < len(self._cards):
            self._chosen = number
            for n, one in enumerate(self._cards):
                one.choose(n == number)

    def show_question(self, question_id: str) -> None:
        """Show one question with everything said about it."""
        question = self._reader.get(Question, question_id)
        if question is None:
            return
        self._question.setPlainText(safe(question_text(question)))
        self._gold.setText(f"gold: {safe(question.gold)}")
        attempt = self._reader.one(desk_views.CASE_ATTEMPT, question_id)
        self._show_attempt(attempt)
        rationales = self._reader.rows(desk_views.CASE_RATIONALES, question_id)
        said = self._reader.rows(desk_views.CASE_EXPLANATIONS, attempt["id"]) if attempt else []
        explanations = {row["teacher"]: row["text"] for row in said}
        self._show_teachers(rationales, explanations)
        self._matrix.show_case(rationales, self._reader.rows(desk_views.CASE_REVIEWS, question_id))

    def _show_attempt(self, attempt: Any) -> None:
        if attempt is None:
            self._verdict.setText("no attempt yet")
            self._answer.setPlainText("")
            self._doubts.setText("")
            return
        sign = SIGNS.get(attempt["verdict"] or "", "")
        verdict = attempt["verdict"] or "not graded"
        self._verdict.setText(
            f"{attempt['student']}: {safe(attempt['extracted'] or '–')} {sign} {verdict}"
        )
        set_role(self._verdict, "good" if attempt["verdict"] == "correct" else "bad")
        text = safe(attempt["text"])
        self._answer.setPlainText(text)
        if attempt["span"] and text.startswith(attempt["text"][:200]):
            _mark(self._answer, *json.loads(attempt["span"]))
        doubts = json.loads(attempt["doubts"] or "[]")
        self._doubts.setText("\n".join(f"⚠ {d['name']}: {safe(d['evidence'])}" for d in doubts))

    def _show_teachers(self, rationales: list[Any], explanations: Mapping[str, str]) -> None:
        while (item := self._teacher_layout.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        before = self._chosen
        self._cards = [
            TeacherCard(n, row, explanations.get(row["teacher"], ""))
            for n, row in enumerate(rationales, start=1)
        ]
        for one in self._cards:
            one.wished.connect(self.wished)
            self._teacher_layout.addWidget(one)
        self.choose(min(before, max(len(self._cards) - 1, 0)))


def _mark(view: QPlainTextEdit, start: int, end: int) -> None:
    """Underline the extracted answer in the student's text."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    cursor = QTextCursor(view.document())
    cursor.setPosition(min(start, len(view.toPlainText())))
    cursor.setPosition(min(end, len(view.toPlainText())), QTextCursor.MoveMode.KeepAnchor)
    form = QTextCharFormat()
    form.setFontUnderline(True)
    form.setForeground(QColor(scheme_of(app).bad))
    cursor.mergeCharFormat(form)
