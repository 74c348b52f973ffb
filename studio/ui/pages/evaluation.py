"""Evaluate: base against tuned on held-out questions, what was fixed and what broke, all runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, NamedTuple

from PySide6.QtWidgets import QFileDialog, QStackedWidget, QTabBar, QToolButton, QWidget

from studio.app.workbench import Workbench
from studio.domain.records import StudentRecord
from studio.flow.ablation import known_lines, variants
from studio.flow.comparison import RoundLine, RunLine, by_dataset, round_lines, run_lines
from studio.flow.evaluation import Evaluation, NotMeasured, Part, evaluate
from studio.flow.forgetting import forgetting_of
from studio.flow.pipeline import samples_of
from studio.flow.report import write_report
from studio.flow.stage import Bench
from studio.flow.students import base_of
from studio.flow.taught import taught_beside_fixed
from studio.store import comparison_views
from studio.store.tables import Store
from studio.ui.ablation_dialog import AblationDialog
from studio.ui.commands import copy_button
from studio.ui.formulas import Formulas
from studio.ui.page import Page
from studio.ui.parts import Card, Notice, button, choice, choose, column, label, row
from studio.ui.plain_text import one_line
from studio.ui.texts import mark, tr
from studio.ui.theme import GRID
from studio.ui.widgets.accuracy_chart import AccuracyChart
from studio.ui.widgets.checks_view import Checks, ChecksView
from studio.ui.widgets.comparison_view import ComparisonView, points
from studio.ui.widgets.flips_view import Answer, Flip, FlipsView
from studio.ui.words import share, span, things


class Compared(NamedTuple):
    """An evaluation with what the page shows of it."""

    evaluation: Evaluation
    parts: tuple[Part, ...]
    flips: dict[str, list[Flip]]
    runs: list[RunLine]
    rounds: list[RoundLine]
    checks: Checks


class EvaluationPage(Page):
    """One tuned student beside the one it was made from, and all runs beside each other."""

    title = mark("Evaluate")
    watches: ClassVar = frozenset({"students", "grades", "attempts", "run_states", "settings"})

    def __init__(self, workbench: Workbench) -> None:
        super().__init__(workbench)
        self._student = choice(
            (), name=tr("Student"), tip=tr("Which student to measure; the newest is first")
        )
        self._student.activated.connect(lambda _: self._read())
        self._measure = button(tr("Measure"), self._on_measure, role="main",
                               tip=tr("Let this student and its base sit the held-out exam, as far as "
                               "they have not yet"))  # fmt: skip
        self.lock(self._measure)
        self._report = button(tr("Report …"), self._on_report,
                              tip=tr("Write this round as one HTML file that opens anywhere, offline"))  # fmt: skip
        self._copy = copy_button(self._words, lambda text: self.told.emit(text, False))
        self._summary = label("", "section", wrap=True)
        self._note = label("", "warn", wrap=True)
        self._note.hide()
        self._notice = Notice()
        self._stack = QStackedWidget()
        self._stack.addWidget(self._notice)
        self._stack.addWidget(self._results())
        layout = self.page_layout()
        layout.addLayout(row(label(tr(self.title), "title"), None, self._copy, self._student,
                             self._report, self._measure))  # fmt: skip
        layout.addWidget(self._stack, 1)
        self.reload()

    def _results(self) -> QWidget:
        self._chart, self._flips, self._all = (
            AccuracyChart(),
            FlipsView(Formulas(self.reading, self)),
            ComparisonView(),
        )
        self._checks = ChecksView()
        self._checks.tries_wanted.connect(self._on_tries)
        self._checks.forgetting_wanted.connect(self._on_forgetting)
        self._checks.ablation_wanted.connect(self._on_ablation)
        chart = Card()
        chart.body.addWidget(self._summary)
        chart.body.addWidget(self._note)
        chart.body.addWidget(self._chart, 1)
        self._tabs, pages = QTabBar(), QStackedWidget()
        self._tabs.setDrawBase(False)
        self._tabs.setUsesScrollButtons(False)
        self._tabs.setAccessibleName(tr("What was measured"))
        self._tabs.setToolTip(
            tr("Accuracy, the questions that turned, all runs, more checks (arrow keys)")
        )
        for arrow in self._tabs.findChildren(QToolButton):  # Qt's own, for more tabs than these
            arrow.setToolTip(arrow.accessibleName() or tr("Scroll"))
        for name, part in ((tr("Accuracy"), chart), (tr("Fixed and broken"), self._flips), (tr("Rounds and runs"), self._all), (tr("Checks"), self._checks)):  # fmt: skip
            self._tabs.addTab(name)
            pages.addWidget(part)
        self._tabs.currentChanged.connect(pages.setCurrentIndex)
        whole = QWidget()
        layout = column(row(self._tabs, None), pages, gap=GRID)
        layout.setStretch(1, 1)
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
        for part in (self._student, self._copy, self._report, self._measure):
            part.setVisible(bool(made))
        self._read()

    def _read(self) -> None:
        name = self._student.currentData()
        if not name:
            go = button(tr("Go to Train"), lambda: self.page_requested.emit("train", None), role="main",
                        tip=tr("There a student is trained on what was accepted (Ctrl+5)"))  # fmt: skip
            self._notice.show_text(
                tr("Nothing to compare yet"), tr("Train a student on the Train page, then "
                "measure here what it has learned and what it forgot."), actions=[go],
            )  # fmt: skip
            self._stack.setCurrentIndex(0)
            return
        bench = self.workbench.bench
        if self._stack.currentIndex() == 0:
            self._notice.show_text(tr("Comparing …"))
        self.reading.ask(
            "evaluation", lambda store: _compare(replace(bench, store=store), name), self._show
        )

    def show_failure(self, why: str) -> None:
        """Say why there is nothing to compare, where nothing is shown."""
        if self._stack.currentIndex() == 0:
            self._notice.show_failure(why, self._read)

    def _show_unmeasured(self) -> None:
        name = one_line(self._student.currentText())
        self._notice.show_text(
            tr("{one_line} was not measured yet", one_line=name),
            tr("“Measure” lets it and its base sit the exam on the held-out questions."),
        )
        self._stack.setCurrentIndex(0)

    def _show(self, compared: Compared | None) -> None:
        if compared is None:
            self._show_unmeasured()
            return
        found = compared.evaluation
        self._summary.setText(in_words(found))
        self._note.setText(f"⚠ {found.note}")
        self._note.setVisible(bool(found.note))
        self._chart.show_parts((*compared.parts, found.whole._replace(kind=tr("All questions"))))
        self._flips.show_flips(compared.flips, n=found.tuned.n)
        self._all.show_lines(compared.runs, compared.rounds)
        self._checks.show_checks(compared.checks)
        self._stack.setCurrentIndex(1)

    def _on_measure(self) -> None:
        if name := self._student.currentData():
            self.workbench.experiments.evaluate(name)

    def _on_tries(self, times: int) -> None:
        if name := self._student.currentData():
            self.workbench.experiments.evaluate(name, samples=times)

    def _on_forgetting(self) -> None:
        name = self._student.currentData()
        dialog = QFileDialog(self, tr("General texts of yours"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilter(tr("Texts (*.txt *.md *.jsonl)"))
        dialog.fileSelected.connect(
            lambda chosen: self.workbench.experiments.forgetting(name, Path(chosen))
        )
        dialog.open()

    def _on_ablation(self) -> None:
        teachers = [teacher.name for teacher in self.workbench.reader.teachers()]
        dialog = AblationDialog(self, list(variants(teachers)))
        dialog.agreed.connect(
            lambda chosen, steps: self.workbench.experiments.ablate(chosen, steps=steps)
        )
        dialog.open()

    def _words(self) -> list[str]:
        return [
            "evaluate",
            str(self.workbench.project),
            "--student",
            str(self._student.currentData()),
        ]

    def _on_report(self) -> None:
        dialog = QFileDialog(self, tr("Write the report to"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("html")
        dialog.setNameFilter("HTML (*.html)")
        dialog.selectFile(str(self.workbench.project / "report.html"))
        dialog.fileSelected.connect(self._write_report)
        dialog.open()

    def _write_report(self, chosen: str) -> None:
        project, student = self.workbench.project, self._student.currentData() or ""
        self.reading.ask(
            "report", lambda store: write_report(store, project, Path(chosen), student=student),
            lambda out: self.told.emit(tr("✓ Report written: {out}", out=out), False),
        )  # fmt: skip


def in_words(found: Evaluation) -> str:
    """Return the comparison as one sentence."""
    after = tr("{accuracy} ({interval}) of {n}", accuracy=share(found.tuned.accuracy), interval=span(found.tuned.interval), n=things(found.tuned.n, "held-out question"))  # fmt: skip
    if found.base is None:
        return tr("{after} right", after=after)
    chance = (
        tr("McNemar p = {p_value:.2g}", p_value=found.p_value) if found.p_value is not None else ""
    )
    gained = points(found.tuned.accuracy - found.base.accuracy)
    return (tr("{accuracy} → {after} right, {gained} · {fixed:,} fixed, {broken:,} broken · {chance}", accuracy=share(found.base.accuracy), after=after, gained=gained, fixed=len(found.fixed), broken=len(found.broken), chance=chance))  # fmt: skip


def _compare(bench: Bench, name: str) -> Compared | None:
    """Return what is known of a student; None as long as it sat no exam."""
    store = bench.store
    student = next(store.all(StudentRecord, "name = ?", name))
    try:
        found = evaluate(store, student=name, base=base_of(store, student))
    except NotMeasured:
        return None
    runs = run_lines(store)
    datasets = by_dataset(store, found)
    flips = {
        "fixed": _flips(store, found, found.fixed),
        "broken": _flips(store, found, found.broken),
    }
    checks = Checks(
        samples_of(bench, name), taught_beside_fixed(store, found), forgetting_of(bench, name),
        known_lines(bench),
    )  # fmt: skip
    return Compared(found, (*datasets, *found.parts), flips, runs, round_lines(store, runs), checks)


def _flips(store: Store, found: Evaluation, ids: tuple[str, ...]) -> list[Flip]:
    made: dict[str, Flip] = {}
    rows = store.rows(comparison_views.ANSWERS, json.dumps(ids), found.base_student, found.student)
    for one in rows:
        text = f"{one['context']}\n{one['question']}" if one["context"] else one["question"]
        flip = made.get(one["id"]) or Flip(text, one["gold"], None, None)
        answer = Answer(one["text"], one["extracted"], one["verdict"])
        after = one["student"] == found.student
        made[one["id"]] = flip._replace(after=answer) if after else flip._replace(before=answer)
    return list(made.values())
