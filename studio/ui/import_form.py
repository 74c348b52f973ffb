"""What a file holds and how it will be read, before any of it is taken."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDialog, QGridLayout, QWidget

from studio.flow.formats import FORMATS
from studio.flow.formats.columns import OPTIONAL, REQUIRED, guessed
from studio.flow.questions import Preview, preview
from studio.store.tables import Store
from studio.ui.commands import copy_button
from studio.ui.parts import button, choice, column, label, row
from studio.ui.plain_text import one_line
from studio.ui.reading import Reading
from studio.ui.sheet import Sheet
from studio.ui.texts import all_tr, mark, tr
from studio.ui.theme import GRID
from studio.ui.words import things

ROWS = 20
_HEAD = (
    mark("Line"),
    mark("Question"),
    mark("Gold"),
    mark("Answer is"),
    mark("Split"),
    mark("Comes with"),
)
_KINDS = {
    "number": mark("a number"),
    "choice": mark("a choice"),
    "yes_no": mark("yes or no"),
    "text": mark("text"),
}
_SPLITS = ((mark("as the file says"), None), (mark("train"), "train"), (mark("held out"), "test"))
_FIELDS_A_ROW = 4
_NOT_THERE = "–"


class ImportForm(QDialog):
    """Shows the first rows as they would be read; format, split and columns can be corrected.

    Signals:
        agreed(list, dict): the files, and the options of ``flow.questions.import_files``.
        told(str): a line for the bottom of the window.
    """

    agreed = Signal(list, dict)
    told = Signal(str)

    def __init__(
        self, parent: QWidget, files: Sequence[Path], *, reading: Reading, project: Path
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Import"))
        self.resize(GRID * 120, GRID * 76)
        self._files, self._reading, self._project = list(files), reading, project
        self._columns: tuple[str, ...] | None = None
        self._boxes: dict[str, QComboBox] = {}
        self._faults: list[str] = []
        self._refusal = ""
        self._over = False
        self.finished.connect(self._on_finished)
        self._build()
        self._read()

    def _build(self) -> None:
        self._format = choice([(tr("recognise the format"), "auto"), *((name, name) for name in FORMATS)],
                              name=tr("Format"), tip=tr("How the files are read"))  # fmt: skip
        self._split = choice([(tr(text), value) for text, value in _SPLITS], name=tr("Split"), tip=tr("Where the questions go: to learn from, or"
                             " held out to measure with"))  # fmt: skip
        self._skip = QCheckBox(tr("Leave bad rows out"))
        self._skip.setToolTip(tr("Take the file without them; they are listed in a file beside it"))
        self._skip.setAccessibleName(tr("Leave bad rows out"))
        for box in (self._format, self._split):
            box.currentIndexChanged.connect(lambda _: self._read())
        self._skip.toggled.connect(lambda _: self._enable())
        self._grid = QGridLayout()
        self._grid.setSpacing(GRID)
        self._mapping = QWidget()
        self._mapping.setLayout(self._grid)
        self._mapping.hide()
        self._found = label(tr("Reading …"), "dim", wrap=True)
        self._problem = label("", "bad", wrap=True)
        self._problem.hide()
        self._sheet = Sheet(all_tr(_HEAD), name=tr("The first rows as they will be read"), stretch=1, numbers=(0,),
                            widths=(56, 400, 136, 96, 80, 168), empty=tr("No row can be read like this"))  # fmt: skip
        self._go = button(
            tr("Import"), self._on_go, role="main", tip=tr("Take all rows of these files (Enter)")
        )
        self._go.setDefault(True)
        self._go.setEnabled(False)  # until it is seen what would be taken
        cancel = button(tr("Cancel"), self.reject, tip=tr("Take nothing (Esc)"))
        copy = copy_button(self._words, self.told.emit)
        layout = column(
            row(label(self._names(), "section"), None),
            row(label(tr("Format")), self._format, label(tr("Split")), self._split, None, self._skip),
            self._mapping, self._found, self._sheet, self._problem,
            row(copy, None, cancel, self._go), gap=GRID * 3 // 2,
        )  # fmt: skip
        layout.setContentsMargins(GRID * 3, GRID * 2, GRID * 3, GRID * 2)
        layout.setStretch(4, 1)
        self.setLayout(layout)

    def _names(self) -> str:
        first = one_line(self._files[0].name, most=80)
        more = len(self._files) - 1
        return (
            first
            if not more
            else tr("{first} and {more}", first=first, more=things(more, "more file"))
        )

    def _map_columns(self, columns: tuple[str, ...]) -> None:
        """Offer each column of the file for each of ours; what is probably meant is chosen."""
        self._columns = columns
        guess = guessed(columns)
        for n, ours in enumerate(REQUIRED + OPTIONAL):
            box = choice([(_NOT_THERE, ""), *((one_line(c, most=40), c) for c in columns)],
                         name=tr("Column for {ours}", ours=ours), tip=tr("Which column of the file holds the {ours}", ours=ours))  # fmt: skip
            box.setCurrentIndex(max(0, box.findData(guess.get(ours, ""))))
            box.currentIndexChanged.connect(lambda _: self._read())
            title = label(f"{ours}{' *' if ours in REQUIRED else ''}", "dim")
            line, place = divmod(n, _FIELDS_A_ROW)
            self._grid.addWidget(title, line, 2 * place)
            self._grid.addWidget(box, line, 2 * place + 1)
            self._grid.setColumnStretch(2 * place + 1, 1)
            self._boxes[ours] = box
        self._mapping.show()

    def _options(self) -> dict[str, Any]:
        columns = {
            ours: box.currentData()
            for ours, box in self._boxes.items()
            if box.currentData() not in ("", ours)
        }
        return {
            "format": self._format.currentData(),
            "split": self._split.currentData(),
            "columns": columns,
        }

    def _words(self) -> list[str]:
        options = self._options()
        words = ["import", str(self._project), *map(str, self._files)]
        words += [] if options["format"] == "auto" else ["--format", options["format"]]
        words += [] if options["split"] is None else ["--split", options["split"]]
        for ours, theirs in options["columns"].items():
            words += ["--map", f"{ours}={theirs}"]
        return [*words, *(["--skip-bad"] if self._skip.isChecked() else [])]

    def _read(self) -> None:
        options = self._options()
        files = self._files

        def read(_: Store) -> list[Preview]:
            return preview(files, n=ROWS, **options)

        self._reading.ask("import", read, self._show, failed=self._refuse)

    def _show(self, found: list[Preview]) -> None:
        if self._over:  # it was closed while the files were read
            return
        columns = next((one.columns for one in found if one.columns), ())
        if columns and self._columns is None:
            self._map_columns(columns)
            if guessed(columns) != {ours: ours for ours in guessed(columns)}:
                self._read()  # some columns go by other names: read them by those
                return
        items = [item for one in found for item in one.items]
        self._sheet.show_rows([_cells(item) for item in items[:ROWS]])
        read = [one for one in found if not one.refusal]
        told = "; ".join(
            tr(
                "{file} is read as {format}",
                file=one_line(one.path.name, most=60),
                format=one.format,
            )
            for one in read
        )
        self._found.setText(tr("{told}. Its first rows:", told=told) if len(read) == 1 else told)
        self._faults = [
            tr("{file}, line {line}: {reason}", file=one_line(one.path.name, most=40), line=fault.line, reason=one_line(fault.reason))
            for one in found for fault in one.faults
        ]  # fmt: skip
        self._refusal = next((one.refusal for one in found if one.refusal), "")
        self._enable()

    def _enable(self) -> None:
        """Say what is wrong, and let only be imported what can be."""
        bad = self._refusal or "\n".join(self._faults[:3])
        more = len(self._faults) - 3
        if not self._refusal and more > 0:
            bad += "\n" + tr(
                "and {more} among the first {rows}", more=things(more, "more bad row"), rows=ROWS
            )
        if self._faults and not self._refusal and not self._skip.isChecked():
            bad += "\n" + tr("Tick “Leave bad rows out” to take the others, or mend the file.")
        self._show_problem(bad)
        self._go.setEnabled(not self._refusal and (not self._faults or self._skip.isChecked()))

    def _refuse(self, why: str) -> None:
        """Say why nothing could be read, and let nothing be imported like this."""
        if not self._over:
            self._faults, self._refusal = [], why
            self._sheet.show_rows([])
            self._enable()

    def _show_problem(self, text: str) -> None:
        if self._over:
            return
        self._problem.setText(text)
        self._problem.setVisible(bool(text))

    def _on_finished(self, _: int) -> None:
        self._over = True

    def _on_go(self) -> None:
        self.agreed.emit(self._files, {**self._options(), "skip_bad": self._skip.isChecked()})
        self.accept()


def _cells(item: Any) -> tuple[Any, ...]:
    question = item.question
    rationales = len(item.rationales) + sum(len(draft.rationales) for draft in item.attempts)
    explanations = sum(len(draft.explanations) for draft in item.attempts)
    parts = (
        (len(question.options), "option"), (len(item.attempts), "attempt"),
        (explanations, "explanation"), (rationales, "rationale"),
    )  # fmt: skip
    comes_with = ", ".join(things(n, what) for n, what in parts if n) or _NOT_THERE
    split = tr("held out") if question.split == "test" else tr("train")
    kind = tr(_KINDS.get(question.answer_kind, question.answer_kind))
    return (item.line, question.text, question.gold, kind, split, comes_with)
