"""What every page has: the workbench, a reading thread, and how it takes news."""

from __future__ import annotations

from typing import Any, ClassVar

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from studio.app.workbench import Workbench
from studio.ui.reading import Reading
from studio.ui.texts import tr
from studio.ui.theme import GRID

CHOOSE = "choose"  #: what the Data page is asked to show: the question which files to import


class _Locked(QObject):
    """Keeps from being used again what it watches."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Undo what a page does that knows nothing of the lock."""
        if event.type() == QEvent.Type.EnabledChange and isinstance(watched, QWidget):
            watched.setEnabled(False)
        return super().eventFilter(watched, event)


class Page(QWidget):
    """One station of the flow.

    Signals:
        told(str, bool): a line for the bottom of the window, and whether it tells of a failure.
        page_requested(str, object): go to that page, and what to show there.
    """

    told = Signal(str, bool)
    page_requested = Signal(str, object)
    title: ClassVar[str]
    watches: ClassVar[frozenset[str]] = frozenset()  #: tables whose change it wants to hear of

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        self.workbench = workbench
        self.reading = Reading(workbench.project, self)
        self.reading.failed.connect(lambda message: self.told.emit(message, True))
        self.reading.unread.connect(lambda message: self.show_failure(message))

    def reload(self, tables: set[str] | None = None) -> None:
        """Read what it shows anew; ``tables`` are those that changed, None at the first time."""

    def show_this(self, wanted: Any) -> None:
        """Show what another page asked it to show."""

    def show_failure(self, why: str) -> None:
        """Say that what the page shows could not be read, where it has nothing else to show."""

    def focus_main(self) -> None:
        """Give the focus to the page's main button, so that Enter presses it."""
        for made in self.findChildren(QPushButton):
            if made.property("role") == "main" and made.isVisible() and made.isEnabled():
                made.setFocus(Qt.FocusReason.ShortcutFocusReason)
                return

    def on_tables_changed(self, tables: set[str]) -> None:
        """Read anew what concerns it."""
        if tables & self.watches and not self.reading.is_closed:
            self.reload(tables)

    def lock(self, *parts: QWidget) -> None:
        """Take what would change the project out of reach, where it is only looked at."""
        if self.workbench.read_only:
            keeper = _Locked(self)
            for part in parts:
                part.setEnabled(False)
                part.installEventFilter(keeper)
                part.setToolTip(tr("This project is only looked at: nothing can be changed here"))

    def leave(self) -> None:
        """Let go of threads and connections."""
        self.reading.close()

    def page_layout(self, inner: QWidget | None = None) -> QVBoxLayout:
        """Return the layout of a page, with the margins that all pages have."""
        layout = QVBoxLayout(inner or self)
        layout.setContentsMargins(GRID * 3, GRID * 2, GRID * 3, GRID * 2)
        layout.setSpacing(GRID * 2)
        return layout
