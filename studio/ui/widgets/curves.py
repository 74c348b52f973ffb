"""Live curves of one run or several, redrawn on a timer from what their events say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QSlider, QStackedWidget, QWidget

from studio.domain.events import Event
from studio.flow.job_folder import EventTail
from studio.flow.run_curves import RunCurves
from studio.ui.parts import Notice, column, label, row
from studio.ui.plain_text import one_line
from studio.ui.texts import mark, tr
from studio.ui.theme import GRID
from studio.ui.widgets.chart_ink import Line
from studio.ui.widgets.line_chart import LineChart
from studio.ui.words import share, things

REDRAW_MS = 250
CATCH_UP_MS = 10  #: between two helpings of a run that is read from its beginning
AT_ONCE = 1_000  #: events a helping: about 20 ms
SMOOTHING = 60  #: percent of the past, as the slider stands at first
_MOST_RUNS = 6  #: overlaid


class Chart(NamedTuple):
    """One plot: its title and the curves in it; a name ending in ``*`` is one curve a role."""

    title: str
    names: tuple[str, ...]
    about: str
    smooth: bool = True
    always: bool = True  #: shown also where no run has such a curve


LOSSES = 2  #: the first two charts are of losses: the logarithmic axis is for them
CHARTS = (
    Chart(mark("Loss"), ("loss", "val_loss"), mark("what is trained on, and on questions kept out")),
    Chart(mark("Loss per role"), ("loss_*",), mark("explanations and rationales apart")),
    Chart(mark("Learning rate"), ("lr",), mark("as the schedule sets it"), smooth=False),
    Chart(mark("Gradient norm"), ("grad_norm",), mark("before clipping")),
    Chart(mark("Tokens/s"), ("tokens_per_s", "unpadded_tokens_per_s"), mark("learned, which are those of the answers, and all that are read")),
    Chart(mark("Accuracy"), ("val_accuracy", "accuracy"), mark("share answered right, held out: of a few questions"
          " not learned from, on the way; of the held-out exam, before training and after it"), smooth=False, always=False),
    Chart(mark("GPU memory, MB"), ("gpu_memory_mb",), mark("most that was in use"), smooth=False, always=False),
)  # fmt: skip
NAMES = {"loss": mark("training"), "val_loss": mark("held out"), "tokens_per_s": mark("learned"),
         "unpadded_tokens_per_s": mark("all"), "val_accuracy": mark("quiz"), "accuracy": mark("exam"), "lr": mark("rate"),
         "grad_norm": mark("norm"), "gpu_memory_mb": mark("memory")}  # fmt: skip
SELDOM = ("val_loss", "val_accuracy", "accuracy")


class Shown(NamedTuple):
    """A run to show.

    Attributes:
        measured: what was measured outside the run: accuracy by step, 0 for before it.
    """

    name: str
    folder: Path
    measured: tuple[tuple[int, float], ...] = ()


class _Followed:
    """One run that is shown, and the events of it that were not taken yet."""

    def __init__(self, shown: Shown) -> None:
        self.shown = shown
        self.curves = RunCurves()
        self._tail = EventTail(shown.folder)
        self._waiting: Iterator[Event] = iter(())

    def take(self) -> bool:
        """Take a helping of what was written; returns whether more is waiting."""
        n = self.curves.take(islice(self._waiting, AT_ONCE))
        if n < AT_ONCE:
            self._waiting = self._tail.events()
            n += self.curves.take(islice(self._waiting, AT_ONCE - n))
        return n == AT_ONCE


class Curves(QWidget):
    """Charts of runs, read from their ``events.jsonl`` as these grow."""

    def __init__(self) -> None:
        super().__init__()
        self._runs: list[_Followed] = []
        self._drawn: tuple[int, ...] = ()
        self._charts = [(chart, LineChart(tr(chart.title), tr(chart.about))) for chart in CHARTS]
        self._head = label("", "dim", wrap=True)
        self._warning = label("", "warn", wrap=True)
        self._note = label("", "small", wrap=True)
        for text in (self._warning, self._note):
            text.hide()
        self._log = QCheckBox(tr("Logarithmic loss"))
        self._log.setToolTip(tr("Show both losses on a logarithmic axis"))
        self._log.setAccessibleName(tr("Logarithmic loss"))
        self._log.toggled.connect(self._on_log)
        self._smoothing = QSlider(Qt.Orientation.Horizontal)
        self._smoothing.setRange(0, 99)
        self._smoothing.setValue(SMOOTHING)
        self._smoothing.setFixedWidth(GRID * 14)
        self._smoothing.setAccessibleName(tr("Smoothing"))
        self._smoothing.setToolTip(tr("How much of the past weighs in a curve; what was measured stays,"
                                   " faint, behind it (arrow keys)"))  # fmt: skip
        self._smoothing.valueChanged.connect(lambda _: self._draw())
        self._smooth_text = label("", "small")
        self._grid = QGridLayout()
        self._grid.setSpacing(GRID)
        for _, plot in self._charts:
            plot.pointed_at.connect(self._on_pointed)
        self._place()
        self.ways = QWidget(self)  #: how curves are drawn; for the page to place, beside its title
        self.ways.setLayout(
            row(label(tr("Smoothing"), "small"), self._smoothing, self._smooth_text, self._log)
        )
        notice, plots = Notice(), QWidget()
        notice.show_text(
            tr("No run to show"), tr("The curves of a run are drawn here, live, while it learns.")
        )
        plots.setLayout(self._grid)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._stack = QStackedWidget()
        self._stack.addWidget(notice)
        self._stack.addWidget(plots)
        layout = column(self._head, self._warning, self._note, self._stack)
        layout.setStretch(2, 1)
        self.setLayout(layout)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.redraw)
        self._draw()

    @property
    def points(self) -> RunCurves:
        """The curves of the first run shown."""
        return self._runs[0].curves if self._runs else RunCurves()

    @property
    def shown(self) -> tuple[Shown, ...]:
        """The runs shown."""
        return tuple(run.shown for run in self._runs)

    def follow(self, folder: Path | None) -> None:
        """Show one run, from its first event on."""
        self.show_runs([] if folder is None else [Shown(folder.name[:8], folder)])

    def show_runs(self, runs: Sequence[Shown]) -> None:
        """Show these runs over each other; those that are shown already are not read anew."""
        known = {run.shown.folder: run for run in self._runs}
        self._runs = []
        for shown in runs[:_MOST_RUNS]:
            run = known.get(shown.folder) or _Followed(shown)
            run.shown = shown
            self._runs.append(run)
        self._drawn = ()
        self.redraw()

    def redraw(self) -> None:
        """Take up what was written since the last time, and draw if there was anything."""
        more = [run.take() for run in self._runs]
        if self.isVisible():
            self._timer.start(CATCH_UP_MS if any(more) else REDRAW_MS)
        seen = tuple(run.curves.changes for run in self._runs)
        if seen != self._drawn or not self._runs:
            self._drawn = seen
            self._draw()

    # -- drawing ---------------------------------------------------------------------------

    def _draw(self) -> None:
        weight = self._smoothing.value() / 100
        self._smooth_text.setText(f"{weight:.2f}" if weight else tr("off"))
        last = max((run.curves.latest.steps for run in self._runs if run.curves.latest), default=0)
        for chart, plot in self._charts:
            plot.show_lines(self._lines(chart, weight), last_step=last)
        self._place()
        self._stack.setCurrentIndex(1 if self._runs else 0)
        self.ways.setVisible(bool(self._runs))
        self._head.setText(_in_words(self._runs))
        warnings = [f"⚠ {text}" for run in self._runs for text in run.curves.warnings]
        self._tell(self._warning, warnings[-3:])
        self._tell(self._note, [text for run in self._runs for text in run.curves.notes[-1:]][-3:])

    def _tell(self, where: QLabel, texts: list[str]) -> None:
        where.setText("\n".join(one_line(text, most=300) for text in texts))
        where.setVisible(bool(texts))

    def _lines(self, chart: Chart, weight: float) -> list[Line]:
        """Return the curves of a chart: one run has a colour a curve, several have one each."""
        several = len(self._runs) > 1
        made: list[Line] = []
        for place, run in enumerate(self._runs):
            names = [name for pattern in chart.names for name in run.curves.names(pattern)]
            for n, name in enumerate(names):
                curve = run.curves.of[name]
                wanted = weight > 0 and chart.smooth and name not in SELDOM
                smooth = curve.smooth(weight) if wanted else None
                told = tr(NAMES.get(name, name.removeprefix("loss_")))
                if several:
                    told = f"{run.shown.name} {told}" if len(names) > 1 else run.shown.name
                made.append(Line(told, curve.steps, curve.values, smooth, place if several else n,
                                 n if several else 0, name in SELDOM))  # fmt: skip
            if "accuracy" in chart.names and "accuracy" not in names and run.shown.measured:
                made.append(_measured(run.shown, place if several else len(names), several=several))
        return made

    def _place(self) -> None:
        """Lay the charts out: losses large above, the others in a row below."""
        lower = [
            (chart, plot) for chart, plot in self._charts[LOSSES:] if chart.always or plot.has_lines
        ]
        wanted = [plot for _, plot in (*self._charts[:LOSSES], *lower)]
        if getattr(self, "_placed", None) == wanted:
            return
        self._placed = wanted
        for _, plot in self._charts:
            self._grid.removeWidget(plot)
            plot.setVisible(plot in wanted)
        n = len(lower)
        for place, (_, plot) in enumerate(self._charts[:LOSSES]):
            self._grid.addWidget(plot, 0, place * n, 1, n)
        for place, (_, plot) in enumerate(lower):
            self._grid.addWidget(plot, 1, place * LOSSES, 1, LOSSES)
        for place in range(self._grid.columnCount()):
            self._grid.setColumnStretch(place, 1 if place < n * LOSSES else 0)
        self._grid.setRowStretch(0, 3)
        self._grid.setRowStretch(1, 2)

    def _on_pointed(self, step: float | None) -> None:
        for _, plot in self._charts:
            plot.point_at(step)

    def _on_log(self, on: bool) -> None:
        for _, plot in self._charts[:LOSSES]:
            plot.set_log(on)

    # Qt's own names

    def showEvent(self, event: QEvent) -> None:
        """Draw only while somebody can see it."""
        super().showEvent(event)  # type: ignore[arg-type]
        self._timer.start(REDRAW_MS)
        self.redraw()

    def hideEvent(self, event: QEvent) -> None:
        """Stop drawing."""
        super().hideEvent(event)  # type: ignore[arg-type]
        self._timer.stop()


def _measured(shown: Shown, colour: int, *, several: bool) -> Line:
    steps, values = (np.array(side, dtype=float) for side in zip(*shown.measured, strict=True))
    name = shown.name if several else tr(NAMES["accuracy"])
    return Line(name, steps, values, None, colour, dots=True)


def _lowest(curves: RunCurves) -> str:
    """Return where the held-out loss was lowest, if that is not its newest."""
    steps, losses = curves.curve("val_loss")
    least = min(losses)
    if losses[-1] == least:
        return ""
    return tr(
        " (lowest {least:.4f} at step {step:,})", least=least, step=steps[losses.index(least)]
    )


def _in_words(runs: Sequence[_Followed]) -> str:
    if not runs:
        return ""
    if len(runs) > 1:
        return f"{things(len(runs), 'run')}, one colour each"
    curves = runs[0].curves
    latest = curves.latest
    if latest is None:
        return tr("Waiting for its first step …")
    parts = [
        tr("step {step:,} of {steps:,}", step=latest.step, steps=latest.steps),
        tr("epoch {epoch:.2f}", epoch=latest.epoch),
    ]
    for name, form in (("loss", tr("loss {:.4f}")), ("val_loss", tr("held out {:.4f}")),
                       ("tokens_per_s", tr("{:,.0f} learned tokens/s")),
                       ("gpu_memory_mb", tr("{:,.0f} MB on the GPU"))):  # fmt: skip
        if (value := curves.last(name)) is not None:
            parts.append(form.format(value) + (_lowest(curves) if name == "val_loss" else ""))
    if (accuracy := curves.last("val_accuracy")) is not None:
        asked = int(curves.last("val_questions") or 0)
        parts.append(tr("quiz {share} right (n {n:,})", share=share(accuracy), n=asked))
    return " · ".join(parts)
