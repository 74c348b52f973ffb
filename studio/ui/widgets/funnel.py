"""The funnel: how much came through each station of the flow."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.ui.texts import tr
from studio.ui.theme import BODY, GRID, SMALL, TITLE, Scheme, scheme_now


class Station(NamedTuple):
    """One station: its number, its name, a remark, and how full it is (0 to 1)."""

    number: str
    name: str
    remark: str = ""
    share: float = 0.0


class Funnel(QWidget):
    """Draws stations from left to right, an arrow between each two."""

    def __init__(self) -> None:
        super().__init__()
        self._stations: tuple[Station, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("From questions to accuracy"))

    def show_stations(self, stations: tuple[Station, ...]) -> None:
        """Show these."""
        self._stations = stations
        said = "; ".join(
            f"{s.name} {s.number}{', ' + s.remark if s.remark else ''}" for s in stations
        )
        self.setAccessibleDescription(said)
        self.setToolTip(said.replace("; ", "\n"))
        self.update()

    # Qt's own names

    def sizeHint(self) -> QSize:
        """Return a size that fits the page."""
        return QSize(GRID * 100, GRID * 12)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw all stations."""
        del event
        if not self._stations:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        scheme = scheme_now()
        gap = GRID * 2
        wide = (self.width() - 1 - gap * (len(self._stations) - 1)) / len(self._stations)
        for n, station in enumerate(self._stations):
            box = QRectF(n * (wide + gap) + 0.5, 0.5, wide, self.height() - 1)
            _draw_station(painter, box, station, scheme, self.font())
            if n:
                painter.setPen(QColor(scheme.dim))
                arrow = QRectF(box.x() - gap, 0, gap, self.height())
                painter.drawText(arrow, Qt.AlignmentFlag.AlignCenter, "›")
        painter.end()


def _draw_station(
    painter: QPainter, box: QRectF, station: Station, scheme: Scheme, font: QFont
) -> None:
    frame = QPainterPath()
    frame.addRoundedRect(box, 6, 6)
    painter.fillPath(frame, QColor(scheme.panel))
    painter.setPen(QColor(scheme.line))
    painter.drawPath(frame)
    inner = box.adjusted(GRID * 1.25, GRID, -GRID, -GRID)
    lines = ((station.name, SMALL, scheme.dim, False, 0, 16), (station.number, TITLE, scheme.text, True, 18, 30),
             (station.remark, SMALL, scheme.dim, False, 50, 16))  # fmt: skip
    for text, size, colour, bold, top, high in lines:
        font = QFont(font)
        font.setPixelSize(size if len(text) < 9 or size != TITLE else BODY + 4)
        font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
        while size == TITLE and QFontMetrics(font).horizontalAdvance(text) > inner.width() > 0:
            if font.pixelSize() <= BODY:
                break
            font.setPixelSize(font.pixelSize() - 1)
        painter.setFont(font)
        painter.setPen(QColor(colour))
        line = QRectF(inner.x(), inner.y() + top, inner.width(), high)
        elided = painter.fontMetrics().elidedText(
            text, Qt.TextElideMode.ElideRight, int(inner.width())
        )
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, elided)
    bar = QRectF(inner.x(), box.bottom() - GRID * 1.25, inner.width(), 4)
    painter.fillRect(bar, QColor(scheme.raised))
    bar.setWidth(bar.width() * max(0.0, min(1.0, station.share)))
    painter.fillRect(bar, QColor(scheme.accent))
