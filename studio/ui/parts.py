"""Small parts that all pages are made of: labels, buttons, cards, text views, states of a view."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import ceil
from typing import Any, TypeVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QBoxLayout,
    QComboBox,
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QMessageBox,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from studio.domain.redaction import without_keys
from studio.ui.plain_text import as_tip
from studio.ui.texts import tr
from studio.ui.theme import GRID

L = TypeVar("L", bound=QBoxLayout)
S = TypeVar("S", bound=QAbstractSpinBox)


def label(text: str = "", role: str = "", *, wrap: bool = False, tip: str = "") -> QLabel:
    """Return a label that shows plain text only."""
    made = QLabel()
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setText(text)
    made.setWordWrap(wrap)
    made.setToolTip(as_tip(tip))
    if role:
        made.setProperty("role", role)
    return made


class ShortLabel(QLabel):
    """A line that takes what room there is; its end is left out then, and stands in the tooltip."""

    def __init__(
        self, text: str = "", role: str = "", *, tip: str = "", least: int = GRID * 6
    ) -> None:
        super().__init__()
        self._tip = tip
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setMinimumWidth(least)
        self.setProperty("role", role or None)
        self.setText(text)

    # Qt's own names

    def setText(self, text: str) -> None:
        """Show ``text``, whole or as much of it as there is room for."""
        super().setText(text)
        self.setToolTip(as_tip("\n".join(part for part in (text, self._tip) if part)))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the text with dots for what is left out."""
        del event
        painter = QPainter(self)
        short = self.fontMetrics().elidedText(
            self.text(), Qt.TextElideMode.ElideRight, self.width()
        )
        middle = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        self.style().drawItemText(
            painter, self.rect(), int(middle), self.palette(), self.isEnabled(), short,
            self.foregroundRole(),
        )  # fmt: skip
        painter.end()


def set_role(widget: QWidget, role: str) -> None:
    """Change a widget's role and let the style sheet look at it again."""
    if widget.property("role") != role:
        widget.setProperty("role", role)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def button(text: str, on_click: Callable[[], Any], *, tip: str, role: str = "") -> QPushButton:
    """Return a button; ``tip`` says its effect and its key."""
    made = QPushButton(text)
    made.setToolTip(as_tip(tip))
    made.setAccessibleName(text)
    made.setAccessibleDescription(tip)
    made.setAutoDefault(False)
    if role:
        made.setProperty("role", role)
    made.clicked.connect(lambda: on_click())
    return made


def cancel_button(dialog: QDialog) -> QPushButton:
    """Return the button that leaves a dialog with nothing done; it stands before the way forward."""
    return button(tr("Cancel"), dialog.reject, tip=tr("Do nothing (Esc)"))


def close_button(dialog: QDialog) -> QPushButton:
    """Return the button that closes a dialog in which nothing is asked."""
    return button(tr("Close"), dialog.reject, tip=tr("Close this (Esc)"))


def choice(entries: Iterable[tuple[str, Any]], *, name: str, tip: str) -> QComboBox:
    """Return a box of texts with values behind them."""
    box = QComboBox()
    for text, value in entries:
        box.addItem(text, value)
    box.setAccessibleName(name)
    box.setToolTip(tip)
    return box


def choose(box: QComboBox, value: Any) -> None:
    """Set a box to the entry with this value, without telling anyone; else to its first."""
    box.blockSignals(True)
    box.setCurrentIndex(max(0, box.findData(value)))
    box.blockSignals(False)


def roomy(box: S) -> S:
    """Keep a number off the frame of its field, which style sheets cannot do in Qt; returns the field."""
    if (field := box.lineEdit()) is not None:
        field.setTextMargins(GRID * 3 // 4, 0, 0, 0)
    return box


class Card(QFrame):
    """A framed panel with an optional heading; ``body`` is the layout to fill."""

    def __init__(self, title: str = "", *, role: str = "card") -> None:
        super().__init__()
        self.setProperty("role", role)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(GRID * 2, GRID * 3 // 2, GRID * 2, GRID * 3 // 2)
        self.body.setSpacing(GRID)
        if title:
            self.body.addWidget(label(title, "section"))


def row(*parts: QWidget | QLayout | None, gap: int = GRID) -> QHBoxLayout:
    """Return a row of parts; None is space that stretches."""
    return _filled(QHBoxLayout(), parts, gap)


def column(*parts: QWidget | QLayout | None, gap: int = GRID) -> QVBoxLayout:
    """Return a column of parts; None is space that stretches."""
    return _filled(QVBoxLayout(), parts, gap)


def _filled(layout: L, parts: Iterable[QWidget | QLayout | None], gap: int) -> L:
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(gap)
    for part in parts:
        if part is None:
            layout.addStretch(1)
        elif isinstance(part, QLayout):
            layout.addLayout(part)
        else:
            layout.addWidget(part)
    return layout


def clear(layout: QLayout) -> None:
    """Take everything out of a layout."""
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.hide()
            widget.deleteLater()
        elif (inner := item.layout()) is not None:
            clear(inner)


def scrolled(inner: QWidget) -> QScrollArea:
    """Return ``inner`` in an area that scrolls up and down."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(inner)
    return area


class TextView(QPlainTextEdit):
    """A read-only view of text that a model wrote; as high as its text, up to ``most_lines``."""

    def __init__(self, name: str, *, most_lines: int = 0, role: str = "") -> None:
        super().__init__()
        self._most_lines = most_lines
        self.setReadOnly(True)
        self.setAccessibleName(name)
        self.setToolTip(tr("{name}: plain text; Ctrl+A and Ctrl+C copy it", name=name))
        self.setTabChangesFocus(True)
        self.setUndoRedoEnabled(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        if role:
            self.setProperty("role", role)
        if most_lines:
            self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            self.document().documentLayout().documentSizeChanged.connect(lambda _: self._fit())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Wrap anew, and be as high as that takes."""
        super().resizeEvent(event)
        if self._most_lines:
            self._fit()

    def _fit(self) -> None:
        lines = max(1, round(self.document().size().height()))
        fits = lines <= self._most_lines
        bars = Qt.ScrollBarPolicy
        self.setVerticalScrollBarPolicy(bars.ScrollBarAlwaysOff if fits else bars.ScrollBarAsNeeded)
        line = QFontMetricsF(self.document().defaultFont()).lineSpacing()
        margins = 2 * (self.frameWidth() + self.document().documentMargin())
        self.setFixedHeight(ceil(line * min(lines, self._most_lines) + margins) + 2)


class Notice(QWidget):
    """What a view shows when it has nothing else to show: empty, loading, or failed."""

    def __init__(self) -> None:
        super().__init__()
        self._title, self._text = label("", "section"), label("", "dim", wrap=True)
        for part in (self._title, self._text):
            part.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._actions = QHBoxLayout()
        self._actions.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = column(None, self._title, self._text, self._actions, None)
        layout.setContentsMargins(GRID * 4, GRID * 2, GRID * 4, GRID * 2)
        self.setLayout(layout)

    def show_text(self, title: str, text: str = "", *, actions: Iterable[QWidget] = ()) -> None:
        """Show a heading, a sentence, and buttons."""
        self._title.setText(title)
        self._text.setText(text)
        self._text.setVisible(bool(text))
        clear(self._actions)
        for action in actions:
            self._actions.addWidget(action)

    def show_failure(self, why: str, again: Callable[[], Any]) -> None:
        """Show that something could not be read, and why; a button reads it anew."""
        retry = button(tr("Try again"), again, tip=tr("Read it anew"))
        self.show_text(tr("This could not be read"), why[:1].upper() + why[1:], actions=[retry])


def say(parent: QWidget, title: str, text: str, *, detail: str = "") -> QMessageBox:
    """Show a message that the person closes, without any key in it; never blocks."""
    box = QMessageBox(parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setWindowTitle(title)
    box.setText(without_keys(text))
    if detail:
        box.setDetailedText(without_keys(detail))
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
    return box


def ask(
    parent: QWidget, title: str, text: str, *, yes: str, then: Callable[[], Any], no: str = ""
) -> QMessageBox:
    """Ask before doing ``then``; never blocks."""
    box = QMessageBox(parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setWindowTitle(title)
    box.setText(text)
    agreed = box.addButton(yes, QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(agreed)
    box.addButton(no or tr("Cancel"), QMessageBox.ButtonRole.RejectRole)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    agreed.clicked.connect(lambda: then())
    box.open()
    return box
