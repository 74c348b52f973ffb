"""Train: settings on the left, live curves on the right, all runs below."""

from __future__ import annotations

import json
import time
from typing import Any, ClassVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QSplitter, QWidget

from studio.app.workbench import Workbench
from studio.domain.errors import StudioError
from studio.domain.records import StudentRecord
from studio.domain.specs import dataset_spec, train_spec, with_settings
from studio.store import views
from studio.ui.page import Page
from studio.ui.parts import Card, button, column, label, row, scrolled
from studio.ui.plain_text import one_line
from studio.ui.sheet import Sheet
from studio.ui.theme import GRID
from studio.ui.widgets.curves import Curves
from studio.ui.widgets.spec_form import SpecForm
from studio.ui.words import NOTHING, decimal, share

_HEAD = ("Run", "Begun", "Student", "State", "Step", "Loss", "Held-out loss", "Accuracy", "Remark")
_SIGNS = {"running": "▶ running", "finished": "✓ finished", "stopped": "■ stopped",
          "failed": "✗ failed", "interrupted": "⚠ interrupted", "made": "made"}  # fmt: skip
_RESUMABLE = ("interrupted", "stopped", "failed")


class TrainingPage(Page):
    """Start, stop, resume and watch runs."""

    title = "Train"
    watches: ClassVar = frozenset({"runs", "run_states", "students", "settings"})

    def __init__(self, workbench: Workbench) -> None:
        super().__init__(workbench)
        self._runs: list[Any] = []
        self._form = SpecForm(workbench.reader.setting("training", {}))
        self._problem = label("", "bad", wrap=True)
        self._problem.hide()
        self._curves = Curves()
        self._build()
        self.reload()

    def _build(self) -> None:
        charts = Card(role="pane")
        charts.body.addWidget(self._curves, 1)
        upper = QSplitter(Qt.Orientation.Horizontal)
        upper.addWidget(self._settings_card())
        upper.addWidget(charts)
        upper.setSizes([GRID * 40, GRID * 100])
        upper.setStretchFactor(1, 1)
        upper.setChildrenCollapsible(False)
        upper.setHandleWidth(GRID * 2)
        widths = (96, 120, 168, 120, 112, 80, 120, 96)
        self._table = Sheet(_HEAD, name="Runs", widths=widths, numbers=(4, 5, 6, 7),
                            empty="No run yet: choose a student and press Start")  # fmt: skip
        self._table.chosen.connect(self._follow)
        self._table.setMinimumHeight(GRID * 12)
        whole = QSplitter(Qt.Orientation.Vertical)
        whole.addWidget(upper)
        whole.addWidget(self._table)
        whole.setSizes([GRID * 66, GRID * 18])
        whole.setStretchFactor(0, 1)
        whole.setChildrenCollapsible(False)
        whole.setHandleWidth(GRID * 2)
        layout = self.page_layout()
        layout.addLayout(row(label(self.title, "title"), None))
        layout.addWidget(whole, 1)

    def _settings_card(self) -> QWidget:
        self._student = QComboBox()
        self._student.setEditable(True)
        self._student.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self._student.setAccessibleName("Student")
        self._student.setToolTip(
            "Whom to teach: a student of this project, a model folder, or a hub id"
        )
        self._start = button("Start", self._on_start, role="main",
                             tip="Freeze the accepted rationales as a dataset and train on them")  # fmt: skip
        self._stop = button("Stop and keep", self._on_stop,
                            tip="Stop the chosen run at its next step; what it has learned is kept")  # fmt: skip
        self._resume = button("Resume", self._on_resume,
                              tip="Let the chosen run go on from its newest whole checkpoint")  # fmt: skip
        card = Card(role="pane")
        card.body.addLayout(column(label("Student", "head"), self._student, gap=GRID // 2))
        card.body.addWidget(scrolled(self._form), 1)
        card.body.addWidget(self._problem)
        card.body.addLayout(row(self._start, self._stop, self._resume, None))
        card.setMinimumWidth(GRID * 38)
        return card

    # -- what is shown ---------------------------------------------------------------------

    def reload(self, tables: set[str] | None = None) -> None:
        """Show students and runs, the newest first; a new run is followed at once."""
        if tables is None or tables & {"students", "settings"}:
            self._show_students()
        new = self.workbench.reader.rows(views.RUNS)[::-1]
        another = [r["id"] for r in new] != [r["id"] for r in self._runs]
        self._runs = new
        self._table.show_rows([_cells(run) for run in new])
        if another and new:
            self._table.selectRow(0)
        self._enable()

    def _show_students(self) -> None:
        reader, chosen = self.workbench.reader, self._student.currentText()
        names = [s.name for s in reader.all(StudentRecord) if s.location or s.adapter]
        self._student.clear()
        self._student.addItems(names)
        self._student.setCurrentText(
            chosen or reader.setting("student", "") or (names[-1] if names else "")
        )
        field = self._student.lineEdit()
        if field is not None:
            field.setPlaceholderText("model folder or hub id")

    def _enable(self) -> None:
        state = run["state"] if (run := self._chosen()) is not None else ""
        self._stop.setEnabled(state in ("running", "made"))
        self._resume.setEnabled(state in _RESUMABLE)

    def _chosen(self) -> Any:
        place = self._table.currentIndex().row()
        return self._runs[place] if 0 <= place < len(self._runs) else None

    def _follow(self, place: int) -> None:
        folder = None
        if 0 <= place < len(self._runs):
            folder = self.workbench.project / "runs" / self._runs[place]["id"]
        self._curves.follow(folder)
        self._enable()

    # -- start, stop, resume ---------------------------------------------------------------

    def _on_start(self) -> None:
        student = self._student.currentText().strip()
        try:
            settings = _checked(self._form.settings())
        except StudioError as error:
            self._say(str(error))
            return
        self._say("" if student else "Whom to teach? Name a student, a model folder or a hub id.")
        if student:
            self.workbench.train(student, settings)

    def _on_stop(self) -> None:
        if (run := self._chosen()) is not None:
            self.reading.when(self.workbench.stop_run(run["id"]), lambda _: self.told.emit(
                "Stopping at the next step; what it has learned is kept.", False))  # fmt: skip

    def _on_resume(self) -> None:
        if (run := self._chosen()) is not None:
            self.workbench.resume_run(run["id"])

    def _say(self, problem: str) -> None:
        self._problem.setText(problem)
        self._problem.setVisible(bool(problem))


def _checked(given: dict[str, str]) -> dict[str, Any]:
    """Return the settings nested; raises SpecError at once, not when the run is made."""
    settings = with_settings({}, given)
    values = dict(settings)
    dataset_spec(dict(values.pop("data", {})))
    train_spec({**values, "student": {"location": "any"}})
    return settings


def _cells(run: Any) -> tuple[Any, ...]:
    result = json.loads(run["result"])
    begun = time.strftime("%d %b %H:%M", time.localtime(run["created_at"]))
    steps = f"{run['step']:,} of {run['steps']:,}" if run["steps"] else NOTHING
    return (
        run["id"][:8], begun, one_line(run["student"], most=40), _SIGNS.get(run["state"], run["state"]),
        steps, decimal(run["loss"], 4), decimal(result.get("val_loss"), 4),
        share(result.get("accuracy")), one_line(run["message"]),
    )  # fmt: skip
