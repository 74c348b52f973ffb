"""Questions in: what is there, and the button that imports more."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from PySide6.QtWidgets import QFileDialog, QLineEdit, QPushButton, QStackedWidget

from studio.app.workbench import Workbench
from studio.domain.errors import StudioError
from studio.flow.students import find_student
from studio.store import window_views
from studio.store.tables import Store
from studio.ui.page import Page
from studio.ui.parts import Card, Notice, button, label, row
from studio.ui.plain_text import one_line
from studio.ui.sheet import Sheet
from studio.ui.words import things

FORMATS = "GSM8K, SVAMP, StrategyQA, LogiQA, MAPD records, JSONL, CSV, Parquet"
_HEAD = ("Dataset", "Split", "Answers", "Questions", "Attempts", "Rationales")
_KINDS = {"number": "a number", "choice": "a choice", "yes_no": "yes or no", "text": "text"}


class DataPage(Page):
    """The questions by dataset and split."""

    title = "Data"
    watches: ClassVar = frozenset({"questions", "attempts", "rationales", "settings"})

    def __init__(self, workbench: Workbench) -> None:
        super().__init__(workbench)
        self._sum = label("", "dim")
        self._sheet = Sheet(
            _HEAD,
            name="Questions by dataset and split",
            widths=(280, 96, 128, 112, 112, 112),
            numbers=(3, 4, 5),
            stretch=0,
        )
        self._notice = Notice()
        self._stack = QStackedWidget()
        self._stack.addWidget(self._notice)
        self._stack.addWidget(self._sheet)
        layout = self.page_layout()
        layout.addLayout(row(label(self.title, "title"), self._sum, None, self._button()))
        layout.addWidget(self._stack, 1)
        layout.addWidget(self._student_card())
        layout.addWidget(
            label(f"Read: {FORMATS}. Or drop files on this window.", "small", wrap=True)
        )
        self._notice.show_text("Counting …")
        self.reload()

    def _button(self) -> QPushButton:
        return button("Import files …", self._on_import, role="main",
                      tip=f"Take questions, attempts, rationales and reviews from files: {FORMATS}")  # fmt: skip

    def _student_card(self) -> Card:
        card = Card("Student")
        self._student = QLineEdit()
        self._student.setAccessibleName("Student")
        self._student.setPlaceholderText("model folder, hub id, or URL#MODEL of an endpoint")
        self._student.setToolTip(
            "Whose mistakes are looked for: it sits the exam on these questions"
        )
        use = button("Use this student", self._on_student, tip="The next exam is its")
        self._student.returnPressed.connect(self._on_student)
        self._student_problem = label("", "bad", wrap=True)
        self._student_problem.hide()
        card.body.addLayout(row(self._student, use))
        card.body.addWidget(self._student_problem)
        return card

    def reload(self, tables: set[str] | None = None) -> None:
        """Count what there is."""
        if tables is None or "settings" in tables:
            self._student.setText(self.workbench.reader.setting("student", ""))

        def read(store: Store) -> list[tuple[str, str, str, int, int, int]]:
            found = store.rows(window_views.DATA)
            return [(r[0], r[1], _KINDS.get(r[2], r[2]), r[3], r[4], r[5]) for r in found]

        self.reading.ask("data", read, self._show)

    def _show(self, rows: list[tuple[str, str, str, int, int, int]]) -> None:
        self._sheet.show_rows([*rows])
        self._sum.setText(things(sum(r[3] for r in rows), "question") if rows else "")
        if not rows:
            self._notice.show_text("No questions yet", "Import a file, or drop one on this window.",
                                   actions=[self._button()])  # fmt: skip
        self._stack.setCurrentIndex(1 if rows else 0)

    def _on_student(self) -> None:
        """Keep the student's name; a wrong one is told at once, in one line."""
        text = self._student.text().strip()
        self._student_problem.hide()
        try:
            find_student(self.workbench.reader, text)
        except StudioError as error:
            self._student_problem.setText(str(error))
            self._student_problem.show()
            return
        self.reading.when(self.workbench.set_setting("student", text), lambda _: self.told.emit(
            f"✓ Student: {one_line(text)}. Run what is missing on the Overview page.", False))  # fmt: skip

    def _on_import(self) -> None:
        dialog = QFileDialog(self, "Import questions")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(
            lambda names: self.workbench.import_files([Path(n) for n in names])
        )
        dialog.open()
