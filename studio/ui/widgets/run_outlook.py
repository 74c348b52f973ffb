"""What a run would be: its examples and steps, and its memory line by line against what is free."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtWidgets import QGridLayout, QWidget

from studio.app.free_memory import Free
from studio.domain.memory import Estimate, is_tight
from studio.flow.contamination import Contamination
from studio.ui.parts import button, clear, column, label, row, set_role
from studio.ui.plain_text import as_tip
from studio.ui.texts import tr
from studio.ui.theme import GRID
from studio.ui.words import size, things


class Outlook(NamedTuple):
    """What is known of a run before its start."""

    student: str  #: what was found under the name
    examples: int = 0
    questions: int = 0
    steps: int = 0
    need: Estimate | None = None
    free: Free | None = None
    no_need: str = ""  #: why there is no estimate
    no_data: str = ""  #: why there is nothing to learn from
    seen: Contamination | None = None  #: what the data has in common with the exam


class RunOutlook(QWidget):
    """Shows an outlook in a few lines; the lines of memory are folded.

    Args:
        beside: further buttons, in the line of the one that folds.
    """

    def __init__(self, *beside: QWidget) -> None:
        super().__init__()
        self._data = label("", "dim", wrap=True)
        self._warning = label("", "warn", wrap=True)
        self._warning.hide()
        self._total = label("", "name", wrap=True)
        self._lines = QWidget()
        self._grid = QGridLayout(self._lines)
        self._grid.setContentsMargins(GRID, 0, 0, 0)
        self._grid.setVerticalSpacing(2)
        self._grid.setHorizontalSpacing(GRID)
        self._grid.setColumnStretch(2, 1)
        self._lines.hide()
        self._fold = button(tr("▸ Line by line"), self._on_fold, role="quiet",
                            tip=tr("Show or fold what takes how much memory"))  # fmt: skip
        self._fold.hide()
        layout = column(
            self._data,
            self._warning,
            self._total,
            row(self._fold, *beside, None),
            self._lines,
            gap=GRID // 2,
        )
        self.setLayout(layout)

    def show_outlook(self, found: Outlook) -> None:
        """Show what a run would be."""
        self._data.setText(found.no_data or (
            tr("{examples} from {questions}, {steps} at most", examples=things(found.examples, 'example'), questions=things(found.questions, 'question'), steps=things(found.steps, 'step'))
        ))  # fmt: skip
        self._warn(found.seen)
        need, free = found.need, found.free
        self._fold.setVisible(need is not None)
        if need is None:
            self._total.setText(found.no_need)
            set_role(self._total, "dim")
            self._lines.hide()
            return
        known = free is not None and free.bytes is not None
        room = (
            tr(" of {size} free{where}", size=size(free.bytes or 0), where=free.where)
            if known and free
            else ""
        )
        tight = free is not None and is_tight(need.total, free.bytes)
        self._total.setText(
            tr(
                "{value}Memory: about {total}{room}{how}",
                value="⚠ " if tight else "",
                total=size(need.total),
                room=room,
                how=tr(", with gradient checkpointing") if need.checkpointing else "",
            )
        )
        self._total.setToolTip(tr("Too tight? Halve “Batch tokens”, let “Gradient checkpointing” be auto or on,"
                               " or shorten “Longest example”.") if tight else "")  # fmt: skip
        set_role(self._total, "warn" if tight else "name")
        clear(self._grid)
        for n, line in enumerate(need.needs):
            self._grid.addWidget(label(line.name, "small"), n, 0)
            amount = label(size(line.bytes), "small")
            self._grid.addWidget(amount, n, 1)
            self._grid.addWidget(label(line.why, "small", wrap=True), n, 2)

    def _warn(self, seen: Contamination | None) -> None:
        told = []
        if seen is not None and seen.left_out:
            told.append(tr("⚠ {questions} held out too: not learned from", questions=things(seen.left_out, 'question')))  # fmt: skip
        if seen is not None and seen.examples:
            told.append(tr("⚠ {examples} with words of held-out questions", examples=things(seen.examples, 'example')))  # fmt: skip
        self._warning.setText("\n".join(told))
        self._warning.setToolTip("" if seen is None else as_tip(seen.in_words()))
        self._warning.setVisible(bool(told))

    def show_problem(self, text: str) -> None:
        """Say why there is no outlook."""
        self._data.setText(text)
        self._warning.hide()
        self._total.setText("")
        self._fold.hide()
        self._lines.hide()

    def _on_fold(self) -> None:
        self._lines.setVisible(self._lines.isHidden())
        self._fold.setText(("▸" if self._lines.isHidden() else "▾") + tr(" Line by line"))
