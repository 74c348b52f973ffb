"""All runs in one table; several can be chosen, and then their curves and settings are compared."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QAbstractItemView, QSplitter

from studio.flow.comparison import differences
from studio.ui.plain_text import one_line
from studio.ui.sheet import Sheet
from studio.ui.texts import all_tr, mark, tr
from studio.ui.theme import GRID
from studio.ui.words import NOTHING, decimal, share

_HEAD = (
    mark("Run"),
    mark("Begun"),
    mark("Student"),
    mark("State"),
    mark("Data"),
    mark("Step"),
    mark("Loss"),
    mark("Held-out loss"),
    mark("Accuracy"),
    mark("Remark"),
)
_SIGNS = {"running": mark("▶ running"), "finished": mark("✓ finished"), "stopped": mark("■ stopped"),
          "failed": mark("✗ failed"), "interrupted": mark("⚠ interrupted"), "made": mark("made")}  # fmt: skip
MOST = 4  #: runs whose settings are compared side by side


class RunsTable(QSplitter):
    """The runs, and beside them where the settings of the chosen ones differ.

    Signals:
        chosen(list): ids of the runs chosen, the current one first.
    """

    chosen = Signal(list)

    def __init__(self) -> None:
        super().__init__()
        self._runs: list[Any] = []
        widths = (88, 112, 152, 112, 88, 112, 72, 120, 128)
        self.table = Sheet(all_tr(_HEAD), name=tr("Runs"), widths=widths, numbers=(5, 6, 7, 8),
                           empty=tr("No run yet: choose a student and press Start"), about={
                               tr("Data"): tr("Hash of the frozen dataset: the same letters, the same examples"),
                               tr("Loss"): tr("On what it learns from: the mean of its last 10 steps"),
                               tr("Held-out loss"): tr("On examples of questions that were kept out of training"),
                               tr("Accuracy"): tr("On the held-out questions, once “Measure” was pressed on Evaluate"),
                           })  # fmt: skip
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.table.setToolTip(tr("Choose several (Ctrl or Shift) to lay their curves over each other"
                              " and see where their settings differ. Data is the hash of what a run was pinned to"))  # fmt: skip
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._on_chosen())
        self._differences: Sheet | None = None
        self.addWidget(self.table)
        self.setChildrenCollapsible(False)
        self.setHandleWidth(GRID * 2)
        self.setMinimumHeight(GRID * 12)

    @property
    def current(self) -> Any:
        """The row of the current run, or None."""
        place = self.table.currentIndex().row()
        return self._runs[place] if 0 <= place < len(self._runs) else None

    def show_runs(self, runs: Sequence[Any]) -> None:
        """Show these runs; when others have come, the first is chosen."""
        another = [run["id"] for run in runs] != [run["id"] for run in self._runs]
        self._runs = list(runs)
        self.table.show_rows([_cells(run) for run in runs])
        if another and runs:
            self.table.selectRow(0)

    def picked(self) -> list[Any]:
        """Return the chosen runs, the current one first."""
        places = {index.row() for index in self.table.selectionModel().selectedRows()}
        now = self.table.currentIndex().row()
        order = sorted(places, key=lambda place: (place != now, place))
        return [self._runs[place] for place in order if place < len(self._runs)]

    def show_settings(self, settings: Mapping[str, Mapping[str, Any]]) -> None:
        """Show where these runs' settings differ; nothing for fewer than two."""
        if self._differences is not None:
            self._differences.hide()
            self._differences.deleteLater()
            self._differences = None
        if len(settings) < 2:
            return
        head = (tr("Setting"), *(run[:8] for run in settings))
        made = Sheet(head, name=tr("Where the settings differ"), widths=[120, *(104 for _ in settings)],
                     empty=tr("Same data, same settings"))  # fmt: skip
        made.show_rows([(name, *values) for name, values in differences(settings)])
        self._differences = made
        self.addWidget(made)
        self.setSizes([GRID * 90, GRID * 50])

    def _on_chosen(self) -> None:
        self.chosen.emit([run["id"] for run in self.picked()])


def _cells(run: Any) -> tuple[Any, ...]:
    result = json.loads(run["result"])
    begun = time.strftime("%d %b %H:%M", time.localtime(run["created_at"]))
    steps = f"{run['step']:,} of {run['steps']:,}" if run["steps"] else NOTHING
    return (
        run["id"][:8], begun, one_line(run["student"], most=40), tr(_SIGNS.get(run["state"], run["state"])),
        run["dataset_id"][:8], steps, decimal(run["loss"], 4), decimal(result.get("val_loss"), 4),
        _accuracy(result), one_line(run["message"] or "; ".join(result.get("warnings", ()))),
    )  # fmt: skip


def _accuracy(result: Mapping[str, Any]) -> str:
    n = result.get("accuracy_n")
    return share(result.get("accuracy")) + (f" of {n:,}" if n else "")
