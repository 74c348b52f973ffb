"""Questions in: what is there, what is held out, what stands on both sides, and who sits the exam."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from PySide6.QtWidgets import QFileDialog, QLineEdit, QPushButton, QStackedWidget

from studio.app.workbench import Workbench
from studio.domain.errors import StudioError
from studio.flow import pipeline
from studio.flow.evaluation import wilson
from studio.flow.splits import Overlaps, overlaps
from studio.flow.students import find_student
from studio.store import window_views
from studio.store.tables import Store
from studio.ui.page import Page
from studio.ui.pairs_list import PairsList, in_words
from studio.ui.parts import Card, Notice, button, label, row
from studio.ui.plain_text import one_line
from studio.ui.sheet import Sheet
from studio.ui.texts import tr
from studio.ui.theme import GRID
from studio.ui.words import share, things

FORMATS = "GSM8K, SVAMP, StrategyQA, LogiQA, MAPD records, JSONL, CSV, Parquet"
_HEAD = ("Dataset", "Split", "Answers", "Questions", "Attempts", "Rationales")
_KINDS = {"number": "a number", "choice": "a choice", "yes_no": "yes or no", "text": "text"}
_SPLITS = {"train": "train", "test": "held out"}


_COMPARED_AT_ONCE = 20_000  #: questions; a hundred thousand take seconds, and only when asked for


class _Standing(NamedTuple):
    rows: list[tuple[str, str, str, int, int, int]]
    student: str
    exams: list[tuple[str, int, int, int]]


class DataPage(Page):
    """The questions by dataset and split."""

    title = "Data"
    watches: ClassVar = frozenset({"questions", "attempts", "grades", "rationales", "settings"})

    def __init__(self, workbench: Workbench) -> None:
        super().__init__(workbench)
        self._rows: list[tuple[str, str, str, int, int, int]] = []
        self._overlaps: Overlaps | None = None
        self._sum = label("", "dim")
        self._sheet = Sheet(
            _HEAD,
            name=tr("Questions by dataset and split"),
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
        cards = row(self._split_card(), self._student_card(), gap=GRID * 2)
        for place in (0, 1):
            cards.setStretch(place, 1)
        layout.addLayout(cards)
        layout.addWidget(
            label(
                tr("Read: {FORMATS}. Or drop files on this window.", FORMATS=FORMATS),
                "small",
                wrap=True,
            )
        )
        self._notice.show_text(tr("Counting …"))
        self.reload()

    def _button(self) -> QPushButton:
        return button(tr("Import files …"), self._on_choose, role="main",
                      tip=tr("Take questions, attempts, rationales and reviews from files: "
                             "{FORMATS}", FORMATS=FORMATS))  # fmt: skip

    # -- train and held out --------------------------------------------------------------------

    def _split_card(self) -> Card:
        card = Card(tr("Held-out questions"))
        self._split_text = label("", "dim", wrap=True)
        self._hold = button(tr("Hold out …"), self._on_hold_out,
                            tip=tr("Move a share of the train questions to those the student is measured on"))  # fmt: skip
        self._pairs = button(tr("Show near duplicates"), self._on_pairs, role="quiet",
                             tip=tr("Questions that stand here twice, word for word or nearly so"))  # fmt: skip
        card.body.addWidget(self._split_text)
        card.body.addStretch(1)
        card.body.addLayout(row(self._hold, self._pairs, None))
        return card

    def _show_overlaps(self, found: Overlaps) -> None:
        self._overlaps = found
        self._pairs.setEnabled(bool(found.across or found.train or found.test))
        self._tell_splits()

    def _tell_splits(self) -> None:
        n = {
            split: sum(r[3] for r in self._rows if r[1] == name) for split, name in _SPLITS.items()
        }
        said = f"{n['train']:,} to learn from, {n['test']:,} held out to measure with."
        if not n["test"] and n["train"]:
            said += " Without held-out questions nobody can tell whether training helped."
        if self._overlaps is not None:
            said += in_words(self._overlaps)
        self._split_text.setText(said)

    def _on_hold_out(self) -> None:
        from studio.ui.hold_out_form import HoldOutForm

        train: dict[str, int] = {}
        for name, split, _, n, *_ in self._rows:
            if split == _SPLITS["train"]:
                train[name] = train.get(name, 0) + n
        form = HoldOutForm(self, list(train.items()), project=self.workbench.project)
        form.agreed.connect(self._hold_out)
        form.told.connect(lambda text: self.told.emit(text, False))
        form.open()

    def _hold_out(self, part: float, dataset: str, seed: int) -> None:
        moved = self.workbench.hold_out(part, dataset=dataset, seed=seed)
        self.reading.when(moved, lambda ids: self.told.emit(
            f"✓ {things(len(ids), 'question')} held out; Ctrl+Z takes it back", False))  # fmt: skip

    def _on_pairs(self) -> None:
        if self._overlaps is not None:
            self._show_pairs(self._overlaps)
            return

        def take(found: Overlaps) -> None:
            self._show_overlaps(found)
            self._show_pairs(found)

        self.told.emit("Comparing all questions with each other …", False)
        self.reading.ask("overlaps", overlaps, take)

    def _show_pairs(self, found: Overlaps) -> None:
        PairsList(self, found).open()

    # -- the student ---------------------------------------------------------------------------

    def _student_card(self) -> Card:
        card = Card(tr("Student and exam"))
        self._student = QLineEdit()
        self._student.setAccessibleName(tr("Student"))
        self._student.setPlaceholderText(tr("model folder, hub id, or URL#MODEL of an endpoint"))
        self._student.setToolTip(
            tr("Whose mistakes are looked for: it sits the exam on these questions")
        )
        folder = button(
            tr("Folder …"), self._on_folder, tip=tr("Choose the folder that holds the model")
        )
        use = button(tr("Use"), self._on_student, tip=tr("The next exam is this student's (Enter)"))
        self._student.returnPressed.connect(self._on_student)
        self._student_problem = label("", "bad", wrap=True)
        self._student_problem.hide()
        self._exams = label("", "dim", wrap=True)
        self._sit = button(tr("Sit the exam"), self._on_sit,
                           tip=tr("Let it answer every train question it has not answered, and grade that"))  # fmt: skip
        card.body.addLayout(row(self._student, folder, use))
        card.body.addWidget(self._student_problem)
        card.body.addWidget(self._exams)
        card.body.addStretch(1)
        card.body.addLayout(row(self._sit, None))
        return card

    def _show_exams(self, standing: _Standing) -> None:
        lines = []
        for split, round_, n, right in standing.exams:
            low, high = wilson(right, n)
            lines.append(f"Round {round_}, {_SPLITS[split]}: {right:,} of {n:,} right"
                         f" ({share(right / n)}, {share(low)} to {share(high)})")  # fmt: skip
        nothing = "It has not sat an exam yet." if standing.student else "No student chosen yet."
        self._exams.setText("\n".join(lines[:4]) or nothing)
        self._sit.setEnabled(bool(standing.student and standing.rows))

    def _on_folder(self) -> None:
        dialog = QFileDialog(self, "Choose a model folder")
        dialog.setFileMode(QFileDialog.FileMode.Directory)

        def chosen(name: str) -> None:
            self._student.setText(name)
            self._on_student()

        dialog.fileSelected.connect(chosen)
        dialog.open()

    def _on_student(self) -> None:
        """Keep the student's name; a wrong one is told at once, in one line."""
        text = self._student.text().strip()
        self._student_problem.hide()
        try:
            find_student(self.workbench.reader, text)
        except StudioError as error:
            self._tell_problem(str(error))
            return
        self.reading.when(self.workbench.set_setting("student", text), lambda _: self.told.emit(
            f"✓ Student: {one_line(text)}. It can sit the exam now.", False))  # fmt: skip

    def _on_sit(self) -> None:
        bench = self.workbench.bench
        try:
            plan = pipeline.plan(bench, ("attempt", "grade"), student=self._student.text().strip())
        except StudioError as error:
            self._tell_problem(str(error))
            return
        self.workbench.run_flow(plan)

    def _tell_problem(self, text: str) -> None:
        self._student_problem.setText(text)
        self._student_problem.show()

    # -- what is there -------------------------------------------------------------------------

    def reload(self, tables: set[str] | None = None) -> None:
        """Count what there is."""
        if tables is None or "settings" in tables:
            self._student.setText(self.workbench.reader.setting("student", ""))

        def read(store: Store) -> _Standing:
            found = store.rows(window_views.DATA)
            rows = [(r[0], _SPLITS[r[1]], _KINDS.get(r[2], r[2]), r[3], r[4], r[5]) for r in found]
            student = store.setting("student", "")
            try:
                name = find_student(store, student).name if student else ""
            except StudioError:  # its folder is gone; what it answered is there
                name = student
            exams = store.rows(window_views.EXAMS, name)
            return _Standing(rows, student, [(r[0], r[1], r[2], r[3]) for r in exams])

        self.reading.ask("data", read, self._show)

    def _show(self, standing: _Standing) -> None:
        before, self._rows = self._rows, standing.rows
        self._sheet.show_rows([*standing.rows])
        self._sum.setText(
            things(sum(r[3] for r in standing.rows), "question") if standing.rows else ""
        )
        self._hold.setEnabled(any(r[1] == _SPLITS["train"] for r in standing.rows))
        if not standing.rows:
            self._notice.show_text(tr("No questions yet"), tr("Import a file, or drop one on this window."),
                                   actions=[self._button()])  # fmt: skip
        self._stack.setCurrentIndex(1 if standing.rows else 0)
        self._show_exams(standing)
        if standing.rows != before:
            self._look_for_overlaps(sum(r[3] for r in standing.rows))

    def _look_for_overlaps(self, n: int) -> None:
        """Compare all questions with each other, at once where that takes no time to speak of."""
        self._overlaps = None
        self._tell_splits()
        self._pairs.setEnabled(n > 0)
        if n <= _COMPARED_AT_ONCE:
            self.reading.ask("overlaps", overlaps, self._show_overlaps)

    def show_this(self, wanted: Any) -> None:
        """Show what files that were dropped on the window hold, before they are taken."""
        self._on_files([Path(name) for name in wanted])

    def _on_choose(self) -> None:
        dialog = QFileDialog(self, "Import questions")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(lambda names: self._on_files([Path(n) for n in names]))
        dialog.open()

    def _on_files(self, files: list[Path]) -> None:
        from studio.ui.import_form import ImportForm

        form = ImportForm(self, files, reading=self.reading, project=self.workbench.project)
        form.agreed.connect(lambda files, options: self.workbench.import_files(files, **options))
        form.told.connect(lambda text: self.told.emit(text, False))
        form.open()
