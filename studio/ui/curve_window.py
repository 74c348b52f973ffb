"""One chart in a window of its own: every point, to zoom into, to measure and to save."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtWidgets import QDialog, QWidget

from studio.flow.run_curves import Numbers
from studio.ui.parts import button, column, label, row
from studio.ui.texts import tr
from studio.ui.theme import GRID, scheme_now


class CurveWindow(QDialog):
    """Curves with their raw points.

    Args:
        curves: name, colour, steps and values of each; steps and values of shape (n,).
    """

    def __init__(
        self, parent: QWidget, title: str, curves: Sequence[tuple[str, str, Numbers, Numbers]]
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.resize(GRID * 124, GRID * 76)
        scheme = scheme_now()
        self.plot = pg.PlotWidget(background=scheme.panel)
        self.plot.setAccessibleName(title)
        self.plot.setToolTip(
            tr("Wheel: zoom. Drag: move. Right button: scale, grid, save as picture or CSV")
        )
        self.plot.showGrid(x=True, y=True, alpha=0.25)
        self.plot.setLabel("bottom", tr("step"), color=scheme.dim)
        self.plot.addLegend(labelTextColor=scheme.text)
        for axis in ("bottom", "left"):
            self.plot.getAxis(axis).setTextPen(scheme.dim)
        for name, colour, steps, values in curves:
            item = self.plot.plot(np.asarray(steps, float), np.asarray(values, float), name=name,
                                  pen=pg.mkPen(colour, width=1.5))  # fmt: skip
            item.setClipToView(True)
            item.setDownsampling(auto=True, method="peak")
        all_ = button(
            tr("Show all"), self.plot.autoRange, tip=tr("Zoom out until every point is in sight")
        )
        close = button(tr("Close"), self.accept, tip=tr("Close this chart (Escape)"))
        why = label(
            tr("Raw values, not smoothed. Right button: logarithmic axes, save as picture or CSV."),
            "small",
        )
        layout = column(self.plot, row(why, None, all_, close), gap=GRID * 2)
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.setStretch(0, 1)
        self.setLayout(layout)
