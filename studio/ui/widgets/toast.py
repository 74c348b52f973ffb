"""The end of long work, told: in a corner of the window, and by the desktop where nobody looks at it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QFrame, QSystemTrayIcon, QWidget

from studio.ui.parts import button, column, label, row
from studio.ui.plain_text import one_line
from studio.ui.texts import tr
from studio.ui.theme import GRID

LONG_S = 10.0  #: work that took longer than this is announced at its end
STAYS_MS = 12_000


class Toast(QFrame):
    """One message in the lower right corner; it leaves by itself, sooner by its button."""

    def __init__(self, window: QWidget, above: Callable[[], int]) -> None:
        super().__init__(window)
        self.setProperty("role", "toast")
        self._above = above  # how high the bar below is
        self._title, self._text = label("", "name", wrap=True), label("", "dim", wrap=True)
        close = button(tr("Close"), self.hide, tip=tr("Take this message away"), role="quiet")
        layout = column(self._title, self._text, row(None, close), gap=GRID // 2)
        layout.setContentsMargins(GRID * 2, GRID * 3 // 2, GRID * 2, GRID)
        self.setLayout(layout)
        self.setFixedWidth(GRID * 44)
        self.hide()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        self._tray: QSystemTrayIcon | None = None
        window.installEventFilter(self)

    def announce(self, title: str, text: str, *, failed: bool = False) -> None:
        """Tell in the window, and on the desktop when the window is not in front."""
        self._title.setText(one_line(title, most=120))
        self._text.setText(one_line(text, most=300))
        self.setAccessibleName(f"{title}: {text}")
        self.show()
        self.raise_()
        self._place()
        self._timer.start(STAYS_MS)
        if not self.window().isActiveWindow():
            QApplication.alert(self.window())
            self._tell_desktop(title, text, failed=failed)

    def announce_end(self, title: str, seconds: float, text: str, failed: bool) -> None:
        """Announce the end of work if it took long enough for somebody to have turned away."""
        if seconds >= LONG_S:
            head = (
                tr("{title} failed", title=title)
                if failed
                else tr("{title} has ended", title=title)
            )
            self.announce(head, text, failed=failed)

    def leave(self) -> None:
        """Take the icon out of the desktop's tray."""
        self._timer.stop()
        if self._tray is not None:
            self._tray.hide()

    def _tell_desktop(self, title: str, text: str, *, failed: bool) -> None:
        if not (QSystemTrayIcon.isSystemTrayAvailable() and QSystemTrayIcon.supportsMessages()):
            return
        if self._tray is None:
            self._tray = QSystemTrayIcon(QApplication.windowIcon(), self)
            self._tray.setToolTip(tr("MAPD Studio"))
            self._tray.messageClicked.connect(self._come_forward)
            self._tray.activated.connect(lambda _: self._come_forward())
        self._tray.show()
        icons = QSystemTrayIcon.MessageIcon
        icon = icons.Warning if failed else icons.Information
        self._tray.showMessage(title, one_line(text, most=200), icon)

    def _come_forward(self) -> None:
        self.window().raise_()
        self.window().activateWindow()

    def _place(self) -> None:
        window = self.window()
        self.setFixedHeight(self.layout().totalHeightForWidth(self.width()))  # type: ignore[union-attr]
        self.move(window.width() - self.width() - GRID * 2,
                  window.height() - self.height() - self._above() - GRID * 2)  # fmt: skip

    # Qt's own names

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay in the corner while the window changes its size."""
        if event.type() == QEvent.Type.Resize and not self.isHidden():
            self._place()
        return super().eventFilter(watched, event)
