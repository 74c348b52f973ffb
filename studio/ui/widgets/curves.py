"""Live curves of a run, drawn on a timer from what its events say."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pyqtgraph as pg
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QGridLayout, QWidget

from studio.domain.events import Metric
from studio.flow.job_folder import EventTail
from studio.ui.theme import GRID, scheme_of

REDRAW_MS = 250
CHARTS = (
    ("loss", ("loss", "val_loss")),
    ("loss per role", ("loss_explanation", "loss_rationale", "loss_replay")),
    ("learning rate", ("lr",)),
    ("gradient norm", ("grad_norm",)),
    ("supervised tokens/s", ("tokens_per_s",)),
)
COLOURS = ("#2f7fd6", "#e07b39", "#3fa66b", "#a05fc0")


class Curves(QWidget):
    """Charts of one run, read from ``events.jsonl`` as it grows."""

    def __init__(self) -> None:
        super().__init__()
        self._tail: EventTail | None = None
        self._points: dict[str, dict[int, float]] = defaultdict(dict)
        self._lines: dict[str, pg.PlotDataItem] = {}
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        for n, (title, names) in enumerate(CHARTS):
            layout.addWidget(self._chart(title, names), *((0, n) if n < 2 else (1, n - 2)))
        self._timer = QTimer(self)
        self._timer.setInterval(REDRAW_MS)
        self._timer.timeout.connect(self.redraw)
        self._timer.start()

    def follow(self, folder: Path) -> None:
        """Show the run of a job folder."""
        self._tail = EventTail(folder)
        self._points.clear()
        self.redraw()

    def redraw(self) -> None:
        """Take up new events, and draw if there were any."""
        if self._tail is None or not self.isVisible():
            return
        changed = False
        for event in self._tail.events():
            if isinstance(event, Metric):
                changed = True
                self._note(event)
        if changed:
            for name, line in self._lines.items():
                points = sorted(self._points[name].items())
                line.setData([step for step, _ in points], [value for _, value in points])

    def _note(self, metric: Metric) -> None:
        # A step that is told again after a resume replaces what was told of it before.
        for name, value in metric.model_dump().items():
            if name in self._lines and isinstance(value, int | float):
                self._points[name][metric.step] = float(value)

    def _chart(self, title: str, names: tuple[str, ...]) -> pg.PlotWidget:
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        scheme = scheme_of(app)
        plot = pg.PlotWidget(background=scheme.panel)
        plot.setAccessibleName(f"Chart of {title} over steps")
        plot.setTitle(title, color=scheme.dim, size="9pt")
        plot.setMenuEnabled(False)
        plot.setDownsampling(auto=True, mode="peak")
        plot.setClipToView(True)
        for axis in ("bottom", "left"):
            plot.getAxis(axis).setPen(scheme.line)
            plot.getAxis(axis).setTextPen(scheme.dim)
        if len(names) > 1:
            plot.addLegend(offset=(-8, 8), labelTextColor=scheme.text)
        for colour, name in zip(COLOURS, names, strict=False):
            pen = pg.mkPen(colour, width=2)
            self._lines[name] = plot.plot([], [], pen=pen, name=name.removeprefix("loss_"))
        return plot
