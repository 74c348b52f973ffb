"""The sheet of keys, behind ``?``: those of the desk, and those of the menus as they are now."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QWidget

from studio.ui.menus import Menus, in_words, plain
from studio.ui.parts import button, column, label, row
from studio.ui.texts import mark, tr
from studio.ui.theme import GRID

KEYS = (
    ("↓  ↑", mark("Next, previous question")), ("1 – 9", mark("Choose a teacher")),
    ("← →", mark("Move the threshold (when it has the focus)")),
)  # fmt: skip


class KeySheet(QDialog):
    """What each key does, on the desk and anywhere."""

    def __init__(self, parent: QWidget, menus: Menus) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Keys"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        anywhere = [(in_words(action), plain(action)) for _, name, action in menus.in_order()
                    if action.shortcuts() and not name.startswith(("go-", "desk-"))]  # fmt: skip
        desk = [(in_words(action), plain(action)) for _, name, action in menus.in_order()
                if action.shortcuts() and name.startswith("desk-")
                and not name.startswith("desk-teacher")]  # fmt: skip
        sheets = row(_sheet(tr("On the desk"), [*desk, *KEYS]),
                     _sheet(tr("Anywhere"), [*anywhere, ("Ctrl+1 – Ctrl+8", mark("Go to a page"))]),
                     gap=GRID * 5)  # fmt: skip
        note = label(tr("Letters do nothing while you type into a field."), "small")
        change = button(tr("Change keys …"), menus["change-keys"].trigger,
                        tip=tr("Give the actions of the menus other keys"))  # fmt: skip
        change.clicked.connect(self.accept)
        close = button(tr("Close"), self.accept, tip=tr("Close this sheet (Escape)"))
        layout = column(sheets, note, row(None, change, close), gap=GRID * 2)
        layout.setContentsMargins(GRID * 3, GRID * 3, GRID * 3, GRID * 2)
        self.setLayout(layout)


def _sheet(title: str, keys: Iterable[tuple[str, str]]) -> QWidget:
    made = QWidget()
    layout = QGridLayout(made)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setHorizontalSpacing(GRID * 3)
    layout.setAlignment(Qt.AlignmentFlag.AlignTop)
    layout.addWidget(label(title, "section"), 0, 0, 1, 2)
    for n, (pressed, what) in enumerate(keys, start=1):
        layout.addWidget(label(pressed, "name"), n, 0)
        layout.addWidget(label(tr(what)), n, 1)
    return made
