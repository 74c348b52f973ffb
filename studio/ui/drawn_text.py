"""A read-only view of what a model wrote, its small Markdown and its formulas drawn.

Every character is put in by a cursor with a format of ours: nothing is ever read as HTML, no link and
no picture comes from the text. What is copied is what was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil
from typing import NamedTuple

from PySide6.QtCore import QEvent, QMimeData, Qt, QUrl
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QFontInfo,
    QFontMetricsF,
    QResizeEvent,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextImageFormat,
)
from PySide6.QtWidgets import QSizePolicy, QTextEdit

from studio.domain.markup import Block, Piece, Places, Span, blocks
from studio.ui.formulas import Drawing, Formulas
from studio.ui.plain_text import safe
from studio.ui.texts import tr
from studio.ui.theme import GRID, scheme_now

_MOST_FORMULAS = 60  #: drawn in one text; the rest stays as it is written
_MOST_PIECES = 1_500  #: 0.1 ms each; a text with more of them is shown as it is written
_MOST_LINES = 2_000
_INDENT = GRID * 2
_LETTERS = 1.25  #: the font of formulas runs small


class Mark(NamedTuple):
    """A part of the text to be marked; ``span`` counts in ``safe(text)``."""

    span: Span
    colour: str
    strong: bool = True  #: underlined and tinted


class DrawnText(QTextEdit):
    """Shows one text; as high as it is, up to ``most_lines``, or as there is room (0)."""

    def __init__(
        self, name: str, formulas: Formulas, *, most_lines: int = 0, role: str = ""
    ) -> None:
        super().__init__()
        self._formulas, self._most_lines = formulas, most_lines
        self._text = ""
        self._marks: Sequence[Mark] = ()
        self._places = Places()
        self._drawn: list[Drawing] = []
        self._room_then = 0.0
        self._waiting = False
        self.setReadOnly(True)
        self.setAcceptRichText(False)
        self.setUndoRedoEnabled(False)
        self.setTabChangesFocus(True)
        flags = Qt.TextInteractionFlag
        self.setTextInteractionFlags(flags.TextSelectableByMouse | flags.TextSelectableByKeyboard)
        self.setAccessibleName(name)
        self.setToolTip(tr("{name}: Ctrl+A and Ctrl+C copy it as it was written", name=name))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        if role:
            self.setProperty("role", role)
        if most_lines:
            self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            self.document().documentLayout().documentSizeChanged.connect(lambda _: self._fit())
        formulas.drawn.connect(self._on_drawn)

    def show_text(self, text: str, marks: Iterable[Mark] = ()) -> None:
        """Show a text of a model, with parts of it marked; the first mark is brought to sight."""
        wanted = _capped(safe(text)), tuple(marks)
        if wanted == (self._text, self._marks):
            return  # what is read and selected in it stays where it is
        self._text, self._marks = wanted
        self._fill()
        if self._marks and (span := self._places.shown(self._marks[0].span)):
            self.setTextCursor(self._cursor((span[0], span[0])))

    @property
    def marked(self) -> list[str]:
        """The marked parts, as they were written."""
        found = (self._places.shown(mark.span) for mark in self._marks)
        return [self._written(span) for span in found if span is not None]

    def _fill(self) -> None:
        self._waiting, self._room_then, self._places = False, self._room(), Places()
        self._drawn = []
        self.clear()
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()
        for n, block in enumerate(_blocks(self._text)):
            if n:
                cursor.insertBlock(_block_format(block), QTextCharFormat())
            else:
                cursor.setBlockFormat(_block_format(block))
            for piece in block.pieces:
                self._insert(cursor, block, piece)
        cursor.endEditBlock()
        self.setTextCursor(
            self._cursor((0, 0))
        )  # else it is at the end, and so is what is in sight
        self.setExtraSelections(
            [self._selection(mark, span) for mark in self._marks
             if (span := self._places.shown(mark.span)) is not None]
        )  # fmt: skip

    def _insert(self, cursor: QTextCursor, block: Block, piece: Piece) -> None:
        at = cursor.position()
        if "formula" in piece.style:
            drawing = self._drawing(block, piece)
            if drawing is not None:
                self._insert_drawing(cursor, drawing)
                self._places.add(piece, at, drawn=True)
                return
            piece = Piece(self._text[piece.start : piece.end], piece.start, piece.end)
        cursor.insertText(piece.text, _char_format(block, piece))
        self._places.add(piece, at)

    def _drawing(self, block: Block, piece: Piece) -> Drawing | None:
        if len(self._drawn) >= _MOST_FORMULAS:
            return None
        pixels = round(QFontInfo(self.font()).pixelSize() * _LETTERS)
        pixels += 2 * (block.kind == "heading")
        drawing = self._formulas.get(piece.text, pixels)
        self._waiting = self._waiting or drawing is None
        if drawing is None:
            return None
        self._drawn.append(drawing)
        return drawing if drawing.width <= self._room_then else None

    def _insert_drawing(self, cursor: QTextCursor, drawing: Drawing) -> None:
        x_height = QFontMetricsF(self.font()).xHeight()
        image = drawing.picture(
            scheme_now().text, ratio=self.devicePixelRatioF(), x_height=x_height
        )
        name = f"formula:{len(self._drawn)}"
        self.document().addResource(
            QTextDocument.ResourceType.ImageResource.value, QUrl(name), image
        )
        form = QTextImageFormat()
        form.setName(name)
        form.setWidth(image.deviceIndependentSize().width())
        form.setHeight(image.deviceIndependentSize().height())
        form.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignMiddle)
        cursor.insertImage(form)

    def _on_drawn(self) -> None:
        if self._waiting:
            cursor = self.textCursor()
            chosen = self._places.source((cursor.selectionStart(), cursor.selectionEnd()))
            bar = self.verticalScrollBar().value()
            self._fill()
            if chosen is not None and (span := self._places.shown(chosen)):
                self.setTextCursor(self._cursor(span))
            self.verticalScrollBar().setValue(bar)

    def _room(self) -> float:
        return max(
            GRID * 12.0, self.viewport().width() - 2 * self.document().documentMargin() - _INDENT
        )

    def _cursor(self, span: Span) -> QTextCursor:
        cursor = QTextCursor(self.document())
        cursor.setPosition(span[0])
        cursor.setPosition(span[1], QTextCursor.MoveMode.KeepAnchor)
        return cursor

    def _selection(self, mark: Mark, span: Span) -> QTextEdit.ExtraSelection:
        made = QTextEdit.ExtraSelection()
        form = QTextCharFormat()
        form.setForeground(QColor(mark.colour))
        if mark.strong:
            form.setBackground(QColor(scheme_now().tint))
            form.setFontUnderline(True)
        made.cursor, made.format = self._cursor(span), form
        return made

    def _written(self, span: Span) -> str:
        source = self._places.source(span)
        return "" if source is None else self._text[slice(*source)]

    def _fit(self) -> None:
        line = QFontMetricsF(self.document().defaultFont()).lineSpacing()
        most = line * self._most_lines + 2 * self.document().documentMargin()
        height = self.document().size().height()
        bars = Qt.ScrollBarPolicy
        fits = height <= most + 1
        self.setVerticalScrollBarPolicy(bars.ScrollBarAlwaysOff if fits else bars.ScrollBarAsNeeded)
        self.setFixedHeight(ceil(min(height, most)) + 2 * self.frameWidth() + 2)

    # Qt's own names

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Wrap anew, draw the formulas there is now room for, and be as high as that takes."""
        super().resizeEvent(event)
        room = self._room()
        if any((one.width <= room) != (one.width <= self._room_then) for one in self._drawn):
            self._fill()
        if self._most_lines:
            self._fit()

    def changeEvent(self, event: QEvent) -> None:
        """Take over the colours of another scheme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._text:
            self._fill()

    def createMimeDataFromSelection(self) -> QMimeData:
        """Copy what was written, with its signs of markup, as plain text."""
        cursor = self.textCursor()
        span = (cursor.selectionStart(), cursor.selectionEnd())
        whole = span == (0, self.document().characterCount() - 1)
        # One made here would outlive Python on the clipboard, and end with a crash.
        made = super().createMimeDataFromSelection()
        made.text()  # it is filled when first asked, and would be again over ours
        for form in made.formats():
            made.removeFormat(form)
        made.setText(self._text if whole else self._written(span))
        return made


def _capped(text: str) -> str:
    """Return a text without the lines after the most that can be laid out at once."""
    lines = text.split("\n")
    if len(lines) <= _MOST_LINES:
        return text
    return "\n".join([*lines[:_MOST_LINES], f"… {len(lines) - _MOST_LINES:,} more lines"])


def _blocks(text: str) -> list[Block]:
    """Return the paragraphs of a text; as one, without any markup, where there would be too much."""
    found = blocks(text)
    if sum(len(block.pieces) + 1 for block in found) <= _MOST_PIECES:
        return found
    return [Block("text", 0, (Piece(text, 0, len(text)),))]


def _block_format(block: Block) -> QTextBlockFormat:
    form = QTextBlockFormat()
    if block.kind == "item":
        form.setLeftMargin(_INDENT * (block.level + 1))
        form.setTextIndent(-_INDENT * 0.75)
    elif block.kind == "heading":
        form.setTopMargin(GRID / 2)
        form.setBottomMargin(GRID / 4)
    elif block.kind == "code":
        form.setBackground(QColor(scheme_now().raised))
    return form


def _char_format(block: Block, piece: Piece) -> QTextCharFormat:
    form = QTextCharFormat()
    if block.kind == "heading" or "bold" in piece.style:
        form.setFontWeight(QFont.Weight.DemiBold)
    if block.kind == "heading" and block.level <= 2:
        form.setProperty(QTextFormat.Property.FontSizeAdjustment.value, 1)
    if "italic" in piece.style:
        form.setFontItalic(True)
    if block.kind == "code" or "code" in piece.style:
        fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        form.setFontFamilies([fixed.family(), "monospace"])
        if block.kind != "code":
            form.setBackground(QColor(scheme_now().raised))
    return form
