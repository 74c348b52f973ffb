"""The sheet of keys, behind ``?``."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QWidget

from studio.ui.parts import button, label
from studio.ui.theme import GRID

KEYS = (
    ("J  or  ↓", "next question"), ("K  or  ↑", "previous question"),
    ("1 – 9", "choose a teacher"), ("A", "accept its rationale by hand"),
    ("R", "reject it by hand"), ("C", "clear the decision by hand"),
    ("Ctrl+Enter", "confirm what is decided, and go to the next"), ("/", "search"),
    ("Ctrl+Z", "undo, also after a restart"), ("Ctrl+Shift+Z", "redo"),
    ("Ctrl+1 – Ctrl+8", "go to a page"), ("← →", "move the threshold (when it has the focus)"),
    ("?", "this sheet"),
)  # fmt: skip


class KeySheet(QDialog):
    """What each key does on the desk."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        layout = QGridLayout(self)
        layout.setContentsMargins(GRID * 3, GRID * 3, GRID * 3, GRID * 2)
        layout.setHorizontalSpacing(GRID * 3)
        for n, (keys, what) in enumerate(KEYS):
            layout.addWidget(label(keys, "name"), n, 0)
            layout.addWidget(label(what), n, 1)
        note = label("Letters do nothing while you type into a field.", "small")
        layout.addWidget(note, len(KEYS), 0, 1, 2)
        close = button("Close", self.accept, tip="Close this sheet (Escape)")
        layout.addWidget(close, len(KEYS) + 1, 1, Qt.AlignmentFlag.AlignRight)
