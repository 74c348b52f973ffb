"""The whole of a long text: unwrapped, searchable, still never markup."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut, QTextDocument
from PySide6.QtWidgets import QDialog, QLineEdit, QPlainTextEdit, QWidget

from studio.ui.parts import button, column, label, row
from studio.ui.plain_text import safe
from studio.ui.texts import tr
from studio.ui.theme import GRID

MOST = 2_000_000  #: characters; more would take seconds to lay out


class TextViewer(QDialog):
    """Shows one text with a field to search in it."""

    def __init__(self, parent: QWidget, title: str, text: str) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.resize(GRID * 112, GRID * 76)
        self._view = QPlainTextEdit()
        self._view.setReadOnly(True)
        self._view.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._view.setAccessibleName(title)
        self._view.setToolTip(tr("Plain text; Ctrl+A and Ctrl+C copy it"))
        self._view.setPlainText(safe(text, most=MOST))
        self._search = QLineEdit()
        self._search.setPlaceholderText(tr("Search in this text"))
        self._search.setAccessibleName(tr("Search in this text"))
        self._search.setToolTip(
            tr("Enter finds the next place, Shift+Enter the one before (Ctrl+F)")
        )
        self._search.setMaxLength(200)
        self._search.returnPressed.connect(lambda: self.go_to(self._search.text()))
        back = QShortcut(QKeySequence("Shift+Return"), self._search)
        back.activated.connect(lambda: self.go_to(self._search.text(), back=True))
        QShortcut(QKeySequence.StandardKey.Find, self).activated.connect(self._search.setFocus)
        self._found = label("", "dim")
        wrap = button(
            tr("Wrap lines"),
            self._on_wrap,
            tip=tr("Break long lines at the edge, or stop doing so"),
        )
        wrap.setCheckable(True)
        close = button(tr("Close"), self.accept, tip=tr("Close this text (Escape)"))
        layout = column(row(self._search, self._found, wrap), self._view, row(None, close))
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.setStretch(1, 1)
        self.setLayout(layout)

    def go_to(self, text: str, *, back: bool = False) -> bool:
        """Go to the next place that holds ``text``, from the start again after the last."""
        flags = QTextDocument.FindFlag.FindBackward if back else QTextDocument.FindFlag(0)
        if not text:
            return False
        found = self._view.find(text, flags)
        if not found:
            ends = self._view.textCursor().MoveOperation
            self._view.moveCursor(ends.End if back else ends.Start)
            found = self._view.find(text, flags)
        self._found.setText("" if found else tr("not found"))
        return found

    def _on_wrap(self) -> None:
        modes = QPlainTextEdit.LineWrapMode
        now = self._view.lineWrapMode()
        self._view.setLineWrapMode(modes.NoWrap if now == modes.WidgetWidth else modes.WidgetWidth)
