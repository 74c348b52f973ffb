"""Questions in: what is there, what is held out, what stands on both sides, and who sits the exam."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from PySide6.QtWidgets import QFileDialog, QPushButton, QStackedWidget, QWidget

from studio.app.workbench import Workbench
from studio.domain.errors import StudioError
from studio.flow.splits import Overlaps, overlaps
from studio.flow.students import find_student
from studio.store import window_views
from studio.store.tables import Store
from studio.ui.cases import Case, read_case
from studio.ui.formulas import Formulas
from studio.ui.page import CHOOSE, Page
from studio.ui.pairs_list import PairsList, in_words
from studio.ui.parts import Card, Notice, button, column, label, row
from studio.ui.question_dialog import QuestionDialog
from studio.ui.sheet import Sheet
from studio.ui.texts import all_tr, mark, tr
from studio.ui.theme import GRID
from studio.ui.widgets.question_browser import QuestionBrowser, Source
from studio.ui.widgets.student_card import SPLITS, StudentCard
from studio.ui.words import things

FORMATS = "GSM8K, SVAMP, StrategyQA, LogiQA, MAPD records, JSONL, CSV, Parquet"
_HEAD = (
    mark("Dataset"),
    mark("Split"),
    mark("Answers"),
    mark("Questions"),
    mark("Attempts"),
    mark("Rationales"),
)
_KINDS = {
    "number": mark("a number"),
    "choice": mark("a choice"),
    "yes_no": mark("yes or no"),
    "text": mark("text"),
}
ROWS_IN_SIGHT = 5  #: datasets; more are scrolled to, the questions keep their room
_COMPARED_AT_ONCE = 20_000  #: questions; a hundred thousand take seconds, and only when asked for


class _Standing(NamedTuple):
    rows: list[tuple[str, str, str, int, int, int]]
    student: str  #: as a person named it
    name: str  #: what its attempts are kept under
    exams: list[tuple[str, int, int, int]]


class DataPage(Page):
    """The questions by dataset and split."""

    title = mark("Data")
    watches: ClassVar = frozenset({"questions", "attempts", "grades", "rationales", "settings"})

    def __init__(self, workbench: Workbench) -> None:
        super().__init__(workbench)
        self._rows: list[tuple[str, str, str, int, int, int]] = []
        self._student_name = ""
        self._overlaps: Overlaps | None = None
        self._sum = label("", "dim")
        self._sheet = Sheet(
            all_tr(_HEAD),
            name=tr("Questions by dataset and split"),
            widths=(280, 96, 128, 112, 112, 112),
            numbers=(3, 4, 5),
            stretch=0,
        )
        self._notice = Notice()
        self._browser = QuestionBrowser(workbench.reader, self.reading)
        self._browser.opened.connect(self._on_opened)
        self._sheet.chosen.connect(lambda _: self._show_source())
        self._formulas = Formulas(self.reading, self)
        self._dialog: QuestionDialog | None = None
        full = QWidget()
        parts = column(self._sheet, self._browser, gap=GRID * 2)
        parts.setContentsMargins(0, 0, 0, 0)
        parts.setStretch(1, 1)
        full.setLayout(parts)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._notice)
        self._stack.addWidget(full)
        self.student = StudentCard(self)
        layout = self.page_layout()
        self._import = self._button()
        layout.addLayout(row(label(tr(self.title), "title"), self._sum, None, self._import))
        layout.addWidget(self._stack, 1)
        cards = row(self._split_card(), self.student, gap=GRID * 2)
        for place in (0, 1):
            cards.setStretch(place, 1)
        layout.addLayout(cards)
        layout.addWidget(label(tr("Read: {FORMATS}. Or drop files on this window.", FORMATS=FORMATS), "small", wrap=True))  # fmt: skip
        self.lock(self._hold, self._import)
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
        n = {split: sum(r[3] for r in self._rows if r[1] == name) for split, name in SPLITS.items()}
        said = tr("{train} to learn from, {test:,} held out to measure with.",
                  train=things(n["train"], "question"), test=n["test"])  # fmt: skip
        if not self._rows:
            said = tr("Questions that the student never learns from tell whether training helped.")
        elif not n["test"] and n["train"]:
            said += tr(" Without held-out questions nobody can tell whether training helped.")
        if self._overlaps is not None:
            said += in_words(self._overlaps)
        self._split_text.setText(said)

    def _on_hold_out(self) -> None:
        from studio.ui.hold_out_form import HoldOutForm

        train: dict[str, int] = {}
        for name, split, _, n, *_ in self._rows:
            if split == SPLITS["train"]:
                train[name] = train.get(name, 0) + n
        form = HoldOutForm(self, list(train.items()), project=self.workbench.project)
        form.agreed.connect(self._hold_out)
        form.told.connect(lambda text: self.told.emit(text, False))
        form.open()

    def _hold_out(self, part: float, dataset: str, seed: int) -> None:
        moved = self.workbench.hold_out(part, dataset=dataset, seed=seed)
        self.reading.when(moved, lambda ids: self.told.emit(
            tr("✓ {questions} held out; Ctrl+Z takes it back", questions=things(len(ids), 'question')), False))  # fmt: skip

    def _on_pairs(self) -> None:
        if self._overlaps is not None:
            self._show_pairs(self._overlaps)
            return

        def take(found: Overlaps) -> None:
            self._show_overlaps(found)
            self._show_pairs(found)

        self.told.emit(tr("Comparing all questions with each other …"), False)
        self.reading.ask("overlaps", overlaps, take)

    def _show_pairs(self, found: Overlaps) -> None:
        PairsList(self, found).open()

    # -- the questions -------------------------------------------------------------------------

    def _show_source(self) -> None:
        """Show the questions of the dataset chosen above; of all where none is."""
        place = self._sheet.currentIndex().row()
        source = None
        if 0 <= place < len(self._rows):
            name, side = self._rows[place][:2]
            source = Source(name, next(key for key, text in SPLITS.items() if text == side))
        self._browser.show_source(source, student=self._student_name)

    def _on_opened(self, question_id: str, *, again: bool = False) -> None:
        def show(case: Case | None) -> None:
            if case is None:
                return
            if self._dialog is not None:
                self._dialog.show_case(case)
            elif not again:  # else it was closed meanwhile
                self._dialog = QuestionDialog(self, case, self._formulas)
                self._dialog.finished.connect(lambda _: setattr(self, "_dialog", None))
                self._dialog.open()

        self.reading.ask("question", lambda store: read_case(store, question_id), show)

    def _refresh_questions(self) -> None:
        """Tell the questions' answers anew, also in the dialog that is open."""
        self._show_source()
        if self._dialog is not None and self._dialog.case:
            self._on_opened(self._dialog.case.question.id, again=True)

    # -- what is there -------------------------------------------------------------------------

    def reload(self, tables: set[str] | None = None) -> None:
        """Count what there is."""
        if tables is None or "settings" in tables:
            self.student.show_name(self.workbench.reader.setting("student", ""))

        def read(store: Store) -> _Standing:
            found = store.rows(window_views.DATA)
            rows = [
                (r[0], SPLITS[r[1]], tr(_KINDS.get(r[2], r[2])), r[3], r[4], r[5]) for r in found
            ]
            student = store.setting("student", "")
            try:
                name = find_student(store, student).name if student else _only_student(store)
            except StudioError:  # its folder is gone; what it answered is there
                name = student
            exams = store.rows(window_views.EXAMS, name)
            return _Standing(rows, student, name, [(r[0], r[1], r[2], r[3]) for r in exams])

        self.reading.ask("data", read, self._show)

    def show_failure(self, why: str) -> None:
        """Say why there is nothing to be seen, as long as there is nothing."""
        if not self._rows:
            self._notice.show_failure(why, self.reload)
            self._stack.setCurrentIndex(0)

    def _show(self, standing: _Standing) -> None:
        before, self._rows = self._rows, standing.rows
        self._sheet.show_rows(_with_sum(standing.rows))
        self._sum.setText(
            things(sum(r[3] for r in standing.rows), "question") if standing.rows else ""
        )
        self._hold.setEnabled(any(r[1] == SPLITS["train"] for r in standing.rows))
        if not standing.rows:
            self._notice.show_text(tr("No questions yet"), tr("Import a file, or drop one on this window."),
                                   actions=[self._button()])  # fmt: skip
        self._import.setVisible(bool(standing.rows))  # else it stands in the middle
        self._stack.setCurrentIndex(1 if standing.rows else 0)
        self._sheet.setFixedHeight(
            GRID * 4 * (min(self._sheet.sheet.rowCount(), ROWS_IN_SIGHT) + 1) + 4
        )
        self._student_name = standing.name
        self._refresh_questions()
        self.student.show_exams(
            standing.exams,
            chosen=bool(standing.student),
            asked=bool(standing.rows),
            answered_by="" if standing.student else standing.name,
        )
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
        """Show what files that were dropped on the window hold, before they are taken; ask for some."""
        if wanted == CHOOSE:
            self._on_choose()
        else:
            self._on_files([Path(name) for name in wanted])

    def _on_choose(self) -> None:
        dialog = QFileDialog(self, tr("Import questions"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(lambda names: self._on_files([Path(n) for n in names]))
        dialog.open()

    def _on_files(self, files: list[Path]) -> None:
        from studio.ui.import_form import ImportForm

        form = ImportForm(self, files, reading=self.reading, project=self.workbench.project)
        form.agreed.connect(lambda files, options: self.workbench.import_files(files, **options))
        form.told.connect(lambda text: self.told.emit(text, False))
        form.open()


def _only_student(store: Store) -> str:
    """Return whose answers are here, where they are all one student's, such as an imported one's."""
    names = store.rows(window_views.STUDENTS)
    return str(names[0][0]) if len(names) == 1 else ""


def _with_sum(rows: list[tuple[str, str, str, int, int, int]]) -> list[tuple[Any, ...]]:
    """Return the rows, and below several of them one for all."""
    if len(rows) < 2:
        return [*rows]
    asked, answered, solved = (sum(numbers) for numbers in zip(*(r[3:] for r in rows), strict=True))
    return [*rows, (tr("All datasets"), "", "", asked, answered, solved)]
