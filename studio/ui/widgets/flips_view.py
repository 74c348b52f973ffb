"""What training fixed and what it broke, side by side; a click shows both answers in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSplitter, QWidget

from studio.ui.drawn_text import DrawnText
from studio.ui.formulas import Formulas
from studio.ui.parts import Card, column, label
from studio.ui.plain_text import one_line, safe
from studio.ui.sheet import Sheet
from studio.ui.texts import all_tr, mark, tr
from studio.ui.theme import GRID
from studio.ui.words import NOTHING, SIGNS

_HEAD = (mark("Question"), mark("Gold"), mark("Before"), mark("After"))
_LISTS = (
    ("fixed", mark("Fixed: wrong before, right now"), mark("Nothing was fixed")),
    ("broken", mark("Broken: right before, wrong now"), mark("Nothing was broken")),
)

_SIDES = {"before": mark("Before"), "after": mark("After")}


_QUESTION = 1_500  #: letters of it above the answers; more would push them out of the window


class Answer(NamedTuple):
    """What one student answered to one question."""

    text: str
    extracted: str
    verdict: str


class Flip(NamedTuple):
    """A question whose answer turned, with both answers."""

    question: str
    gold: str
    before: Answer | None
    after: Answer | None


class FlipsView(QWidget):
    """Two lists above, both answers to the chosen question below."""

    def __init__(self, formulas: Formulas) -> None:
        super().__init__()
        self._flips: dict[str, list[Flip]] = {}
        self._lists: dict[str, Sheet] = {}
        self._heads: dict[str, QLabel] = {}
        upper = QSplitter(Qt.Orientation.Horizontal)
        for name, title, empty in _LISTS:
            sheet = Sheet(
                all_tr(_HEAD), name=tr(title), widths=(240, 64, 72, 72), stretch=0, empty=tr(empty)
            )
            sheet.chosen.connect(lambda place, name=name: self._on_chosen(name, place))
            self._lists[name], self._heads[name] = sheet, label(tr(title), "section")
            card = Card()
            card.body.addWidget(self._heads[name])
            card.body.addWidget(sheet, 1)
            upper.addWidget(card)
        self._question = label(
            tr("Choose a question to see both answers in full."), "dim", wrap=True
        )
        self._texts = {"before": DrawnText(tr("Answer before training"), formulas),
                       "after": DrawnText(tr("Answer after training"), formulas)}  # fmt: skip
        self._names = {"before": label("", "head"), "after": label("", "head")}
        lower = QSplitter(Qt.Orientation.Horizontal)
        for side, text in self._texts.items():
            card = Card()
            card.body.addWidget(self._names[side])
            card.body.addWidget(text, 1)
            lower.addWidget(card)
        for splitter in (upper, lower):
            splitter.setChildrenCollapsible(False)
            splitter.setHandleWidth(GRID * 2)
        layout = column(upper, self._question, lower, gap=GRID * 3 // 2)
        layout.setStretch(0, 3)
        layout.setStretch(2, 2)
        self.setLayout(layout)

    def show_flips(self, flips: Mapping[str, Sequence[Flip]], *, n: int) -> None:
        """Show these; ``n`` is how many questions both students sat."""
        wanted = {name: list(of) for name, of in flips.items()}
        again, self._flips = wanted == self._flips, wanted
        for name, title, _ in _LISTS:
            found = self._flips.get(name, [])
            self._heads[name].setText(
                tr("{title} ({found:,} of {n:,})", title=tr(title), found=len(found), n=n)
            )
            if not again:
                self._lists[name].show_rows([_cells(flip) for flip in found])
                self._lists[name].selectionModel().clear()  # else the first may be chosen already
        if again:
            return  # what was chosen and is read stays
        self._question.setText(tr("Choose a question to see both answers in full."))
        for side in self._texts:
            self._texts[side].show_text("")
            self._names[side].setText(tr(_SIDES[side]))
        for name, *_ in _LISTS:  # the first of them, so that there is something to see
            if self._flips.get(name):
                self._lists[name].selectRow(0)
                return

    def _on_chosen(self, name: str, place: int) -> None:
        if not 0 <= place < len(self._flips.get(name, ())):
            return
        for other, sheet in self._lists.items():
            if other != name:  # one answer is shown, so one row is chosen
                sheet.selectionModel().clear()
        flip = self._flips[name][place]
        self._question.setText(
            tr(
                "{question}   Gold: {gold}",
                question=safe(flip.question, most=_QUESTION),
                gold=one_line(flip.gold),
            )
        )
        for side, answer in (("before", flip.before), ("after", flip.after)):
            sign = "" if answer is None else SIGNS.get(answer.verdict, "·")
            read = (
                ""
                if answer is None
                else tr(", read as {answer}", answer=one_line(answer.extracted) or NOTHING)
            )
            self._names[side].setText(f"{tr(_SIDES[side])} {sign}{read}")
            self._texts[side].show_text(tr("not asked") if answer is None else answer.text)


def _cells(flip: Flip) -> tuple[str, ...]:
    sides = (
        NOTHING if side is None else side.extracted or NOTHING for side in (flip.before, flip.after)
    )
    return (flip.question, flip.gold, *sides)
