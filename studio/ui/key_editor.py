"""Gives the actions of the menus other keys; says so when two of them would have the same."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QGridLayout, QKeySequenceEdit, QWidget

from studio.ui.keymap import forget_all_keys, give_keys
from studio.ui.menus import Menus, plain
from studio.ui.parts import button, column, label, row, scrolled
from studio.ui.texts import tr
from studio.ui.theme import GRID


class KeyEditor(QDialog):
    """One line an action: what it does, its keys, and a button that gives it its own again."""

    def __init__(self, parent: QWidget, menus: Menus) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Change keys"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._menus = menus
        self._edits: dict[str, QKeySequenceEdit] = {}
        self._were: dict[str, QKeySequence] = {}
        inner = QWidget()
        grid = QGridLayout(inner)
        grid.setHorizontalSpacing(GRID * 2)
        lasting = [one for one in menus.in_order() if not one[1].startswith("recent-")]
        for n, (menu, name, action) in enumerate(lasting):
            text = f"{menu} › {plain(action)}"
            self._were[name] = _first(action.shortcuts())
            edit = self._edits[name] = QKeySequenceEdit(self._were[name])
            edit.setClearButtonEnabled(True)
            edit.setAccessibleName(tr("Keys of {value}", value=text))
            edit.setToolTip(tr("Press the keys that are to do it; the cross takes them away"))
            edit.editingFinished.connect(partial(self._on_edited, name))
            reset = button(tr("Reset"), partial(self._on_own, name), role="quiet",
                         tip=tr("Give “{action}” its own keys again", action=plain(action)))  # fmt: skip
            for place, part in enumerate((label(text), edit, reset)):
                grid.addWidget(part, n, place)
        self._problem = label("", "bad", wrap=True)
        close = button(tr("Close"), self.accept, tip=tr("Close (Escape); changes are kept at once"))
        all_ = button(tr("Reset all"), self._on_all, tip=tr("Give every action its own keys again"))
        layout = column(scrolled(inner), self._problem, row(all_, None, close))
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        self.setLayout(layout)
        self.resize(GRID * 80, GRID * 70)

    def _on_edited(self, name: str) -> None:
        keys = self._edits[name].keySequence()
        if keys == self._were[name]:  # only left again, or closed with the window
            return
        taken = [plain(action) for _, other, action in self._menus.in_order()
                 if other != name and keys in action.shortcuts()]  # fmt: skip
        if taken and not keys.isEmpty():
            self._problem.setText(
                tr(
                    "{value} already does “{value2}”: choose other keys",
                    value=keys.toString(),
                    value2=taken[0],
                )
            )
            self._edits[name].setKeySequence(self._were[name])
            return
        self._problem.setText("")
        give_keys(name, keys.toString())
        self._were[name] = keys
        self._menus.rebind()

    def _on_own(self, name: str) -> None:
        give_keys(name, None)
        self._take_over()

    def _on_all(self) -> None:
        forget_all_keys()
        self._take_over()

    def _take_over(self) -> None:
        self._menus.rebind()
        for name, edit in self._edits.items():
            self._were[name] = _first(self._menus[name].shortcuts())
            edit.setKeySequence(self._were[name])


def _first(keys: list[QKeySequence]) -> QKeySequence:
    return keys[0] if keys else QKeySequence()
