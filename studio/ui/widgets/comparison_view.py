"""All runs in one table, and what each round gained and took."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from PySide6.QtWidgets import QWidget

from studio.flow.comparison import RoundLine, RunLine, interval_in_words
from studio.ui.parts import Card, column
from studio.ui.sheet import Sheet
from studio.ui.texts import all_tr, mark, tr
from studio.ui.theme import GRID
from studio.ui.words import NOTHING, cost, count, decimal, duration

_ROUNDS = (mark("Round"), mark("Before"), mark("Best after"), mark("Gained"), mark("Calls"), mark("Tokens in"), mark("Tokens out"), mark("Cost"), mark("Runs"),
           mark("Asking"), mark("Training"), mark("Best student"))  # fmt: skip
_RUNS = (mark("Run"), mark("Begun"), mark("Round"), mark("State"), mark("Before"), mark("After"), mark("Gained"), mark("Fixed"), mark("Broken"), mark("McNemar p"),
         mark("Held-out loss"), mark("Examples"), mark("Steps"), mark("Rule"))  # fmt: skip


class ComparisonView(QWidget):
    """Two tables; every accuracy is shown with its interval and n."""

    def __init__(self) -> None:
        super().__init__()
        self._rounds = Sheet(all_tr(_ROUNDS), name=tr("Rounds"), numbers=(3, 4, 5, 6, 7, 8, 9, 10),
                             widths=(64, 204, 204, 80, 64, 88, 96, 112, 56, 72, 80),
                             empty=tr("No round has ended in a run yet"))  # fmt: skip
        self._runs = Sheet(all_tr(_RUNS), name=tr("All runs"), numbers=(2, 6, 7, 8, 9, 10, 11, 12),
                           widths=(80, 112, 64, 88, 204, 204, 80, 64, 72, 104, 120, 96, 64),
                           empty=tr("No run yet"))  # fmt: skip
        rounds, runs = Card(tr("What each round gained and took")), Card(tr("All runs"))
        rounds.body.addWidget(self._rounds, 1)
        runs.body.addWidget(self._runs, 1)
        layout = column(rounds, runs, gap=GRID * 2)
        layout.setStretch(0, 2)
        layout.setStretch(1, 3)
        self.setLayout(layout)

    def show_lines(self, runs: Sequence[RunLine], rounds: Sequence[RoundLine]) -> None:
        """Show these."""
        self._rounds.show_rows([_round(line) for line in rounds])
        self._runs.show_rows([_run(line) for line in runs])


def _round(line: RoundLine) -> tuple[Any, ...]:
    return (
        line.round, interval_in_words(line.before), interval_in_words(line.after), points(line.gained),
        line.calls, count(line.tokens_in), count(line.tokens_out), cost(line.cost_usd) if line.calls else NOTHING,
        line.runs, NOTHING if line.asking_s is None else duration(line.asking_s),
        NOTHING if line.training_s is None else duration(line.training_s),
        line.student or NOTHING,
    )  # fmt: skip


def _run(line: RunLine) -> tuple[Any, ...]:
    begun = time.strftime("%d %b %H:%M", time.localtime(line.begun))
    return (
        line.run[:8], begun, line.round, line.state, interval_in_words(line.before),
        interval_in_words(line.after), points(line.gained),
        count(line.fixed), count(line.broken),
        NOTHING if line.p_value is None else f"{line.p_value:.2g}", decimal(line.val_loss, 4),
        line.examples, line.steps, line.rule or NOTHING,
    )  # fmt: skip


def points(gained: float | None) -> str:
    """Return a change of accuracy in points, with its sign."""
    return NOTHING if gained is None else f"{gained * 100:+.1f} pp"
