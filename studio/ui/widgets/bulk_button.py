"""One decision by hand on every rationale that passes the filters, with their number in the button."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu, QPushButton

from studio.ui.texts import tr


class BulkButton(QPushButton):
    """Accept, reject or clear all that match.

    Signals:
        wished(str): accept, reject or clear.
    """

    wished = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(tr("Decide all that match"))
        self.setToolTip(
            tr("One decision on every rationale that passes the filters; one Ctrl+Z takes it back")
        )
        self._menu = QMenu(self)
        self._menu.setToolTipsVisible(True)
        self._actions = {
            wish: self._menu.addAction("", partial(self.wished.emit, wish))
            for wish in ("accept", "reject", "clear")
        }
        self.setMenu(self._menu)
        self.show_count(0)

    def show_count(self, n: int) -> None:
        """Say how many there are."""
        self.setText(tr("Decide all {n}", n=f"{n:,}"))
        self.setEnabled(n > 0)
        for wish, text in (
            ("accept", tr("Accept {n} rationales by hand", n=f"{n:,}")),
            ("reject", tr("Reject {n} rationales by hand", n=f"{n:,}")),
            ("clear", tr("Clear decisions by hand on {n} rationales", n=f"{n:,}")),
        ):
            self._actions[wish].setText(text)
