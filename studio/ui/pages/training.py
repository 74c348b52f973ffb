"""Train: settings on the left, live curves on the right, all runs below."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, ClassVar

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QComboBox, QSplitter, QWidget

from studio.app.free_memory import free_memory
from studio.app.workbench import Workbench
from studio.domain.errors import StudioError
from studio.domain.records import StudentRecord
from studio.flow import outlook as outlooks
from studio.flow.comparison import settings_of_run
from studio.flow.contamination import Contamination
from studio.flow.outlook import Tokens
from studio.flow.training import outlook
from studio.store import views
from studio.ui.commands import copy_button
from studio.ui.page import Page
from studio.ui.parts import Card, button, column, label, row, scrolled
from studio.ui.remedies import in_window
from studio.ui.texts import mark, tr
from studio.ui.theme import GRID
from studio.ui.token_view import TokenView
from studio.ui.widgets.curves import Curves, Shown
from studio.ui.widgets.run_outlook import Outlook, RunOutlook
from studio.ui.widgets.runs_table import MOST, RunsTable
from studio.ui.widgets.spec_form import SpecForm, checked

_RESUMABLE = ("interrupted", "stopped", "failed")
_SETTLE_MS = 500  #: typing pauses this long before the outlook is asked for anew


class TrainingPage(Page):
    """Start, stop, resume and watch runs.

    Signals:
        tokens_found(object): the background thread has the tokens that were asked for.
    """

    title = mark("Train")
    watches: ClassVar = frozenset({
        "runs", "run_states", "students", "settings", "decisions", "overrides",
        "questions", "rationales", "explanations", "grades",  # which its data is made of
    })  # fmt: skip
    tokens_found = Signal(object)

    def __init__(self, workbench: Workbench) -> None:
        super().__init__(workbench)
        self._form = SpecForm(workbench.reader.setting("training", {}))
        self._problem = label("", "bad", wrap=True)
        self._problem.hide()
        self._curves = Curves()
        self._tokens = button(tr("Show me the tokens"), self._on_tokens, role="quiet",
                              tip=tr("What the student reads of each example, what it learns, and what"
                              " is cut off"))  # fmt: skip
        self._outlook = RunOutlook(self._tokens)
        self._seen: dict[str, Contamination] = {}  #: by the hash of a dataset
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self._look_ahead)
        self._form.changed.connect(self._settle.start)
        self.tokens_found.connect(self._show_tokens)
        self._build()
        self.reload()

    def _build(self) -> None:
        charts = Card(role="pane")
        charts.body.addWidget(self._curves, 1)
        upper = QSplitter(Qt.Orientation.Horizontal)
        upper.addWidget(self._settings_card())
        upper.addWidget(charts)
        upper.setSizes([GRID * 42, GRID * 100])
        upper.setStretchFactor(1, 1)
        self._runs = RunsTable()
        self._table = self._runs.table
        self._runs.chosen.connect(lambda _: self._follow())
        whole = QSplitter(Qt.Orientation.Vertical)
        whole.addWidget(upper)
        whole.addWidget(self._runs)
        whole.setSizes([GRID * 68, GRID * 16])
        whole.setStretchFactor(0, 1)
        for splitter in (upper, whole):
            splitter.setChildrenCollapsible(False)
            splitter.setHandleWidth(GRID * 2)
        layout = self.page_layout()
        layout.addLayout(row(label(tr(self.title), "title"), None, self._curves.ways))
        layout.addWidget(whole, 1)

    def _settings_card(self) -> QWidget:
        self._student = QComboBox()
        self._student.setEditable(True)
        self._student.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self._student.setAccessibleName(tr("Student"))
        self._student.setToolTip(
            tr("Whom to teach: a student of this project, a model folder, or a hub id")
        )
        self._student.currentTextChanged.connect(lambda _: self._settle.start())
        self._found = label("", "small", wrap=True)
        self._start = button(tr("Start"), self._on_start, role="main",
                             tip=tr("Freeze the accepted rationales as a dataset and train on them"))  # fmt: skip
        self._queue = button(tr("Queue"), self._on_queue, role="quiet",
                             tip=tr("Put this run behind those that wait: it begins when they have ended, "
                                    "well or not"))  # fmt: skip
        self._stop = button(tr("Stop and keep"), self._on_stop,
                            tip=tr("Stop the chosen run at its next step; what it has learned is kept"))  # fmt: skip
        self._resume = button(tr("Resume"), self._on_resume,
                              tip=tr("Let the chosen run go on from its newest whole checkpoint"))  # fmt: skip
        self.lock(self._start, self._queue, self._stop, self._resume, self._tokens)
        copy = copy_button(self._words, lambda text: self.told.emit(text, False))
        card = Card(role="pane")
        who = column(label(tr("Student"), "head"), self._student, self._found, gap=GRID // 2)
        card.body.addLayout(who)
        card.body.addWidget(scrolled(self._form), 1)
        card.body.addWidget(self._outlook)
        card.body.addWidget(self._problem)
        card.body.addLayout(row(self._start, self._stop, self._resume, None))
        card.body.addLayout(row(self._queue, copy, None))
        card.body.addStrut(GRID * 36)  # a least width of its own would let buttons be cut off
        return card

    # -- what is shown ---------------------------------------------------------------------

    def reload(self, tables: set[str] | None = None) -> None:
        """Show students and runs, the newest first; a new run is followed at once."""
        if tables is None or tables & {"students", "settings"}:
            self._show_students()
        self._runs.show_runs(self.workbench.reader.rows(views.RUNS)[::-1])
        self._show_curves()  # what was measured of them may be new
        self._enable()
        if tables is None or tables - {"runs", "run_states"}:
            self._seen = {}
            self._settle.start()

    def _show_students(self) -> None:
        reader, chosen = self.workbench.reader, self._student.currentText()
        names = [s.name for s in reader.all(StudentRecord) if s.location or s.adapter]
        known = [self._student.itemText(n) for n in range(self._student.count())]
        if chosen and names == known:
            return  # what is being typed stays, with its cursor
        self._student.clear()
        self._student.addItems(names)
        self._student.setCurrentText(
            chosen or reader.setting("student", "") or (names[-1] if names else "")
        )
        field = self._student.lineEdit()
        if field is not None:
            field.setPlaceholderText(tr("model folder or hub id"))

    def _enable(self) -> None:
        state = run["state"] if (run := self._runs.current) is not None else ""
        self._stop.setEnabled(state in ("running", "made"))
        self._resume.setEnabled(state in _RESUMABLE)

    def _show_curves(self) -> None:
        self._curves.show_runs([
            Shown(run["id"][:6], self.workbench.project / "runs" / run["id"], _measured(run))
            for run in self._runs.picked()
        ])  # fmt: skip

    def _follow(self) -> None:
        runs = self._runs.picked()
        self._show_curves()
        self._enable()
        ids = [run["id"] for run in runs[:MOST]] if len(runs) > 1 else []
        self.reading.ask(
            "settings", lambda store: {one: settings_of_run(store, one) for one in ids},
            self._runs.show_settings,
        )  # fmt: skip

    def _look_ahead(self) -> None:
        """Ask what a run with these settings would be."""
        student = self._student.currentText().strip()
        try:
            settings = checked(self._form.settings())
        except StudioError as error:
            self._say(in_window(str(error)))
            return
        self._say("")
        bench, seen = self.workbench.bench, self._seen
        self.reading.ask(
            "outlook", lambda store: _look(replace(bench, store=store), student, settings, seen),
            self._show_outlook, failed=self._show_no_outlook,
        )  # fmt: skip

    def _show_outlook(self, found: Outlook) -> None:
        self._found.setText(f"✓ {found.student}")
        self._outlook.show_outlook(found)

    def _show_no_outlook(self, why: str) -> None:
        self._found.setText("" if not self._student.currentText().strip() else f"✗ {why}")
        self._outlook.show_problem("")

    # -- start, stop, resume ---------------------------------------------------------------

    def _on_start(self) -> None:
        if (asked := self._asked()) is not None:
            self.workbench.train(*asked)

    def _on_queue(self) -> None:
        if (asked := self._asked()) is not None:
            self.workbench.experiments.queue(*asked)

    def _on_tokens(self) -> None:
        if (asked := self._asked()) is not None:
            self.told.emit(tr("Putting the examples into tokens …"), False)
            self.workbench.show_tokens(*asked, self.tokens_found.emit)

    def _show_tokens(self, tokens: Tokens) -> None:
        TokenView(self, tokens).open()

    def _asked(self) -> tuple[str, dict[str, Any]] | None:
        """Return student and settings as they stand in the form; None, and why, if they are off."""
        student = self._student.currentText().strip()
        try:
            settings = checked(self._form.settings())
        except StudioError as error:
            self._say(in_window(str(error)))
            return None
        self._say(
            "" if student else tr("Whom to teach? Name a student, a model folder or a hub id.")
        )
        return (student, settings) if student else None

    def _words(self) -> list[str]:
        student = self._student.currentText().strip()
        words = ["train", str(self.workbench.project), *(["--student", student] if student else [])]
        for name, value in self._form.changes().items():
            words += ["--set", f"{name}={value}"]
        return words

    def _on_stop(self) -> None:
        if (run := self._runs.current) is not None:
            self.reading.when(self.workbench.stop_run(run["id"]), lambda _: self.told.emit(
                tr("Stopping at the next step; what it has learned is kept."), False))  # fmt: skip

    def _on_resume(self) -> None:
        if (run := self._runs.current) is not None:
            self.workbench.resume_run(run["id"])

    def _say(self, problem: str) -> None:
        self._problem.setText(problem)
        self._problem.setVisible(bool(problem))


def _look(
    bench: Any, student: str, settings: dict[str, Any], seen: dict[str, Contamination]
) -> Outlook:
    """Return what a run would be; raises StudioError where there can be none.

    Args:
        seen: what is known already of datasets, and is added to.
    """
    wanted = outlooks.wanted_run(bench, student, settings)
    free = free_memory()
    kind = tr("adapter on ") if wanted.spec.student.adapter else ""
    told = f"{kind}{wanted.spec.student.location}"
    try:
        draft = outlooks.draft_of(bench, wanted)
    except StudioError as error:
        return Outlook(told, free=free, no_data=tr("Nothing to learn yet: {error}", error=error))
    ahead = outlook(draft, wanted.spec)
    data = draft.dataset.content_hash
    if data not in seen:
        seen[data] = outlooks.seen_in_exam(bench, draft)
    found = Outlook(
        told, sum(ahead.examples["train"].values()), ahead.questions, ahead.steps, None, free,
        seen=seen[data],
    )  # fmt: skip
    try:
        tokens = outlooks.known_tokens(bench, wanted, draft)
        need = outlooks.memory_needed(
            wanted, draft, on_gpu=free.on_gpu, free=free.bytes, tokens=tokens
        )
        return found._replace(need=need)
    except StudioError as error:
        return found._replace(no_need=tr("Memory: {error}", error=error))


def _measured(run: Any) -> tuple[tuple[int, float], ...]:
    """Return what the evaluation found of a run: accuracy by step, 0 for before it."""
    result = json.loads(run["result"])
    if "accuracy" not in result:
        return ()
    before = result.get("base_accuracy")
    after = (int(run["step"]), float(result["accuracy"]))
    return ((0, float(before)), after) if before is not None else (after,)
