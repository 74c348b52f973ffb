"""Train: settings on the left, live curves on the right, all runs below."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import (
    QHBoxLayout,
    QScrollArea,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from studio.app.workbench import Workbench
from studio.domain.errors import StudioError
from studio.domain.specs import with_settings
from studio.store import views
from studio.ui.parts import button, label
from studio.ui.theme import GRID
from studio.ui.widgets.curves import Curves
from studio.ui.widgets.spec_form import SpecForm

_HEAD = ("run", "student", "state", "step", "loss", "accuracy", "message")


class TrainingPage(QWidget):
    """Start, stop, resume and watch runs."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self._runs: list[Any] = []
        self._form = SpecForm(bench.reader.setting("training", {}))
        self._problem = label("", "bad", wrap=True)
        self._curves = Curves()
        self._build()
        self.reload()

    def _build(self) -> None:
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(self._form)
        left = QWidget()
        inside = QVBoxLayout(left)
        inside.addWidget(label("Train", "title"))
        inside.addWidget(scroll, 1)
        inside.addWidget(self._problem)
        row = QHBoxLayout()
        self._start = button("Start", self._on_start, main=True,
                             tip="Freeze the accepted rows as a dataset and train on them")  # fmt: skip
        self._stop = button("Stop and keep", self._on_stop,
                            tip="Stop at the next step; a checkpoint and the adapter are kept")  # fmt: skip
        self._resume = button("Resume", self._on_resume,
                              tip="Go on from the newest whole checkpoint")  # fmt: skip
        for one in (self._start, self._stop, self._resume):
            row.addWidget(one)
        inside.addLayout(row)
        right = QSplitter()
        right.addWidget(left)
        right.addWidget(self._curves)
        right.setSizes([300, 900])
        self._table = QTableWidget(0, len(_HEAD))
        self._table.setHorizontalHeaderLabels(list(_HEAD))
        self._table.setAccessibleName("Runs")
        self._table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self._table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self._table.verticalHeader().hide()
        self._table.horizontalHeader().setStretchLastSection(True)
        self._table.setMaximumHeight(GRID * 20)
        self._table.currentCellChanged.connect(lambda row, *_: self._follow(row))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID, GRID, GRID, GRID)
        layout.addWidget(right, 1)
        layout.addWidget(self._table)

    def on_tables_changed(self, tables: set[str]) -> None:
        """Read the runs again where it concerns them."""
        if tables & {"runs", "run_states"}:
            self.reload()

    def reload(self) -> None:
        """Show all runs, the newest first, and follow the newest."""
        new = self._bench.reader.rows(views.RUNS)[::-1]
        another = [r["id"] for r in new] != [r["id"] for r in self._runs]
        self._runs = new
        self._table.setRowCount(len(new))
        for r, run in enumerate(new):
            loss = "–" if run["loss"] is None else f"{run['loss']:.4f}"
            step = f"{run['step']:,} of {run['steps']:,}"
            for c, text in enumerate((run["id"][:8], run["student"], run["state"], step, loss,
                                      _accuracy(run["result"]), run["message"])):  # fmt: skip
                self._table.setItem(r, c, QTableWidgetItem(text))
        if another and new:
            self._table.setCurrentCell(0, 0)
            self._follow(0)
        chosen = self._chosen()
        self._stop.setEnabled(chosen is not None and chosen["state"] == "running")
        self._resume.setEnabled(
            chosen is not None and chosen["state"] in ("interrupted", "stopped", "failed")
        )

    def _chosen(self) -> Any:
        row = self._table.currentRow()
        return self._runs[row] if 0 <= row < len(self._runs) else None

    def _follow(self, row: int) -> None:
        if 0 <= row < len(self._runs):
            self._curves.follow(self._bench.project / "runs" / self._runs[row]["id"])

    def _on_start(self) -> None:
        try:
            settings = with_settings({}, self._form.settings())
        except StudioError as error:
            self._problem.setText(str(error))
            return
        self._problem.setText("")
        self._bench.train("", settings)

    def _on_stop(self) -> None:
        if (run := self._chosen()) is not None:
            self._bench.stop_run(run["id"])

    def _on_resume(self) -> None:
        if (run := self._chosen()) is not None:
            self._bench.resume_run(run["id"])


def _accuracy(result: str) -> str:
    import json

    value = json.loads(result).get("accuracy")
    return "–" if value is None else f"{value:.1%}"
