"""The rail: the stations of the flow, each with its count."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QIcon, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QFrame

from studio.prompts import resources
from studio.ui.parts import column
from studio.ui.texts import tr
from studio.ui.theme import GRID, SMALL, scheme_now
from studio.ui.words import count

WIDTH = GRID * 20
ROOMY = 1_120  #: pixels of a window; at 125 % a small screen has fewer
NARROW = GRID * 6  #: wide enough for the icons alone
ICON = 18


class Rail(QFrame):
    """One button a station; one of them is down.

    Signals:
        chosen(str): a station was clicked.
    """

    chosen = Signal(str)

    def __init__(self, stations: Mapping[str, str]) -> None:
        super().__init__()
        self.setProperty("role", "rail")
        self.setFixedWidth(WIDTH)
        self._group = QButtonGroup(self)
        self._buttons: dict[str, _Station] = {}
        for n, (name, title) in enumerate(stations.items(), start=1):
            made = _Station(name, title, f"Ctrl+{n}")
            made.clicked.connect(lambda _, name=name: self.chosen.emit(name))
            self._group.addButton(made)
            self._buttons[name] = made
        layout = column(*self._buttons.values(), None, gap=2)
        layout.setContentsMargins(GRID // 2, GRID, GRID // 2, GRID)
        self.setLayout(layout)

    def fit(self, window_width: int) -> None:
        """Show the icons alone in a narrow window, where the pages need the room."""
        self.setFixedWidth(NARROW if window_width < ROOMY else WIDTH)

    def show_chosen(self, name: str) -> None:
        """Show which station is open."""
        self._buttons[name].setChecked(True)

    def show_counts(self, counts: Mapping[str, int]) -> None:
        """Show how much there is at some stations."""
        for name, number in counts.items():
            self._buttons[name].show_count(number)


class _Station(QAbstractButton):
    def __init__(self, name: str, title: str, keys: str) -> None:
        super().__init__()
        self._icon = resources() / "icons" / f"{name}.svg"
        self._count: int | None = None
        self._drawn: tuple[str, QPixmap] | None = None
        self.setText(title)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(title)
        self.setToolTip(tr("Go to the page {title} ({keys})", title=title, keys=keys))

    def show_count(self, number: int) -> None:
        self._count = number
        self.setAccessibleName(f"{self.text()}, {number:,}")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(NARROW - GRID, GRID * 5)  # as wide as the rail, and that changes

    def paintEvent(self, event: QPaintEvent) -> None:
        del event
        scheme = scheme_now()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QColor(scheme.accent) if self.hasFocus() else Qt.PenStyle.NoPen)
        behind = (
            scheme.panel
            if self.isChecked()
            else scheme.line
            if self.underMouse()
            else scheme.raised
        )
        painter.setBrush(QColor(behind))
        painter.drawRoundedRect(box, 6, 6)
        colour = scheme.accent if self.isChecked() else scheme.text
        top = int((self.height() - ICON) / 2)
        painter.drawPixmap(GRID * 3 // 2, top, self._pixmap(colour))
        if self.width() < WIDTH // 2:
            painter.end()
            return
        painter.setPen(QColor(colour))
        middle = Qt.AlignmentFlag.AlignVCenter
        inner = self.rect().adjusted(GRID * 9 // 2, 0, -GRID * 3 // 2, 0)
        painter.drawText(inner, Qt.AlignmentFlag.AlignLeft | middle, self.text())
        if self._count is not None:
            small = QFont(self.font())
            small.setPixelSize(SMALL)
            painter.setFont(small)
            painter.setPen(QColor(scheme.dim))
            painter.drawText(inner, Qt.AlignmentFlag.AlignRight | middle, count(self._count))
        painter.end()

    def _pixmap(self, colour: str) -> QPixmap:
        """Return the icon in one colour; drawn once for each colour."""
        if self._drawn is None or self._drawn[0] != colour:
            drawn = QIcon(str(self._icon)).pixmap(QSize(ICON, ICON), self.devicePixelRatioF())
            painter = QPainter(drawn)
            painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
            painter.fillRect(drawn.rect(), QColor(colour))
            painter.end()
            self._drawn = (colour, drawn)
        return self._drawn[1]
