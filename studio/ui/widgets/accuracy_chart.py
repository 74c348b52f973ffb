"""Accuracy before and after, per kind, each with its interval and the n it rests on."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QScrollArea, QSizePolicy, QWidget

from studio.flow.evaluation import Part, Score
from studio.ui.parts import column, scrolled
from studio.ui.plain_text import one_line
from studio.ui.texts import tr
from studio.ui.theme import GRID, SMALL, Scheme, scheme_now
from studio.ui.words import NOTHING, share, span

LINE = GRID * 3
_MOST_AIR = 1.6  #: times as high a line gets at most, where there is room
_NAME, _NUMBERS = GRID * 22, GRID * 36  #: pixels left of the scale and right of it


class AccuracyChart(QWidget):
    """A line a kind: the base as a hollow dot, the tuned student as a full one."""

    def __init__(self) -> None:
        super().__init__()
        self._lines = _Lines()
        self._area: QScrollArea = scrolled(self._lines)
        self.setLayout(column(self._area))

    def show_parts(self, parts: Sequence[Part]) -> None:
        """Show these kinds."""
        self._lines.show_parts(parts)


class _Lines(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self._parts: tuple[Part, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(tr("Accuracy before and after, per kind of question"))

    def show_parts(self, parts: Sequence[Part]) -> None:
        self._parts = tuple(parts)
        self.setAccessibleDescription("; ".join(_spoken(part) for part in parts))
        self.updateGeometry()
        self.setMinimumHeight(self.sizeHint().height())
        self.update()

    @property
    def _line(self) -> float:
        """Pixels a line gets: more where there is room, up to a limit."""
        room = (self.height() - GRID) / (len(self._parts) + 1)
        return max(float(LINE), min(room, LINE * _MOST_AIR))

    # Qt's own names

    def sizeHint(self) -> QSize:
        return QSize(GRID * 90, LINE * (len(self._parts) + 1) + GRID)

    def paintEvent(self, event: QPaintEvent) -> None:
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        scheme = scheme_now()
        self._draw_scale(painter, scheme)
        for n, part in enumerate(self._parts, start=1):
            self._draw_part(painter, part, self._line * n, scheme, whole=n == len(self._parts))
        painter.end()

    def _x(self, share: float) -> float:
        return _NAME + share * max(1, self.width() - _NAME - _NUMBERS)

    def _draw_scale(self, painter: QPainter, scheme: Scheme) -> None:
        small = QFont(self.font())
        small.setPixelSize(SMALL)
        painter.setFont(small)
        bottom = self._line * (len(self._parts) + 1)
        for mark in (0.0, 0.25, 0.5, 0.75, 1.0):
            x = self._x(mark)
            painter.setPen(QPen(QColor(scheme.line), 1))
            painter.drawLine(QPointF(x, self._line - 4), QPointF(x, bottom))
            painter.setPen(QColor(scheme.dim))
            box = QRectF(x - 30, 0, 60, self._line - 6)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, share(mark, 0))
        for text, left, wide in (
            (tr("before → after"), GRID * 5, 12),
            (tr("95 % interval"), GRID * 17, 13),
            ("n", GRID * 30, 5),
        ):
            box = QRectF(self._x(1) + left, 0, GRID * wide, self._line - 6)
            painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        painter.setFont(self.font())

    def _draw_part(
        self, painter: QPainter, part: Part, top: float, scheme: Scheme, *, whole: bool
    ) -> None:
        font = QFont(self.font())
        font.setBold(whole)
        painter.setFont(font)
        painter.setPen(QColor(scheme.text))
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        elide = Qt.TextElideMode.ElideRight
        name = painter.fontMetrics().elidedText(one_line(part.kind), elide, _NAME - GRID * 3)
        painter.drawText(QRectF(0, top, _NAME, self._line), left, name)
        y = top + self._line / 2
        gained = part.base is not None and part.tuned.accuracy >= part.base.accuracy
        colour = scheme.accent if part.base is None or gained else scheme.bad
        if part.base is not None:
            painter.setPen(QPen(QColor(colour), 1, Qt.PenStyle.DotLine))
            painter.drawLine(
                QPointF(self._x(part.base.accuracy), y), QPointF(self._x(part.tuned.accuracy), y)
            )
            self._draw_score(painter, part.base, y - 3, scheme.dim, hollow=scheme.panel)
        self._draw_score(painter, part.tuned, y + 3, colour, hollow="")
        self._draw_numbers(painter, part, top, scheme, colour)

    def _draw_score(
        self, painter: QPainter, score: Score, y: float, colour: str, *, hollow: str
    ) -> None:
        low, high = score.interval
        painter.setPen(QPen(QColor(colour), 2))
        painter.drawLine(QPointF(self._x(low), y), QPointF(self._x(high), y))
        painter.setBrush(QColor(hollow or colour))
        painter.drawEllipse(QPointF(self._x(score.accuracy), y), 4, 4)

    def _draw_numbers(
        self, painter: QPainter, part: Part, top: float, scheme: Scheme, colour: str
    ) -> None:
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        before = NOTHING if part.base is None else f"{part.base.accuracy * 100:.0f}"
        x = self._x(1)
        for text, at, shade in (
            (f"{before} → {share(part.tuned.accuracy, 0)}", GRID * 5, colour),
            (span(part.tuned.interval, 0), GRID * 17, scheme.dim), (f"{part.tuned.n:,}", GRID * 30, scheme.dim),
        ):  # fmt: skip
            painter.setPen(QColor(shade))
            painter.drawText(QRectF(x + at, top, GRID * 14, self._line), left, text)


def _spoken(part: Part) -> str:
    base = part.base
    before = "" if base is None else tr("before {accuracy}, ", accuracy=share(base.accuracy, 0))
    return tr(
        "{kind}: {before}after {accuracy}, {interval}, n {n:,}",
        kind=part.kind,
        before=before,
        accuracy=share(part.tuned.accuracy, 0),
        interval=span(part.tuned.interval, 0),
        n=part.tuned.n,
    )
