"""Evaluate: base against tuned on held-out questions, what was fixed and what broke."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QListWidget,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from studio.app.workbench import Workbench
from studio.domain.errors import StudioError
from studio.domain.records import Question, Run, StudentRecord
from studio.flow.evaluation import Evaluation, Part, evaluate
from studio.store.tables import Store
from studio.ui.parts import button, in_background, label, safe
from studio.ui.theme import GRID

_HEAD = ("kind", "n", "before", "after", "95 % interval after")


class EvaluationPage(QWidget):
    """One tuned student beside the one it was made from."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self._workers: list[Any] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 3, GRID * 2, GRID * 3, GRID * 2)
        head = QHBoxLayout()
        head.addWidget(label("Evaluate", "title"))
        head.addStretch()
        self._student = QComboBox()
        self._student.setAccessibleName("Student")
        self._student.activated.connect(lambda _: self._read())
        head.addWidget(self._student)
        head.addWidget(button("Measure", self._on_measure, main=True,
                              tip="Let this student and its base sit the held-out exam"))  # fmt: skip
        layout.addLayout(head)
        self._summary = label("", wrap=True)
        layout.addWidget(self._summary)
        self._table = QTableWidget(0, len(_HEAD))
        self._table.setHorizontalHeaderLabels(list(_HEAD))
        self._table.setAccessibleName("Accuracy per kind")
        self._table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self._table.verticalHeader().hide()
        self._table.horizontalHeader().setStretchLastSection(True)
        layout.addWidget(self._table, 2)
        lists = QHBoxLayout()
        self._lists = {}
        for name, title in (("fixed", "FIXED: WRONG BEFORE, RIGHT NOW"),
                            ("broken", "BROKEN: RIGHT BEFORE, WRONG NOW")):  # fmt: skip
            column = QVBoxLayout()
            self._lists[name] = QListWidget()
            self._lists[name].setAccessibleName(name)
            column.addWidget(label(title, "head"))
            column.addWidget(self._lists[name])
            lists.addLayout(column)
        layout.addLayout(lists, 1)
        self.reload()

    def on_tables_changed(self, tables: set[str]) -> None:
        """Read again where it concerns students or their answers."""
        if tables & {"students", "grades", "run_states"}:
            self.reload()

    def reload(self) -> None:
        """List the students that were made here and show the newest."""
        names = [s.name for s in self._bench.reader.all(StudentRecord, "run_id <> ''")][::-1]
        if names != [self._student.itemText(n) for n in range(self._student.count())]:
            self._student.clear()
            self._student.addItems(names)
        self._read()

    def _read(self) -> None:
        name, project = self._student.currentText(), self._bench.project
        if not name:
            self._summary.setText("No student was trained yet. Train one, then measure it here.")
            return

        def read() -> tuple[Evaluation, dict[str, str]]:
            store = Store(project, read_only=True)
            try:
                found = evaluate(store, student=name, base=_base(store, name))
                ids = [*found.fixed, *found.broken]
                return found, {q.id: q.text for q in store.get_many(Question, ids)}
            finally:
                store.close()

        self._workers = [in_background(read, self._show, failed=self._summary.setText)]

    def _show(self, found: tuple[Evaluation, dict[str, str]]) -> None:
        evaluation, texts = found
        parts = [*evaluation.parts, evaluation.whole]
        self._table.setRowCount(len(parts))
        for r, part in enumerate(parts):
            for c, text in enumerate(_cells(part)):
                self._table.setItem(r, c, QTableWidgetItem(text))
        self._table.resizeColumnsToContents()
        chance = "" if evaluation.p_value is None else f" · McNemar p = {evaluation.p_value:.2g}"
        self._summary.setText(
            f"{evaluation.tuned.correct:,} of {evaluation.tuned.n:,} held-out questions right "
            f"({evaluation.tuned.accuracy:.1%}) · {len(evaluation.fixed):,} fixed, "
            f"{len(evaluation.broken):,} broken{chance} {evaluation.note}"
        )
        for name, ids in (("fixed", evaluation.fixed), ("broken", evaluation.broken)):
            self._lists[name].clear()
            self._lists[name].addItems([" ".join(safe(texts[one]).split()) for one in ids])

    def _on_measure(self) -> None:
        if self._student.currentText():
            self._bench.evaluate(self._student.currentText())


def _base(store: Store, name: str) -> str:
    student = next(store.all(StudentRecord, "name = ?", name), None)
    run = store.get(Run, student.run_id) if student and student.run_id else None
    if run is None:
        raise StudioError(f"{name} was not made here: there is nothing to compare it with")
    return run.student


def _cells(part: Part) -> tuple[str, ...]:
    low, high = part.tuned.interval
    before = "–" if part.base is None else f"{part.base.accuracy:.0%}"
    return (part.kind, f"{part.tuned.n:,}", before, f"{part.tuned.accuracy:.0%}",
            f"{low:.0%} to {high:.0%}")  # fmt: skip
