"""What is filtered, as a row of buttons that take it away; broken into lines where it must be."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple

from PySide6.QtCore import QRect, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QPushButton, QWidget

from studio.ui.parts import button
from studio.ui.plain_text import one_line
from studio.ui.texts import tr
from studio.ui.theme import GRID

LONGEST = 44  #: letters


class Chip(NamedTuple):
    """One condition in words, and what stands behind it."""

    text: str
    what: Any


class Chips(QWidget):
    """Buttons side by side; hidden while there are none.

    Signals:
        removed(object): the chip's ``what`` is to be taken away.
    """

    removed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._buttons: list[QPushButton] = []
        self.setAccessibleName(tr("What is filtered and sorted"))
        self.hide()

    @property
    def texts(self) -> list[str]:
        """What is shown."""
        return [one.text() for one in self._buttons]

    def show_chips(self, chips: Iterable[Chip]) -> None:
        """Show these."""
        for old in self._buttons:
            old.hide()
            old.deleteLater()
        self._buttons = [self._button(chip) for chip in chips]
        for made in self._buttons:
            made.show()
        self.setVisible(bool(self._buttons))
        self._place()

    def _button(self, chip: Chip) -> QPushButton:
        text = one_line(chip.text, most=LONGEST)
        made = button(f"{text}  ✕", partial(self.removed.emit, chip.what), role="chip",
                      tip=tr("Take away: {what}", what=one_line(chip.text, most=400)))  # fmt: skip
        made.setParent(self)
        return made

    def _place(self) -> None:
        x, y, height = 0, 0, 0
        for one in self._buttons:
            size = one.sizeHint()
            if x and x + size.width() > self.width():
                x, y = 0, y + height + GRID // 2
            one.setGeometry(QRect(x, y, size.width(), size.height()))
            x, height = x + size.width() + GRID // 2, size.height()
        self.setFixedHeight(y + height)

    # Qt's own names

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Break the row anew."""
        super().resizeEvent(event)
        self._place()
