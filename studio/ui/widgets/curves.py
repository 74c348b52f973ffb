"""Live curves of a run, redrawn on a timer from what its events say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QTimer
from PySide6.QtWidgets import QCheckBox, QGridLayout, QWidget

from studio.domain.events import Event, Metric, Warned
from studio.flow.job_folder import EventTail
from studio.ui.parts import column, label, row
from studio.ui.plain_text import one_line
from studio.ui.theme import GRID, SMALL, scheme_now

REDRAW_MS = 250
_OFFSET = (-8, 4)


class Chart(NamedTuple):
    """One plot: its title and the curves in it; a name ending in ``*`` is one curve a role."""

    title: str
    names: tuple[str, ...]
    about: str


SPEED = "Tokens a second"  #: its curves fill the plot: they are named in its title
CHARTS = (
    Chart(
        "Loss", ("loss", "val_loss"), "the mixture trained on, and the loss on questions kept out"
    ),
    Chart("Loss per role", ("loss_*",), "explanations and rationales apart"),
    Chart("Learning rate", ("lr",), ""),
    Chart("Gradient norm", ("grad_norm",), "before clipping"),
    Chart(SPEED, ("tokens_per_s", "unpadded_tokens_per_s"), "supervised, and all"),
)
NAMES = {"loss": "training", "val_loss": "held out", "tokens_per_s": "supervised",
         "unpadded_tokens_per_s": "all"}  # fmt: skip
LIGHT_COLOURS = ("#2d5bd0", "#c25e12", "#17764a", "#8a3fb0", "#9c7400")
DARK_COLOURS = ("#7ea4ff", "#ffa15e", "#5fca91", "#cf93ee", "#e3c04f")


class Points:
    """The numbers of one run by name and step; a step told again after a resume replaces the old."""

    def __init__(self) -> None:
        self.of: dict[str, dict[int, float]] = defaultdict(dict)
        self.warnings: list[str] = []
        self.latest: Metric | None = None

    def take(self, events: Iterable[Event]) -> bool:
        """Take events in; returns whether anything is new."""
        changed = False
        for event in events:
            if isinstance(event, Metric):
                changed, self.latest = True, event
                for name, value in event.model_dump(exclude={"kind", "t", "step", "steps"}).items():
                    if isinstance(value, int | float):
                        self.of[name][event.step] = float(value)
            elif isinstance(event, Warned):
                changed = True
                self.warnings.append(event.message)
        return changed

    def curve(self, name: str) -> tuple[list[int], list[float]]:
        """Return steps and values, in order of steps."""
        points = sorted(self.of[name].items())
        return [step for step, _ in points], [value for _, value in points]


class Curves(QWidget):
    """Charts of one run, read from ``events.jsonl`` as it grows."""

    def __init__(self) -> None:
        super().__init__()
        self._tail: EventTail | None = None
        self.points = Points()
        self._plots: list[tuple[Chart, pg.PlotWidget]] = []
        self._lines: dict[tuple[str, str], pg.PlotDataItem] = {}
        self._head = label("No run chosen.", "dim", wrap=True)
        self._warning = label("", "warn", wrap=True)
        self._warning.hide()
        self._log = QCheckBox("Logarithmic loss")
        self._log.setToolTip("Show both losses on a logarithmic axis")
        self._log.toggled.connect(self._on_log)
        grid = QGridLayout()
        grid.setSpacing(GRID)
        for n, chart in enumerate(CHARTS):
            plot = self._plot(chart)
            self._plots.append((chart, plot))
            place = (0, n * 3, 1, 3) if n < 2 else (1, (n - 2) * 2, 1, 2)
            grid.addWidget(plot, *place)
        grid.setRowStretch(0, 3)
        grid.setRowStretch(1, 2)
        head = row(self._head, self._log)
        head.setStretch(0, 1)
        layout = column(head, self._warning, grid)
        layout.setStretch(2, 1)
        self.setLayout(layout)
        self._dress()
        self._timer = QTimer(self)
        self._timer.setInterval(REDRAW_MS)
        self._timer.timeout.connect(self.redraw)

    def follow(self, folder: Path | None) -> None:
        """Show the run of a job folder, from its first event on."""
        self._tail = None if folder is None else EventTail(folder)
        self.points = Points()
        for (title, _), line in self._lines.items():
            next(plot for chart, plot in self._plots if chart.title == title).removeItem(line)
        self._lines.clear()
        self._head.setText("No run chosen." if folder is None else "Waiting for its first step …")
        self._warning.hide()
        self.redraw()

    def redraw(self) -> None:
        """Take up what was written since the last time, and draw if there was anything."""
        if self._tail is None or not self.points.take(self._tail.events()):
            return
        for chart, plot in self._plots:
            for name in self._names(chart):
                self._line(chart, plot, name).setData(*self.points.curve(name))
        self._head.setText(_in_words(self.points))
        warnings = self.points.warnings
        self._warning.setText("\n".join(f"⚠ {one_line(text, most=300)}" for text in warnings[-3:]))
        self._warning.setVisible(bool(warnings))

    def _names(self, chart: Chart) -> list[str]:
        found: list[str] = []
        for name in chart.names:
            known = self.points.of
            found += (
                sorted(n for n in known if n.startswith(name[:-1]))
                if name.endswith("*")
                else [name]
            )
        return found

    def _line(self, chart: Chart, plot: pg.PlotWidget, name: str) -> pg.PlotDataItem:
        key = (chart.title, name)
        if key not in self._lines:
            pen = pg.mkPen(_colour(self._place(chart.title)), width=2)
            shown = NAMES.get(name, name.removeprefix("loss_"))
            single = name in (
                "val_loss",
            )  # measured seldom: without a dot a single one is not seen
            self._lines[key] = plot.plot(
                [], [], pen=pen, name=shown, symbol="o" if single else None, symbolSize=6,
                symbolBrush=pen.color(), symbolPen=None,
            )  # fmt: skip
        return self._lines[key]

    def _place(self, title: str) -> int:
        return sum(1 for known, _ in self._lines if known == title)

    def _plot(self, chart: Chart) -> pg.PlotWidget:
        plot = pg.PlotWidget()
        plot.setAccessibleName(f"Chart of {chart.title} over steps")
        plot.setToolTip(
            f"{chart.title} over optimiser steps{': ' + chart.about if chart.about else ''}"
        )
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.setMouseEnabled(x=False, y=False)
        plot.setDownsampling(auto=True, mode="peak")
        plot.setClipToView(True)
        plot.setMinimumSize(GRID * 16, GRID * 12)
        if chart.title != SPEED and (len(chart.names) > 1 or chart.names[0].endswith("*")):
            plot.addLegend(offset=_OFFSET, labelTextSize=f"{SMALL}px")
        return plot

    def _dress(self) -> None:
        """Give the plots the colours in force."""
        scheme = scheme_now()
        for chart, plot in self._plots:
            plot.setBackground(scheme.panel)
            plot.setTitle(_title(chart), color=scheme.dim, size=f"{SMALL}px")
            for axis in ("bottom", "left"):
                plot.getAxis(axis).setPen(scheme.line)
                plot.getAxis(axis).setTextPen(scheme.dim)
            legend = plot.getPlotItem().legend
            if legend is not None:
                legend.setLabelTextColor(scheme.text)

    def _on_log(self, on: bool) -> None:
        for chart, plot in self._plots[:2]:
            del chart
            plot.setLogMode(y=on)

    # Qt's own names

    def showEvent(self, event: QEvent) -> None:
        """Draw only while somebody can see it."""
        super().showEvent(event)  # type: ignore[arg-type]
        self.redraw()
        self._timer.start()

    def hideEvent(self, event: QEvent) -> None:
        """Stop drawing."""
        super().hideEvent(event)  # type: ignore[arg-type]
        self._timer.stop()

    def changeEvent(self, event: QEvent) -> None:
        """Take over another colour scheme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._plots:
            self._dress()


def _colour(place: int) -> str:
    colours = DARK_COLOURS if scheme_now().name == "dark" else LIGHT_COLOURS
    return colours[place % len(colours)]


def _title(chart: Chart) -> str:
    if chart.title != SPEED:
        return chart.title
    named = (
        f'<span style="color: {_colour(n)}">{NAMES[name]}</span>'
        for n, name in enumerate(chart.names)
    )
    return f"{chart.title}: {', '.join(named)}"


def _in_words(points: Points) -> str:
    latest = points.latest
    if latest is None:
        return "Waiting for its first step …"
    parts = [f"step {latest.step:,} of {latest.steps:,}", f"epoch {latest.epoch:.2f}"]
    for name, form in (("loss", "loss {:.4f}"), ("val_loss", "held out {:.4f}"),
                       ("tokens_per_s", "{:,.0f} supervised tokens/s")):  # fmt: skip
        if values := points.curve(name)[1]:
            parts.append(form.format(values[-1]))
    memory = (latest.model_extra or {}).get("gpu_memory_mb")
    if isinstance(memory, int | float):
        parts.append(f"{memory:,.0f} MB on the GPU")
    return " · ".join(parts)
