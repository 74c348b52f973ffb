"""The curves of a chart as they were drawn last: what has not changed is not drawn again.

A run adds a point to each curve and leaves the rest as it is. So while frame, size and colours stay,
an update draws the new ends only, onto what is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from studio.flow.run_curves import Numbers, thinned
from studio.ui.polygon import polygon
from studio.ui.theme import mixed, scheme_now

LIGHT_COLOURS = ("#2d5bd0", "#c25e12", "#17764a", "#8a3fb0", "#9c7400", "#0f7f8c")
DARK_COLOURS = ("#7ea4ff", "#ffa15e", "#5fca91", "#cf93ee", "#e3c04f", "#58c7d6")
STYLES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine, Qt.PenStyle.DashDotLine)  # fmt: skip
_FAINT = 0.27  #: of its colour: the raw values behind a smoothed curve
_COLUMN = 2  #: pixels; of each the lowest and the highest value are drawn
_FEW = 400  #: points; so many are still drawn two pixels wide, with soft edges
_MOST_AT_ENDS = (
    50  #: points added to what is drawn, before raw values lie below smoothed ones again
)


class Line(NamedTuple):
    """One curve of a chart."""

    name: str  #: as the legend calls it
    steps: Numbers
    values: Numbers  #: as measured
    smooth: Numbers | None = None  #: None where nothing is smoothed
    colour: int = 0
    style: int = 0
    dots: bool = False  #: measured seldom: a single one would not be seen


class Frame(NamedTuple):
    """What maps values to pixels."""

    box: QRectF
    x: tuple[float, float]
    y: tuple[float, float]

    def to_x(self, step: float) -> float:
        """Return the pixel of a step."""
        return self.box.left() + (step - self.x[0]) / (self.x[1] - self.x[0]) * self.box.width()

    def to_y(self, value: float) -> float:
        """Return the pixel of a value."""
        return self.box.bottom() - (value - self.y[0]) / (self.y[1] - self.y[0]) * self.box.height()

    def step_at(self, x: float) -> float:
        """Return the step at a pixel."""
        return self.x[0] + (x - self.box.left()) / self.box.width() * (self.x[1] - self.x[0])


def colour(place: int) -> str:
    """Return the colour of the curve at a place, in the scheme in force."""
    colours = DARK_COLOURS if scheme_now().name == "dark" else LIGHT_COLOURS
    return colours[place % len(colours)]


class _Kept(NamedTuple):
    """What is drawn of one curve: how many points, and what tells that they are the same."""

    n: int
    first: float
    last: float
    whole: int  #: points when all was drawn last


class Ink:
    """What is drawn of one chart.

    ``begin`` says whether all must be drawn anew; ``drawn`` adds what is missing and returns it.
    """

    def __init__(self) -> None:
        self._sheet = QPixmap()
        self._key: tuple[object, ...] = ()
        self._kept: list[_Kept] = []
        self._lines: Sequence[Line] = ()
        self._frame: Frame | None = None
        self._log = False
        self._painter: QPainter | None = None

    def begin(
        self, widget: QWidget, frame: Frame, lines: Sequence[Line], *, log: bool
    ) -> QPainter | None:
        """Return a painter for what lies below the curves, or None where that stays."""
        ratio = widget.devicePixelRatioF()
        key = (widget.width(), widget.height(), ratio, frame.x, frame.y, log, scheme_now().name,
               tuple((one.name, one.colour, one.style, one.dots, one.smooth is None, _is_few(one))
                     for one in lines))  # fmt: skip
        self._lines, self._frame, self._log = lines, frame, log
        if key == self._key and all(map(_is_same, self._kept, lines)):
            return None
        self._key, self._kept = key, []
        self._sheet = QPixmap(round(widget.width() * ratio), round(widget.height() * ratio))
        self._sheet.setDevicePixelRatio(ratio)
        self._painter = QPainter(self._sheet)
        return self._painter

    def drawn(self) -> QPixmap:
        """Return the chart with all points of its curves."""
        whole = self._painter is not None
        painter = self._painter or QPainter(self._sheet)
        for place, line in enumerate(self._lines):
            since = 0 if whole else self._kept[place].n
            if whole or len(line.steps) > since:
                self._draw(painter, line, since=max(0, since - 1))
        painter.end()
        self._painter = None
        before = [None] * len(self._lines) if whole else [one.whole for one in self._kept]
        self._kept = [_kept(one, n) for one, n in zip(self._lines, before, strict=True)]
        return self._sheet

    def _draw(self, painter: QPainter, line: Line, *, since: int) -> None:
        assert self._frame is not None  # begun
        columns = max(16, int(self._frame.box.width()) // _COLUMN)
        steps = line.steps[since:]
        shade = QColor(colour(line.colour))
        shown = line.values
        if line.smooth is not None:
            # Opaque: a sheer stroke takes four times as long.
            raw = thinned(steps, scaled(line.values[since:], log=self._log), columns=columns)
            self._stroke(painter, raw, QPen(mixed(shade.name(), _FAINT), 1))
            shown = line.smooth
        points = thinned(steps, scaled(shown[since:], log=self._log), columns=columns)
        few = _is_few(line)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, few)
        # A wide stroke through a noisy curve costs a hundred times a thin one.
        self._stroke(
            painter, points, QPen(shade, 2 if few else 1, STYLES[line.style % len(STYLES)])
        )
        if line.dots or len(line.steps) == 1:
            painter.setBrush(shade)
            painter.setPen(Qt.PenStyle.NoPen)
            for step, value in zip(*points, strict=True):
                at = QPointF(self._frame.to_x(step), self._frame.to_y(value))
                painter.drawEllipse(at, 3, 3)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _stroke(self, painter: QPainter, points: tuple[Numbers, Numbers], pen: QPen) -> None:
        steps, values = points
        frame = self._frame
        if len(steps) < 2 or frame is None:
            return
        (x0, x1), (y0, y1) = frame.x, frame.y
        at = np.empty((len(steps), 2), dtype=">f8")
        at[:, 0] = frame.box.left() + (steps - x0) / (x1 - x0) * frame.box.width()
        at[:, 1] = frame.box.bottom() - (values - y0) / (y1 - y0) * frame.box.height()
        painter.setPen(pen)
        painter.drawPolyline(polygon(at))


def scaled(values: Numbers, *, log: bool) -> Numbers:
    """Return values as their axis has them; on a logarithmic one what is not above 0 is none."""
    if not log:
        return values
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(values > 0, np.log10(np.where(values > 0, values, 1.0)), np.nan)


def span(lines: Sequence[Line], *, log: bool) -> tuple[float, float]:
    """Return the lowest and the highest value on the axis; 0 and 1 where there is none."""
    lows, highs = [], []
    for line in lines:
        values = scaled(line.values, log=log)
        sound = values[np.isfinite(values)]
        if len(sound):
            lows.append(float(sound.min()))
            highs.append(float(sound.max()))
    return min(lows, default=0.0), max(highs, default=1.0)


def _is_few(line: Line) -> bool:
    return len(line.steps) <= _FEW


def _kept(line: Line, whole: int | None) -> _Kept:
    shown = line.values if line.smooth is None else line.smooth
    n = len(line.steps)
    ends = (float(line.steps[0]), float(shown[-1])) if n else (0.0, 0.0)
    return _Kept(n, *ends, n if whole is None else whole)


def _is_same(kept: _Kept, line: Line) -> bool:
    """Return whether a curve only grew at its end, and not by much."""
    shown = line.values if line.smooth is None else line.smooth
    n = len(line.steps)
    if not kept.n:
        return not n
    return (kept.n <= n <= kept.whole + _MOST_AT_ENDS and float(line.steps[0]) == kept.first
            and _equal(float(shown[kept.n - 1]), kept.last))  # fmt: skip


def _equal(one: float, other: float) -> bool:
    return one == other or (one != one and other != other)
