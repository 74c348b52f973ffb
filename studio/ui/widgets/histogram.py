"""Mean scores as bars, and the threshold as a line to drag."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from studio.ui.texts import tr
from studio.ui.theme import GRID, SMALL, Scheme, scheme_now
from studio.ui.what_if import BINS, STEP, Bar

LOWEST, HIGHEST = 0.0, 5.0
_FOOT = 16  #: pixels under the bars, for the scale
_TOP = 10  #: pixels over the bars, for the handle


class Histogram(QWidget):
    """Shows how scores are spread and where the line is.

    Signals:
        threshold_changed(float): the line was dragged, or moved by an arrow key.
    """

    threshold_changed = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self._bars: list[Bar] = [Bar(0, 0)] * BINS
        self._unscored = 0
        self.threshold = 3.0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.SizeHorCursor)
        self.setMouseTracking(True)
        self.setAccessibleName(tr("Threshold over the scores of all rationales"))
        self.setToolTip(tr("Drag the line: only scores above it are accepted (← →)"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_bars(self, bars: Sequence[Bar], *, unscored: int) -> None:
        """Show how many rationales have each score, and how many have none."""
        self._bars, self._unscored = list(bars), unscored
        self.setAccessibleDescription(
            tr(
                "Line at {threshold:g}; {unscored:,} without a score; ",
                threshold=self.threshold,
                unscored=unscored,
            )
            + ", ".join(f"{self._score(n):g}: {bar.all:,}" for n, bar in enumerate(bars) if bar.all)
        )
        self.update()

    def move_to(self, threshold: float) -> None:
        """Put the line somewhere without telling anyone."""
        self.threshold = threshold
        self.update()

    # Qt's own names

    def sizeHint(self) -> QSize:
        """Return a size that fits the panel."""
        return QSize(GRID * 40, GRID * 11)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw bars, line and scale."""
        del event
        scheme = scheme_now()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = QFont(self.font())
        font.setPixelSize(SMALL)
        painter.setFont(font)
        self._draw_bars(painter, scheme)
        self._draw_scale(painter, scheme)
        self._draw_line(painter, scheme)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the line to where the mouse is."""
        self._set(self._score_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the line; without a button, say what a bar holds."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._set(self._score_at(event.position().x()))
            return
        n = round((event.position().x() / self._width) - 1)
        if 0 <= n < BINS and self._bars[n].all:
            bar = self._bars[n]
            text = tr(
                "score {n:g}: {all:,} rationales, {accepted:,} accepted",
                n=self._score(n),
                all=bar.all,
                accepted=bar.accepted,
            )
            QToolTip.showText(event.globalPosition().toPoint(), text, self)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the line by a quarter."""
        steps = {Qt.Key.Key_Left.value: -STEP, Qt.Key.Key_Right.value: STEP}
        step = steps.get(event.key())
        if step is None:
            super().keyPressEvent(event)
        else:
            self._set(self.threshold + step)

    # drawing

    @property
    def _width(self) -> float:
        """Pixels between two bars."""
        return self.width() / (BINS + 1)

    @staticmethod
    def _score(n: int) -> float:
        return 1 + n * STEP

    def _x(self, score: float) -> float:
        return ((score - 1) / STEP + 1) * self._width

    def _score_at(self, x: float) -> float:
        score = 1 + (x / self._width - 1) * STEP
        return round((score - STEP / 2) / STEP) * STEP

    def _draw_bars(self, painter: QPainter, scheme: Scheme) -> None:
        floor = self.height() - _FOOT
        most = max(1, *(bar.all for bar in self._bars))
        wide = self._width * 0.72
        for n, bar in enumerate(self._bars):
            x = self._x(self._score(n)) - wide / 2
            for number, colour in ((bar.all, scheme.line), (bar.accepted, scheme.accent)):
                if number:
                    height = max(2.0, (floor - _TOP) * number / most)
                    painter.fillRect(QRectF(x, floor - height, wide, height), QColor(colour))

    def _draw_scale(self, painter: QPainter, scheme: Scheme) -> None:
        floor = self.height() - _FOOT
        painter.setPen(QPen(QColor(scheme.line), 1))
        painter.drawLine(QPointF(0, floor), QPointF(self.width(), floor))
        painter.setPen(QColor(scheme.dim))
        for score in range(1, 6):
            box = QRectF(self._x(score) - 20, floor + 2, 40, _FOOT - 2)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(score))
        if self._unscored:
            box = QRectF(0, 0, self.width(), _FOOT)
            painter.drawText(
                box,
                Qt.AlignmentFlag.AlignLeft,
                tr("{unscored:,} without a score", unscored=self._unscored),
            )

    def _draw_line(self, painter: QPainter, scheme: Scheme) -> None:
        # Half a step to the right: a score that equals the threshold is not above it.
        x = max(2.0, self._x(self.threshold) + self._width / 2)
        floor = self.height() - _FOOT
        colour = QColor(scheme.accent if self.hasFocus() else scheme.text)
        painter.setPen(QPen(colour, 2))
        painter.drawLine(QPointF(x, 4), QPointF(x, floor))
        painter.setBrush(colour)
        painter.drawEllipse(QPointF(x, 6), 4, 4)

    def _set(self, threshold: float) -> None:
        wanted = min(max(threshold, LOWEST), HIGHEST)
        if wanted != self.threshold:
            self.threshold = wanted
            self.update()
            self.threshold_changed.emit(wanted)
