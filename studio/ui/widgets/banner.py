"""A line across the top of the window that stays until what it tells of is over."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtWidgets import QFrame, QHBoxLayout

from studio.ui.parts import button, clear, label, row
from studio.ui.plain_text import one_line
from studio.ui.theme import GRID


class Banner(QFrame):
    """Says what is the matter, with buttons for what can be done."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "banner")
        self._text = label("", "warn", wrap=True)
        self._actions = QHBoxLayout()
        inside = row(self._text, self._actions, gap=GRID * 2)
        inside.setStretch(0, 1)
        inside.setContentsMargins(GRID * 2, GRID * 3 // 4, GRID * 2, GRID * 3 // 4)
        self.setLayout(inside)
        self.hide()

    @property
    def text(self) -> str:
        """What it says; "" while it says nothing."""
        return self._text.text() if not self.isHidden() else ""

    def show_text(
        self, text: str, *, actions: Iterable[tuple[str, str, Callable[[], object]]] = ()
    ) -> None:
        """Show a line; ``actions`` are texts, tips, and what they do."""
        shown = f"⚠ {one_line(text, most=400)}"
        self._text.setText(shown)
        self.setAccessibleName(shown)
        clear(self._actions)
        for name, tip, do in actions:
            self._actions.addWidget(button(name, do, tip=tip))
        self.show()
