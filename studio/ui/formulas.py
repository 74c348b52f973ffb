"""Draws formulas: off the thread that draws the window, each once, from a list of known commands only.

Without the package ``ziamath``, or where it cannot draw one, a formula stays as it was written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QByteArray, QObject, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QPainter

from studio.store.tables import Store

if TYPE_CHECKING:
    from studio.ui.reading import Reading

_MOST_KEPT = 2_000
_MOST_AT_ONCE = 60  #: asked for together; 5 ms each
_WIDEST = 1_200


class Drawing(NamedTuple):
    """A formula as SVG; sizes in pixels of the window, ``depth`` is what hangs below the line."""

    svg: bytes
    width: float
    height: float
    depth: float

    def picture(self, colour: str, *, ratio: float, x_height: float) -> QImage:
        """Return the formula in a colour, with room above or below.

        Qt centres a picture on half an x-height above the line; the room brings its own line there.

        Args:
            ratio: pixels of the screen for one of the window.
        """
        from PySide6.QtSvg import QSvgRenderer

        ascent = self.height - self.depth
        above = max(0.0, self.depth + x_height - ascent)
        below = max(0.0, ascent - x_height - self.depth)
        size = (self.width, self.height + above + below)
        image = QImage(round(size[0] * ratio) or 1, round(size[1] * ratio) or 1,
                       QImage.Format.Format_ARGB32_Premultiplied)  # fmt: skip
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        QSvgRenderer(QByteArray(self.svg)).render(
            painter, QRectF(0, above * ratio, self.width * ratio, self.height * ratio)
        )
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
        painter.fillRect(image.rect(), QColor(colour))
        painter.end()
        image.setDevicePixelRatio(ratio)
        return image


Wanted = tuple[str, int]  #: LaTeX, and how many pixels its letters are high


class Formulas(QObject):
    """The formulas drawn so far; what is asked for and not there yet is drawn soon.

    Signals:
        drawn(): more formulas are there.
    """

    drawn = Signal()

    def __init__(self, reading: Reading, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reading = reading
        self._kept: dict[Wanted, Drawing | None] = {}  # None: it cannot be drawn
        self._wanted: dict[Wanted, None] = {}
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self._ask)

    def get(self, latex: str, pixels: int) -> Drawing | None:
        """Return a formula, or None: it is not drawn yet, or cannot be."""
        wanted = (latex, pixels)
        if wanted not in self._kept:
            self._wanted[wanted] = None
            self._soon.start()
        return self._kept.get(wanted)

    def _ask(self) -> None:
        now = list(self._wanted)[-_MOST_AT_ONCE:]
        self._wanted.clear()

        def draw(store: Store) -> dict[Wanted, Drawing | None]:
            del store  # nothing of the project is needed; only its thread
            return {one: draw_formula(*one) for one in now}

        # A name of its own for each lot: the answer to none of them is dropped.
        self._reading.ask(f"formulas {hash(tuple(now))}", draw, self._take)

    def _take(self, drawn: dict[Wanted, Drawing | None]) -> None:
        if len(self._kept) > _MOST_KEPT:
            self._kept.clear()
        self._kept.update(drawn)
        self.drawn.emit()


def draw_formula(latex: str, pixels: int) -> Drawing | None:
    """Return a formula as a drawing; None where there is no package for it, or it cannot."""
    try:
        from ziamath.config import config
        from ziamath.zmath import Latex
    except ImportError:
        return None
    config.svg2 = False  # Qt's renderer knows SVG 1.2 Tiny only
    try:
        made = Latex(latex, size=pixels)
        width, height = made.getsize()
        depth = max(0.0, -made.getyofst())
        svg = made.svg().encode()
    except Exception:
        return None
    if not (0 < width < _WIDEST and 0 < height < _WIDEST) or b"<image" in svg or b"href" in svg:
        return None
    return Drawing(svg, float(width), float(height), float(min(depth, height)))
