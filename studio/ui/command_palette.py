"""Everything the menus can do, found by typing a few letters of it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QListWidget, QListWidgetItem, QWidget

from studio.ui.menus import Menus, in_words, plain
from studio.ui.parts import column
from studio.ui.texts import tr
from studio.ui.theme import GRID

_ACTION = Qt.ItemDataRole.UserRole


class CommandPalette(QDialog):
    """A line to type into, and below it what fits; Enter does it."""

    def __init__(self, parent: QWidget, menus: Menus) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Do anything"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._menus = menus
        self._line = QLineEdit()
        self._line.setPlaceholderText(tr("Type what you want to do …"))
        self._line.setAccessibleName(tr("What you want to do"))
        self._line.setToolTip(tr("A few letters serve; ↑ ↓ choose, Enter does it, Escape closes"))
        self._line.setClearButtonEnabled(True)
        self._line.textChanged.connect(self._show)
        self._line.returnPressed.connect(self._do)
        self._line.installEventFilter(self)
        self._list = QListWidget()
        self._list.setAccessibleName(tr("What fits"))
        self._list.setToolTip(tr("Enter or a double click does it"))
        self._list.itemActivated.connect(lambda _: self._do())
        layout = column(self._line, self._list)
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        self.setLayout(layout)
        self.resize(GRID * 70, GRID * 50)
        self._show("")

    def _show(self, typed: str) -> None:
        words = typed.casefold().split()
        self._list.clear()
        for menu, name, action in self._menus.in_order():
            text = f"{menu} › {plain(action)}"
            if name == "palette" or not all(word in text.casefold() for word in words):
                continue
            keys = in_words(action)
            item = QListWidgetItem(f"{text}    {keys}" if keys else text)
            item.setData(_ACTION, action)
            item.setToolTip(action.toolTip())
            if not action.isEnabled():
                item.setFlags(Qt.ItemFlag.NoItemFlags)
            self._list.addItem(item)
        self._list.setCurrentRow(0)

    def _do(self) -> None:
        item = self._list.currentItem()
        action = item.data(_ACTION) if item is not None else None
        if isinstance(action, QAction) and action.isEnabled():
            self.accept()
            action.trigger()

    # Qt's own names

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let up and down move through the list while the line has the focus."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
            if step:
                last = self._list.count() - 1
                self._list.setCurrentRow(min(last, max(0, self._list.currentRow() + step)))
                return True
        return super().eventFilter(watched, event)
