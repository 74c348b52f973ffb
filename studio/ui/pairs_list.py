"""Questions that stand in the project twice, word for word or nearly so."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QWidget

from studio.flow.splits import Overlaps
from studio.ui.parts import button, column, label, row
from studio.ui.sheet import Sheet
from studio.ui.texts import tr
from studio.ui.theme import GRID
from studio.ui.words import things

_HEAD = ("Where", "Likeness", "Question", "Is like")


class PairsList(QDialog):
    """Every such pair with both texts."""

    def __init__(self, parent: QWidget, found: Overlaps) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Near duplicates"))
        self.resize(GRID * 120, GRID * 64)
        sheet = Sheet(_HEAD, name=tr("Near duplicates"), widths=(136, 80, 360, 360), numbers=(1,), stretch=3,
                      empty=tr("No question stands here twice"))  # fmt: skip
        where = (
            ("train and held out", found.across),
            ("train", found.train),
            ("held out", found.test),
        )
        sheet.show_rows([
            (name, f"{pair.likeness:.2f}", found.texts[pair.one], found.texts[pair.other])
            for name, lot in where for pair in lot
        ])  # fmt: skip
        why = label(tr("The same numbers in the same order, and nearly the same words (Jaccard likeness"
                    " 0.85 or more). Train questions that are held out too are never trained on."),
                    "dim", wrap=True)  # fmt: skip
        close = button(tr("Close"), self.accept, tip=tr("Close this list (Esc)"))
        layout = column(why, sheet, row(None, close), gap=GRID * 2)
        layout.setContentsMargins(GRID * 3, GRID * 2, GRID * 3, GRID * 2)
        layout.setStretch(1, 1)
        self.setLayout(layout)


def in_words(found: Overlaps) -> str:
    """Return what was found, as it goes on after a sentence."""
    said = ""
    if found.across:
        verb = "stands" if len(found.across) == 1 else "stand"
        said += (f" ⚠ {things(len(found.across), 'train question')} {verb} among the held-out ones"
                 " too, word for word or nearly so: never trained on.")  # fmt: skip
    if pairs := len(found.train) + len(found.test):
        said += f" {things(pairs, 'pair')} nearly alike within one side."
    return said
