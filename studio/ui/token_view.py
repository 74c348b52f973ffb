"""Show me the tokens: what the student reads of each example, what it learns, and what is cut off."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QSplitter, QTextEdit, QWidget

from studio.flow.outlook import Shown, Tokens
from studio.ui.parts import Card, TextView, button, column, label, row
from studio.ui.plain_text import safe
from studio.ui.sheet import Sheet
from studio.ui.texts import all_tr, mark, tr
from studio.ui.theme import GRID, Scheme, scheme_now
from studio.ui.words import things

_COUNTS = (
    mark("Side"),
    mark("Role"),
    mark("Examples"),
    mark("Tokens"),
    mark("Learned"),
    mark("Longest"),
    mark("Too long"),
)
_LIST = (mark("Side"), mark("Role"), mark("Tokens"), mark("Learned"), mark("Cut"))
_SHADE = {"light": 107, "dark": 135}  #: percent: tells a learned token from the next
_SHOWN, _LEARNED, _CUT = 0, 1, 2


class TokenView(QDialog):
    """A window with the counts of all examples and the tokens of some."""

    def __init__(self, parent: QWidget, tokens: Tokens) -> None:
        super().__init__(parent)
        self._tokens = tokens
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("What the student reads and learns"))
        counts = Sheet(all_tr(_COUNTS), name=tr("Tokens by side and role"), numbers=(2, 3, 4, 5, 6),
                       widths=(112, 136, 96, 112, 112, 96, 96), stretch=1)  # fmt: skip
        counts.show_rows([_counted(name, of) for name, of in tokens.roles.items()])
        counts.setMaximumHeight(GRID * 4 * (len(tokens.roles) + 1) + GRID * 4)
        self._list = Sheet(
            all_tr(_LIST),
            name=tr("Examples"),
            numbers=(2, 3, 4),
            widths=(88, 104, 72, 80, 56),
            stretch=1,
        )
        self._list.show_rows([_listed(one) for one in tokens.examples])
        self._list.chosen.connect(self._show)
        self._about = label("", "dim", wrap=True)
        self.text = TextView(tr("Tokens of the chosen example"))
        right = Card(role="pane")
        right.body.addWidget(self._about)
        right.body.addWidget(self.text, 1)
        both = QSplitter()
        both.addWidget(self._list)
        both.addWidget(right)
        both.setSizes([GRID * 56, GRID * 80])
        both.setHandleWidth(GRID * 2)
        both.setStretchFactor(1, 1)
        both.setChildrenCollapsible(False)
        close = button(tr("Close"), self.accept, tip=tr("Close this window (Esc)"))
        key = row(label(tr("grey: read, not learned"), "dim"), label(tr("tinted: learned"), "name"),
                  label(tr("struck out: cut off"), "bad"), None, close, gap=GRID * 3)  # fmt: skip
        layout = column(label(in_words(tokens), wrap=True), counts, both, key, gap=GRID * 3 // 2)
        layout.setContentsMargins(GRID * 3, GRID * 2, GRID * 3, GRID * 2)
        layout.setStretch(2, 1)
        self.setLayout(layout)
        self.resize(GRID * 140, GRID * 88)
        if tokens.examples:
            self._list.selectRow(0)

    def _show(self, place: int) -> None:
        if 0 <= place < len(self._tokens.examples):
            one = self._tokens.examples[place]
            self._about.setText(_about(one, self._tokens))
            draw(self.text, one)


def draw(view: QPlainTextEdit, example: Shown) -> None:
    """Write an example into a view, each token told from the next, by what becomes of it."""
    texts = [safe(piece.text) if piece.text != "\n" else "⏎\n" for piece in example.pieces]
    view.setPlainText("".join(texts))
    scheme = scheme_now()
    marks: list[QTextEdit.ExtraSelection] = []
    place = 0
    for n, (piece, text) in enumerate(zip(example.pieces, texts, strict=True)):
        cursor = QTextCursor(view.document())
        cursor.setPosition(place)
        place += len(text.encode("utf-16-le")) // 2  # as Qt counts
        cursor.setPosition(place, QTextCursor.MoveMode.KeepAnchor)
        mark = QTextEdit.ExtraSelection()
        mark.cursor, mark.format = cursor, _format(piece.fate, scheme, odd=bool(n % 2))
        marks.append(mark)
    view.setExtraSelections(marks)


def _format(fate: int, scheme: Scheme, *, odd: bool) -> QTextCharFormat:
    made = QTextCharFormat()
    if fate == _SHOWN:
        made.setForeground(QColor(scheme.dim))
        made.setBackground(QColor(scheme.raised if odd else scheme.panel))
    elif fate == _LEARNED:
        made.setForeground(QColor(scheme.text))
        made.setBackground(QColor(scheme.chosen).darker(100 if odd else _SHADE[scheme.name]))
    else:
        made.setForeground(QColor(scheme.bad))
        made.setFontStrikeOut(True)
        made.setFontWeight(QFont.Weight.Normal)
    return made


def in_words(tokens: Tokens) -> str:
    """Return what is to be known of all examples, in two sentences."""
    total = sum(of.get("examples", 0) for of in tokens.roles.values())
    learned = sum(of.get("supervised", 0) for of in tokens.roles.values())
    read = sum(of.get("tokens", 0) for of in tokens.roles.values())
    template = (
        tr("the model's own chat template")
        if tokens.template
        else tr("no chat template: plain text")
    )
    end = (tr("its end ({end}) is learned", end=safe(tokens.end)) if tokens.end_is_trained
           else tr("its end ({end}) is NOT learned", end=safe(tokens.end)))  # fmt: skip
    long = (tr("{over} longer than {limit:,} tokens", over=things(tokens.over, 'example'), limit=tokens.limit)
            if tokens.over else tr("none longer than {limit:,} tokens", limit=tokens.limit))  # fmt: skip
    return tr(
        "{examples}, {read:,} tokens, {learned:,} of them learned; {long}. "
        "Written with {template}; of each answer {end}.",
        examples=things(total, "example"), read=read, learned=learned, long=long,
        template=template, end=end,
    )  # fmt: skip


def _about(one: Shown, tokens: Tokens) -> str:
    cut = (
        tr(", {n:,} beyond the limit of {most:,}", n=one.cut, most=tokens.limit) if one.cut else ""
    )
    ends = "" if one.ends else tr(", its end is not learned")
    return tr(
        "{role}: {read:,} tokens read, {learned:,} learned{cut}{ends}",
        role=one.role,
        read=one.prompt,
        learned=one.learned,
        cut=cut,
        ends=ends,
    )


def _counted(name: str, of: dict[str, int]) -> tuple[str | int, ...]:
    side, _, role = name.partition(" ")
    return (
        side,
        role,
        *(of.get(n, 0) for n in ("examples", "tokens", "supervised", "longest", "over")),
    )


def _listed(one: Shown) -> tuple[str | int, ...]:
    return one.side, one.role, one.tokens, one.learned, one.cut
