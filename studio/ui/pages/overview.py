"""The overview: the funnel, the audit queues, and one button that runs what is missing."""

from __future__ import annotations

from functools import partial
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QVBoxLayout,
    QWidget,
)

from studio.app.workbench import Workbench
from studio.flow import pipeline
from studio.flow.cost import Estimate
from studio.flow.pipeline import Plan
from studio.store import desk_views, views
from studio.store.tables import Store
from studio.ui.parts import button, card, in_background, label
from studio.ui.theme import GRID

STATIONS = (
    ("questions", "questions"), ("attempts", "attempts"), ("mistakes", "mistakes"),
    ("explained", "explained"), ("reviewed", "rationales reviewed"), ("accepted", "accepted"),
    ("trained", "runs finished"),
)  # fmt: skip


class OverviewPage(QWidget):
    """Where the project stands and what to look at next.

    Signals:
        queue_requested(str): an audit queue was clicked.
    """

    queue_requested = Signal(str)

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self._workers: list[Any] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 3, GRID * 2, GRID * 3, GRID * 2)
        layout.setSpacing(GRID * 2)
        head = QHBoxLayout()
        head.addWidget(label(bench.project.name, "title"))
        head.addStretch()
        head.addWidget(button("Run what is missing", self._on_run, main=True,
                              tip="Exam, grades, explanations, rationales, reviews, decisions; "
                                  "says what it takes and asks first"))  # fmt: skip
        layout.addLayout(head)
        self._scripted = label("", "warn", wrap=True)
        layout.addWidget(self._scripted)
        layout.addLayout(self._funnel())
        layout.addWidget(label("WHAT TO LOOK AT", "head"))
        layout.addLayout(self._queues())
        self._cost = label("", "dim", wrap=True)
        layout.addWidget(self._cost)
        layout.addStretch()
        self.reload()

    def _funnel(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self._numbers = {}
        for n, (name, words) in enumerate(STATIONS):
            frame, inside = card()
            self._numbers[name] = label("…", "big")
            inside.addWidget(self._numbers[name])
            inside.addWidget(label(words, "dim"))
            if n:
                row.addWidget(label("→", "dim"))
            row.addWidget(frame, 1)
        return row

    def _queues(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(GRID)
        self._queue_buttons = {}
        for n, name in enumerate(desk_views.QUEUES):
            made = button(name, partial(self.queue_requested.emit, name),
                          tip=f"Open the desk with: {name}")  # fmt: skip
            self._queue_buttons[name] = made
            grid.addWidget(made, n // 3, n % 3)
        return grid

    def on_tables_changed(self, tables: set[str]) -> None:
        """Count again."""
        del tables
        self.reload()

    def reload(self) -> None:
        """Count everything, off this thread."""
        project = self._bench.project

        def read() -> dict[str, Any]:
            store = Store(project, read_only=True)
            try:
                funnel = store.one(desk_views.FUNNEL)
                calls = store.one(views.CALL_COUNTS)
                return {
                    "funnel": dict(funnel) if funnel else {},
                    "queues": {
                        n: store.value(desk_views.queue_count(n)) for n in desk_views.QUEUES
                    },
                    "calls": dict(calls) if calls else {},
                    "scripted": [t.name for t in store.teachers() if t.scripted],
                }
            finally:
                store.close()

        self._workers = [in_background(read, self._show, failed=self._cost.setText)]

    def _show(self, found: dict[str, Any]) -> None:
        for name, number in found["funnel"].items():
            self._numbers[name].setText(f"{number:,}")
        for name, number in found["queues"].items():
            self._queue_buttons[name].setText(f"{name}  ·  {number:,}")
            self._queue_buttons[name].setEnabled(number > 0)
        calls = found["calls"]
        cost = "no price known" if calls["cost_usd"] is None else f"${calls['cost_usd']:,.4f}"
        self._cost.setText(f"{calls['done']:,} calls to teachers, {calls['failed']:,} failed, "
                           f"{calls['unknown']:,} maybe billed · {calls['tokens_in']:,} tokens in, "
                           f"{calls['tokens_out']:,} out · {cost}")  # fmt: skip
        names = ", ".join(found["scripted"])
        self._scripted.setText(f"Scripted committee: the answers of {names} were written beforehand; "
                               "no model wrote them." if names else "")  # fmt: skip
        self._scripted.setVisible(bool(names))

    def _on_run(self) -> None:
        bench = self._bench
        future = bench.background.call(lambda: _outlook(bench))
        self._workers.append(in_background(future.result, self._ask, failed=self._cost.setText))

    def _ask(self, found: tuple[Plan, list[Estimate]]) -> None:
        plan, lines = found
        dialog = QDialog(self)
        dialog.setWindowTitle("Run what is missing")
        layout = QVBoxLayout(dialog)
        todo = [line for line in lines if line.records]
        for line in todo:
            cost = "price unknown" if line.cost_usd is None else f"about ${line.cost_usd:,.4f}"
            text = f"{line.stage}: at most {line.records:,}"
            layout.addWidget(
                label(f"{text} · {line.calls:,} calls, {cost}" if line.calls else text)
            )
        if not todo:
            layout.addWidget(label("Nothing is missing; decisions are brought up to date."))
        kinds = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kinds.Ok | kinds.Cancel)
        buttons.accepted.connect(dialog.accept)
        buttons.rejected.connect(dialog.reject)
        layout.addWidget(buttons)
        dialog.accepted.connect(lambda: self._bench.run_flow(plan))
        dialog.open()


def _outlook(bench: Workbench) -> tuple[Plan, list[Estimate]]:
    plan = pipeline.plan(bench.bench, ())
    return plan, pipeline.estimate(bench.bench, plan)
