"""Small parts all pages are made of: labels, buttons, cards, and text that a model wrote."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QRunnable, Qt, QThreadPool, Signal
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from studio.ui.theme import GRID

MOST_CHARACTERS = 20_000
LONGEST_LINE = 2_000


def safe(text: str) -> str:
    """Return model text as it may be shown: capped, long lines broken, hidden signs made visible.

    Control and bidirectional characters are written as their code point, so that nothing on screen
    reads otherwise than it is.
    """
    shown = "".join(map(_visible, text[:MOST_CHARACTERS]))
    lines = [
        line[start : start + LONGEST_LINE]
        for line in shown.split("\n")
        for start in range(0, max(len(line), 1), LONGEST_LINE)
    ]
    rest = len(text) - MOST_CHARACTERS
    return "\n".join([*lines, f"… {rest:,} more characters"] if rest > 0 else lines)


def _visible(sign: str) -> str:
    if sign in "\n\t" or unicodedata.category(sign) not in ("Cc", "Cf", "Co", "Cs"):
        return sign
    return f"⟨U+{ord(sign):04X}⟩"


def label(text: str = "", role: str = "", *, wrap: bool = False) -> QLabel:
    """Return a label that shows plain text only."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(wrap)
    if role:
        made.setProperty("role", role)
    return made


def set_role(widget: QWidget, role: str) -> None:
    """Change a widget's role and let the style sheet look at it again."""
    widget.setProperty("role", role)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def button(text: str, on_click: Callable[[], Any], *, tip: str, main: bool = False) -> QPushButton:
    """Return a button; ``tip`` says its effect and its key."""
    made = QPushButton(text)
    made.setToolTip(tip)
    made.setAccessibleName(text)
    made.setAccessibleDescription(tip)
    if main:
        made.setProperty("role", "main")
    made.clicked.connect(lambda: on_click())
    return made


def card() -> tuple[QFrame, QVBoxLayout]:
    """Return a framed panel and the layout to fill it by."""
    frame = QFrame()
    frame.setProperty("role", "card")
    layout = QVBoxLayout(frame)
    layout.setContentsMargins(GRID * 2, GRID, GRID * 2, GRID)
    return frame, layout


def text_view(name: str) -> QPlainTextEdit:
    """Return a read-only view for text that a model wrote."""
    view = QPlainTextEdit()
    view.setReadOnly(True)
    view.setAccessibleName(name)
    view.setTabChangesFocus(True)
    return view


class _Mail(QObject):
    done = Signal(object)
    failed = Signal(str)


class Worker(QRunnable):
    """Runs a function off the thread that draws and hands its result back on it."""

    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__()
        self._work = work
        self.mail = _Mail()

    def run(self) -> None:
        """Do the work; called by the pool."""
        try:
            result = self._work()
        except Exception as error:  # the boundary of a thread: told on screen instead of lost
            self.mail.failed.emit(f"{error}")
            return
        self.mail.done.emit(result)


def in_background(
    work: Callable[[], Any], then: Callable[[Any], None], *, failed: Callable[[str], None]
) -> Worker:
    """Run ``work`` on a pool thread, then ``then`` with its result on the thread that draws."""
    worker = Worker(work)
    worker.setAutoDelete(False)
    worker.mail.done.connect(then)
    worker.mail.failed.connect(failed)
    QThreadPool.globalInstance().start(worker)
    return worker
