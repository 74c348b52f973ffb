"""Evaluate: base against tuned on held-out questions, what was fixed and what broke."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSplitter, QStackedWidget, QWidget

from studio.app.workbench import Workbench
from studio.domain.records import Question, StudentRecord
from studio.flow.evaluation import Evaluation, evaluate
from studio.flow.students import base_of
from studio.store import window_views
from studio.store.tables import Store
from studio.ui.page import Page
from studio.ui.parts import Card, Notice, TextView, button, choice, choose, column, label, row
from studio.ui.plain_text import one_line, safe
from studio.ui.sheet import Sheet
from studio.ui.theme import GRID
from studio.ui.widgets.accuracy_chart import AccuracyChart
from studio.ui.words import SIGNS, things

_LISTS = (
    ("fixed", "Fixed: wrong before, right now"),
    ("broken", "Broken: right before, wrong now"),
)


class Compared(NamedTuple):
    """An evaluation with the questions it names."""

    evaluation: Evaluation
    texts: dict[str, str]


class EvaluationPage(Page):
    """One tuned student beside the one it was made from."""

    title = "Evaluate"
    watches: ClassVar = frozenset({"students", "grades", "attempts", "run_states"})

    def __init__(self, workbench: Workbench) -> None:
        super().__init__(workbench)
        self._compared: Compared | None = None
        self._student = choice(
            (), name="Student", tip="Which student to measure; the newest is first"
        )
        self._student.activated.connect(lambda _: self._read())
        self._measure = button("Measure", self._on_measure, role="main",
                               tip="Let this student and its base sit the held-out exam, as far as "
                               "they have not yet")  # fmt: skip
        self._summary = label("", "section", wrap=True)
        self._note = label("", "warn", wrap=True)
        self._note.hide()
        self._notice = Notice()
        self._stack = QStackedWidget()
        self._stack.addWidget(self._notice)
        self._stack.addWidget(self._results())
        layout = self.page_layout()
        layout.addLayout(row(label(self.title, "title"), None, self._student, self._measure))
        layout.addWidget(self._stack, 1)
        self.reload()

    def _results(self) -> QWidget:
        self._chart = AccuracyChart()
        chart = Card()
        chart.body.addWidget(self._summary)
        chart.body.addWidget(self._note)
        chart.body.addWidget(self._chart, 1)
        self._lists: dict[str, Sheet] = {}
        self._heads: dict[str, QLabel] = {}
        flips = QSplitter(Qt.Orientation.Horizontal)
        for name, title in _LISTS:
            sheet = Sheet(("Question",), name=title)
            sheet.horizontalHeader().hide()
            sheet.chosen.connect(lambda place, name=name: self._on_flip(name, place))
            self._lists[name], self._heads[name] = sheet, label(title, "section")
            card = Card()
            card.body.addWidget(self._heads[name])
            card.body.addWidget(sheet, 1)
            flips.addWidget(card)
        self._answers = TextView("What both students answered")
        answers = Card("Side by side")
        answers.body.addWidget(self._answers, 1)
        flips.addWidget(answers)
        flips.setHandleWidth(GRID * 2)
        flips.setChildrenCollapsible(False)
        whole = QWidget()
        layout = column(chart, flips, gap=GRID * 2)
        layout.setStretch(0, 3)
        layout.setStretch(1, 2)
        whole.setLayout(layout)
        return whole

    def reload(self, tables: set[str] | None = None) -> None:
        """List the students that were made here and show the newest."""
        del tables
        chosen = self._student.currentData()
        made = [s.name for s in self.workbench.reader.all(StudentRecord, "run_id <> ''")][::-1]
        self._student.clear()
        for name in made:
            self._student.addItem(one_line(name, most=40), name)
        choose(self._student, chosen)
        self._student.setVisible(bool(made))
        self._measure.setEnabled(bool(made))
        self._read()

    def _read(self) -> None:
        name = self._student.currentData()
        if not name:
            self._notice.show_text("Nothing to compare yet", "Train a student on the Train page, then "
                                   "measure here what it has learned and what it forgot.")  # fmt: skip
            self._stack.setCurrentIndex(0)
            return
        self.reading.ask("evaluation", lambda store: _compare(store, name), self._show,
                         failed=self._cannot)  # fmt: skip

    def _cannot(self, message: str) -> None:
        del message  # it speaks of the command line; here there is a button
        self._notice.show_text(f"{one_line(self._student.currentText())} was not measured yet",
                               "“Measure” lets it and its base sit the exam on the held-out questions.")  # fmt: skip
        self._stack.setCurrentIndex(0)

    def _show(self, compared: Compared) -> None:
        self._compared = compared
        found = compared.evaluation
        self._summary.setText(in_words(found))
        self._note.setText(f"⚠ {found.note}")
        self._note.setVisible(bool(found.note))
        self._chart.show_parts((*found.parts, found.whole._replace(kind="All questions")))
        for (name, title), ids in zip(_LISTS, (found.fixed, found.broken), strict=True):
            self._heads[name].setText(f"{title} ({len(ids):,})")
            self._lists[name].show_rows([(one_line(compared.texts[one]),) for one in ids])
        self._answers.setPlainText("Choose a question to see what both answered.")
        self._stack.setCurrentIndex(1)

    def _on_flip(self, name: str, place: int) -> None:
        if self._compared is None or place < 0:
            return
        found = self._compared.evaluation
        question = (found.fixed if name == "fixed" else found.broken)[place]
        rows = self.workbench.reader.rows(
            window_views.TWO_ANSWERS, question, found.base_student, found.student
        )
        said = {r["student"]: r for r in rows}
        parts = [safe(self._compared.texts[question])]
        for title, student in (("Before", found.base_student), ("After", found.student)):
            if student in said:
                answer = said[student]
                sign = SIGNS.get(answer["verdict"] or "", "·")
                parts.append(f"── {title}: {one_line(student)} {sign}\n{safe(answer['text'])}")
        self._answers.setPlainText("\n\n".join(parts))

    def _on_measure(self) -> None:
        if name := self._student.currentData():
            self.workbench.evaluate(name)


def in_words(found: Evaluation) -> str:
    """Return the comparison as one sentence."""
    after = f"{found.tuned.accuracy:.1%} of {things(found.tuned.n, 'held-out question')}"
    if found.base is None:
        return f"{after} right"
    chance = f"McNemar p = {found.p_value:.2g}" if found.p_value is not None else ""
    return (f"{found.base.accuracy:.1%} → {after} right · {len(found.fixed):,} fixed, "
            f"{len(found.broken):,} broken · {chance}")  # fmt: skip


def _compare(store: Store, name: str) -> Compared:
    student = next(store.all(StudentRecord, "name = ?", name))
    found = evaluate(store, student=name, base=base_of(store, student))
    questions = store.get_many(Question, [*found.fixed, *found.broken])
    return Compared(found, {q.id: q.text for q in questions})
