"""One chart of curves over steps, painted by hand: thinned to its pixels, with a value under the mouse.

A general plotting widget spends most of its time on wide strokes through noise; a thinned curve one
pixel wide costs a hundredth, and what is drawn already stays (``chart_ink``). What that lacks, zoom
and saving, ``curve_window`` has.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.flow.run_curves import at_step, log_ticks, ticks
from studio.ui.texts import tr
from studio.ui.theme import GRID, SMALL, scheme_now
from studio.ui.widgets.chart_ink import STYLES, Frame, Ink, Line, colour, span
from studio.ui.words import brief

_ROW = 14  #: pixels a line of values under the mouse
_SHEER = 225  #: of 255: their ground


class LineChart(QWidget):
    """Draws lines over a common axis of steps.

    Signals:
        pointed_at(object): the step under the mouse, or None.
    """

    pointed_at = Signal(object)

    def __init__(self, title: str, about: str) -> None:
        super().__init__()
        self.title = title
        self._lines: tuple[Line, ...] = ()
        self._last_step = 1.0
        self._log = False
        self._step: float | None = None
        self._frame: Frame | None = None
        self._ink = Ink()
        self.setMouseTracking(True)
        self.setMinimumSize(GRID * 20, GRID * 13)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(tr("Chart of {title} over steps", title=title))
        self.setToolTip(tr("{title} over optimiser steps{value}. Double click: every point, to "
                           "zoom into and to save", title=title, value=': ' + about if about else ''))  # fmt: skip

    @property
    def has_lines(self) -> bool:
        """Whether there is anything to draw."""
        return bool(self._lines)

    def show_lines(self, lines: Sequence[Line], *, last_step: float = 0.0) -> None:
        """Show these curves; the axis ends at ``last_step`` or at the last point."""
        self._lines = tuple(line for line in lines if len(line.steps))
        self._last_step = max([last_step, 1.0, *(float(line.steps[-1]) for line in self._lines)])
        self.setAccessibleDescription("; ".join(
            f"{line.name}: {brief(float(line.values[-1]))} at step {int(line.steps[-1]):,}"
            for line in self._lines
        ))  # fmt: skip
        self.update()

    def set_log(self, on: bool) -> None:
        """Draw on a logarithmic axis; what is not above 0 is then left out."""
        self._log = on
        self.update()

    def enlarge(self) -> None:
        """Open a window with the measured points, where there are any."""
        if self._lines:
            from studio.ui.curve_window import CurveWindow  # brings a plotting library

            CurveWindow(self, self.title, [
                (line.name, colour(line.colour), line.steps, line.values) for line in self._lines
            ]).open()  # fmt: skip

    def point_at(self, step: float | None) -> None:
        """Show the values at a step, or none."""
        if step != self._step:
            self._step = step
            self.update()

    def values_at(self, step: float) -> list[tuple[str, int, float]]:
        """Return name, step and measured value of each curve at the point nearest to a step."""
        found = ((line.name, at_step(line.steps, line.values, step)) for line in self._lines)
        return [(name, *point) for name, point in found if point is not None]

    # -- painting --------------------------------------------------------------------------

    def _make_frame(self) -> Frame:
        box = QRectF(self.rect()).adjusted(GRID * 6, GRID * 3, -GRID, -GRID * 3)
        low, high = span(self._lines, log=self._log)
        if not high > low:
            low, high = low - (abs(low) or 1.0) * 0.1, high + (abs(high) or 1.0) * 0.1
        margin = (high - low) * 0.06
        return Frame(box, (0.0, self._last_step), (low - margin, high + margin))

    def _draw_axes(self, painter: QPainter, frame: Frame) -> None:
        scheme = scheme_now()
        painter.setFont(_small(self.font()))
        painter.setPen(QColor(scheme.line))
        painter.drawLine(frame.box.bottomLeft(), frame.box.bottomRight())
        if not self._lines:  # an axis without values would be made up
            return
        low, high = frame.y
        most = max(2, int(frame.box.height() / (GRID * 4)))
        marks = log_ticks(low, high, most=most) if self._log else ticks(low, high, most=most)
        for value in marks:
            y = frame.to_y(value)
            painter.setPen(QColor(scheme.raised))
            painter.drawLine(QPointF(frame.box.left(), y), QPointF(frame.box.right(), y))
            painter.setPen(QColor(scheme.dim))
            told = brief(10**value if self._log else value)
            place = QRectF(0, y - GRID, frame.box.left() - 4, GRID * 2)
            painter.drawText(
                place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, told
            )
        for step in ticks(*frame.x, most=max(2, int(frame.box.width() / (GRID * 11)))):
            place = QRectF(frame.to_x(step) - GRID * 5, frame.box.bottom() + 2, GRID * 10, GRID * 2)
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, f"{step:,.0f}")

    def _draw_head(self, painter: QPainter, frame: Frame) -> None:
        """Write the title and, behind it, the names of the curves."""
        scheme = scheme_now()
        wide = painter.fontMetrics().horizontalAdvance
        x, baseline = 4.0, GRID * 2.0
        painter.setPen(QColor(scheme.text))
        painter.drawText(QPointF(x, baseline), self.title)
        x += wide(self.title) + GRID * 1.5
        one = len(self._lines) == 1
        for line in self._lines:
            said = "" if one else line.name
            if not said:
                continue
            if x + wide(said) > frame.box.right():
                painter.setPen(QColor(scheme.dim))
                painter.drawText(QPointF(x, baseline), "…")
                return
            pen = QPen(QColor(colour(line.colour)), 2, STYLES[line.style % len(STYLES)])
            painter.setPen(pen)
            painter.drawLine(QPointF(x, baseline - 4), QPointF(x + GRID * 1.5, baseline - 4))
            painter.setPen(QColor(colour(line.colour)))
            painter.drawText(QPointF(x + GRID * 2, baseline), said.strip())
            x += wide(said.strip()) + GRID * 3.5

    def _draw_pointer(self, painter: QPainter, frame: Frame) -> None:
        if self._step is None or not self._lines:
            return
        scheme = scheme_now()
        painter.setPen(QPen(QColor(scheme.dim), 1, Qt.PenStyle.DotLine))
        x = frame.to_x(min(max(self._step, frame.x[0]), frame.x[1]))
        painter.drawLine(QPointF(x, frame.box.top()), QPointF(x, frame.box.bottom()))
        told = [(scheme.dim, tr("step {n:,.0f}", n=self._step))]
        for line in self._lines:
            if (point := at_step(line.steps, line.values, self._step)) is not None:
                told.append((colour(line.colour), f"{line.name} {brief(point[1])}"))
        wide = max(painter.fontMetrics().horizontalAdvance(text) for _, text in told) + GRID
        left = x - wide - 4 if x > frame.box.center().x() else x + 4
        left = max(2.0, min(left, self.width() - wide - 2))
        box = QRectF(left, frame.box.top(), wide, _ROW * len(told) + 4)
        ground = QColor(scheme.raised)
        ground.setAlpha(_SHEER)
        painter.fillRect(box, ground)
        for n, (shade, text) in enumerate(told):
            painter.setPen(QColor(shade))
            painter.drawText(QPointF(left + GRID / 2, box.top() + _ROW * (n + 1) - 2), text)

    # Qt's own names

    def sizeHint(self) -> QSize:
        """Ask for a chart of readable size."""
        return QSize(GRID * 44, GRID * 22)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw axes, curves, and what is pointed at."""
        del event
        frame = self._frame = self._make_frame()
        painter = QPainter(self)
        fresh = self._ink.begin(self, frame, self._lines, log=self._log)
        if fresh is not None:
            fresh.fillRect(self.rect(), QColor(scheme_now().panel))
            self._draw_axes(fresh, frame)
        painter.drawPixmap(0, 0, self._ink.drawn())
        painter.setFont(_small(self.font()))
        self._draw_pointer(painter, frame)
        self._draw_head(painter, frame)
        painter.end()

    def mouseDoubleClickEvent(self, _: QMouseEvent) -> None:
        """Show every point in a window of its own."""
        self.enlarge()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell which step is pointed at."""
        if self._frame is not None and self._lines:
            step = self._frame.step_at(event.position().x())
            self.pointed_at.emit(float(round(min(max(step, 0.0), self._last_step))))

    def leaveEvent(self, event: object) -> None:
        """Point at nothing."""
        super().leaveEvent(event)  # type: ignore[arg-type]
        self.pointed_at.emit(None)


def _small(font: QFont) -> QFont:
    small = QFont(font)
    small.setPixelSize(SMALL)
    return small
