"""One chart of curves over steps, painted by hand: thinned to its pixels, with a value under the mouse.

A general plotting widget spends most of its time on wide strokes through noise; a thinned curve one
pixel wide costs a hundredth. What that lacks, zoom and saving, ``curve_window`` has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.flow.run_curves import Numbers, at_step, log_ticks, thinned, ticks
from studio.ui.polygon import polygon
from studio.ui.texts import tr
from studio.ui.theme import GRID, SMALL, mixed, scheme_now
from studio.ui.words import brief

LIGHT_COLOURS = ("#2d5bd0", "#c25e12", "#17764a", "#8a3fb0", "#9c7400", "#0f7f8c")
DARK_COLOURS = ("#7ea4ff", "#ffa15e", "#5fca91", "#cf93ee", "#e3c04f", "#58c7d6")
_FAINT = 0.27  #: of its colour: the raw values behind a smoothed curve
_ROW = 14  #: pixels a line of values under the mouse
_SHEER = 225  #: of 255: their ground
_COLUMN = 2  #: pixels; of each the lowest and the highest value are drawn
_FEW = 400  #: points; so many are still drawn two pixels wide, with soft edges
_STYLES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine, Qt.PenStyle.DashDotLine)  # fmt: skip


class Line(NamedTuple):
    """One curve of a chart."""

    name: str  #: as the legend calls it
    steps: Numbers
    values: Numbers  #: as measured
    smooth: Numbers | None = None  #: None where nothing is smoothed
    colour: int = 0
    style: int = 0
    dots: bool = False  #: measured seldom: a single one would not be seen


class _Frame(NamedTuple):
    """What maps values to pixels."""

    box: QRectF
    x: tuple[float, float]
    y: tuple[float, float]

    def to_x(self, step: float) -> float:
        return self.box.left() + (step - self.x[0]) / (self.x[1] - self.x[0]) * self.box.width()

    def to_y(self, value: float) -> float:
        return self.box.bottom() - (value - self.y[0]) / (self.y[1] - self.y[0]) * self.box.height()

    def step_at(self, x: float) -> float:
        return self.x[0] + (x - self.box.left()) / self.box.width() * (self.x[1] - self.x[0])


def colour(place: int) -> str:
    """Return the colour of the curve at a place, in the scheme in force."""
    colours = DARK_COLOURS if scheme_now().name == "dark" else LIGHT_COLOURS
    return colours[place % len(colours)]


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
        self._frame: _Frame | None = None
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

    def _scaled(self, values: Numbers) -> Numbers:
        if not self._log:
            return values
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(values > 0, np.log10(np.where(values > 0, values, 1.0)), np.nan)

    def _make_frame(self, drawn: Sequence[Numbers]) -> _Frame:
        box = QRectF(self.rect()).adjusted(GRID * 6, GRID * 3, -GRID, -GRID * 3)
        known = [values for values in drawn if len(values)]
        low = min((float(values.min()) for values in known), default=0.0)
        high = max((float(values.max()) for values in known), default=1.0)
        if not high > low:
            low, high = low - (abs(low) or 1.0) * 0.1, high + (abs(high) or 1.0) * 0.1
        margin = (high - low) * 0.06
        return _Frame(box, (0.0, self._last_step), (low - margin, high + margin))

    def _draw_axes(self, painter: QPainter, frame: _Frame) -> None:
        scheme = scheme_now()
        font = QFont(self.font())
        font.setPixelSize(SMALL)
        painter.setFont(font)
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

    def _draw_head(self, painter: QPainter, frame: _Frame) -> None:
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
            pen = QPen(QColor(colour(line.colour)), 2, _STYLES[line.style % len(_STYLES)])
            painter.setPen(pen)
            painter.drawLine(QPointF(x, baseline - 4), QPointF(x + GRID * 1.5, baseline - 4))
            painter.setPen(QColor(colour(line.colour)))
            painter.drawText(QPointF(x + GRID * 2, baseline), said.strip())
            x += wide(said.strip()) + GRID * 3.5

    def _draw_line(self, painter: QPainter, frame: _Frame, line: Line, drawn: _Drawn) -> None:
        shade = QColor(colour(line.colour))
        if drawn.raw is not None:
            # Opaque: a sheer stroke takes four times as long.
            self._stroke(painter, frame, drawn.raw, QPen(mixed(shade.name(), _FAINT), 1))
        few = len(drawn.line[0]) <= _FEW
        style = _STYLES[line.style % len(_STYLES)]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, few)
        # A wide stroke through a noisy curve costs a hundred times a thin one.
        self._stroke(painter, frame, drawn.line, QPen(shade, 2 if few else 1, style))
        if line.dots or len(drawn.line[0]) == 1:
            painter.setBrush(shade)
            painter.setPen(Qt.PenStyle.NoPen)
            for step, value in zip(*drawn.line, strict=True):
                painter.drawEllipse(QPointF(frame.to_x(step), frame.to_y(value)), 3, 3)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _stroke(
        self, painter: QPainter, frame: _Frame, points: tuple[Numbers, Numbers], pen: QPen
    ) -> None:
        steps, values = points
        if len(steps) < 2:
            return
        (x0, x1), (y0, y1) = frame.x, frame.y
        at = np.empty((len(steps), 2), dtype=">f8")
        at[:, 0] = frame.box.left() + (steps - x0) / (x1 - x0) * frame.box.width()
        at[:, 1] = frame.box.bottom() - (values - y0) / (y1 - y0) * frame.box.height()
        painter.setPen(pen)
        painter.drawPolyline(polygon(at))

    def _draw_pointer(self, painter: QPainter, frame: _Frame) -> None:
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
        columns = max(16, (self.width() - GRID * 7) // _COLUMN)
        drawn = [self._drawn(line, columns) for line in self._lines]
        frame = self._frame = self._make_frame(
            [part[1] for one in drawn for part in (one.line, one.raw) if part is not None]
        )
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(scheme_now().panel))
        self._draw_axes(painter, frame)
        for line, one in zip(self._lines, drawn, strict=True):
            self._draw_line(painter, frame, line, one)
        self._draw_pointer(painter, frame)
        self._draw_head(painter, frame)
        painter.end()

    def _drawn(self, line: Line, columns: int) -> _Drawn:
        raw = thinned(line.steps, self._scaled(line.values), columns=columns)
        if line.smooth is None:
            return _Drawn(raw, None)
        return _Drawn(thinned(line.steps, self._scaled(line.smooth), columns=columns), raw)

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


class _Drawn(NamedTuple):
    line: tuple[Numbers, Numbers]
    raw: tuple[Numbers, Numbers] | None  #: behind it, where it is smoothed
