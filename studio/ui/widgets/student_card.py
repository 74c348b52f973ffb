"""Who sits the exam: the student by name, folder or address, and how its exams went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtWidgets import QFileDialog, QLineEdit

from studio.flow import pipeline
from studio.flow.evaluation import Score
from studio.flow.students import find_student
from studio.ui.page import Page
from studio.ui.parts import Card, button, label, row
from studio.ui.plain_text import one_line
from studio.ui.texts import mark, tr
from studio.ui.words import share

SPLITS = {"train": mark("train"), "test": mark("held out")}
EXAMS_SHOWN = 4


class StudentCard(Card):
    """The student of the project, to be chosen and examined."""

    def __init__(self, page: Page) -> None:
        super().__init__(tr("Student and exam"))
        self._page = page
        self._known: str | None = None  #: which student the project has, as it was shown last
        self._name = QLineEdit()
        self._name.setAccessibleName(tr("Student"))
        self._name.setPlaceholderText(tr("model folder, hub id, or URL#MODEL of an endpoint"))
        self._name.setToolTip(
            tr("Whose mistakes are looked for: it sits the exam on these questions")
        )
        folder = button(
            tr("Folder …"), self._on_folder, tip=tr("Choose the folder that holds the model")
        )
        use = button(tr("Use"), self._on_use, tip=tr("The next exam is this student's (Enter)"))
        self._name.returnPressed.connect(self._on_use)
        self._problem = label("", "bad", wrap=True)
        self._problem.hide()
        self._exams = label("", "dim", wrap=True)
        self._sit = button(tr("Sit the exam"), self._on_sit,
                           tip=tr("Let it answer every train question it has not answered, and grade that"))  # fmt: skip
        page.lock(self._name, folder, use, self._sit)
        self.body.addLayout(row(self._name, folder, use))
        self.body.addWidget(self._problem)
        self.body.addWidget(self._exams)
        self.body.addStretch(1)
        self.body.addLayout(row(self._sit, None))

    def show_name(self, name: str) -> None:
        """Show which student the project has; while that stays, so does what is being typed."""
        if name != self._known:
            self._known = name
            self._name.setText(name)

    def show_exams(
        self, exams: Sequence[tuple[str, int, int, int]], *, chosen: bool, asked: bool,
        answered_by: str = "",
    ) -> None:  # fmt: skip
        """Show how its exams went.

        Args:
            exams: split, round, number of answers, number of right ones; the newest first.
            chosen: whether there is a student; asked: whether there are questions for it.
            answered_by: whose answers these are, where no student is chosen.
        """
        lines = [tr("No student chosen yet; answers of {name} are here.", name=one_line(answered_by))] if answered_by else []  # fmt: skip
        for split, round_, n, right in exams[:EXAMS_SHOWN]:
            low, high = Score(n, right).interval
            lines.append(tr("Round {n_round}, {split}: {right:,} of {n:,} right ({share}, {low} to {high})", n_round=round_, split=tr(SPLITS[split]), right=right, n=n, share=share(right / n), low=share(low), high=share(high)))  # fmt: skip
        nothing = tr("It has not sat an exam yet.") if chosen else tr("No student chosen yet.")
        self._exams.setText("\n".join(lines) or nothing)
        self._sit.setEnabled(chosen and asked)

    def _on_folder(self) -> None:
        dialog = QFileDialog(self, tr("Choose a model folder"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)

        def chosen(name: str) -> None:
            self._name.setText(name)
            self._on_use()

        dialog.fileSelected.connect(chosen)
        dialog.open()

    def _on_use(self) -> None:
        """Keep the student's name; a wrong one is told in one line."""
        text = self._name.text().strip()
        self._problem.hide()
        workbench = self._page.workbench

        def keep(_: object) -> None:
            self._page.reading.when(workbench.set_setting("student", text), lambda _: self._page.told.emit(
                tr("✓ Student: {name}. It can sit the exam now.", name=one_line(text)), False))  # fmt: skip

        self._page.reading.ask("use", lambda store: find_student(store, text), keep,
                               failed=self._tell_problem)  # fmt: skip

    def _on_sit(self) -> None:
        """Let it sit the exam; what that takes is found out off the thread that draws."""
        workbench, text = self._page.workbench, self._name.text().strip()
        self._problem.hide()

        def sit(plan: pipeline.Plan) -> None:
            workbench.run_flow(plan)

        self._page.reading.ask(
            "sit", lambda store: pipeline.plan(replace(workbench.bench, store=store), ("attempt", "grade"), student=text),
            sit, failed=self._tell_problem,
        )  # fmt: skip

    def _tell_problem(self, text: str) -> None:
        self._problem.setText(text)
        self._problem.show()
