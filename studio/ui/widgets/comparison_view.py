"""All runs in one table, and what each round gained and took."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from PySide6.QtWidgets import QWidget

from studio.flow.comparison import RoundLine, RunLine
from studio.flow.evaluation import Score
from studio.ui.parts import Card, column
from studio.ui.sheet import Sheet
from studio.ui.texts import all_tr, mark, tr
from studio.ui.theme import GRID
from studio.ui.words import NOTHING, cost, count, decimal, duration, share, signed

_ROUNDS = (mark("Round"), mark("Before (95 %)"), mark("Best after (95 %)"), mark("n"), mark("Gained"), mark("Calls"), mark("Tokens in"), mark("Tokens out"), mark("Cost"), mark("Runs"),
           mark("Asking"), mark("Training"), mark("Best student"))  # fmt: skip
_RUNS = (mark("Run"), mark("Begun"), mark("Round"), mark("State"), mark("Before (95 %)"), mark("After (95 %)"), mark("n"), mark("Gained"), mark("Fixed"), mark("Broken"), mark("McNemar p"),
         mark("Held-out loss"), mark("Examples"), mark("Steps"), mark("Rule"))  # fmt: skip
_ROUNDS_IN_SIGHT = 6  #: more are scrolled to


class ComparisonView(QWidget):
    """Two tables; every accuracy is shown with its interval and n."""

    def __init__(self) -> None:
        super().__init__()
        self._rounds = Sheet(all_tr(_ROUNDS), name=tr("Rounds"), numbers=(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
                             widths=(56, 112, 112, 48, 72, 56, 80, 80, 80, 48, 56, 72),
                             empty=tr("No round has ended in a run yet"), about=_about())  # fmt: skip
        self._runs = Sheet(all_tr(_RUNS), name=tr("All runs"), numbers=(2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13),
                           widths=(80, 104, 48, 72, 112, 112, 48, 72, 48, 48, 56, 64, 56, 48),
                           empty=tr("No run yet"), about=_about())  # fmt: skip
        rounds, runs = Card(tr("What each round gained and took")), Card(tr("All runs"))
        rounds.body.addWidget(self._rounds)
        runs.body.addWidget(self._runs, 1)
        layout = column(rounds, runs, gap=GRID * 2)
        layout.setStretch(1, 1)
        self.setLayout(layout)

    def show_lines(self, runs: Sequence[RunLine], rounds: Sequence[RoundLine]) -> None:
        """Show these."""
        self._rounds.show_rows([_round(line) for line in rounds])
        lines = min(max(len(rounds), 1), _ROUNDS_IN_SIGHT)
        self._rounds.setFixedHeight(GRID * 4 * (lines + 1) + GRID * 3 // 2)
        self._runs.show_rows([_run(line) for line in runs])


def _about() -> dict[str, str]:
    return {
        tr("n"): tr("Held-out questions that were answered; before / after where they differ"),
        tr("Gained"): tr("In percentage points"),
        tr("Asking"): tr("From the first call of the round to its last"),
        tr("McNemar p"): tr("Chance of so many fixed and broken by luck alone (exact test)"),
        tr("Held-out loss"): tr("On examples of questions that were kept out of training"),
        tr("Rule"): tr("The acceptance rule in force when the run was made"),
    }


def _round(line: RoundLine) -> tuple[Any, ...]:
    return (
        line.round, _share(line.before), _share(line.after), _n(line.before, line.after), points(line.gained),
        line.calls, count(line.tokens_in), count(line.tokens_out), cost(line.cost_usd) if line.calls else NOTHING,
        line.runs, NOTHING if line.asking_s is None else duration(line.asking_s),
        NOTHING if line.training_s is None else duration(line.training_s),
        line.student or NOTHING,
    )  # fmt: skip


def _run(line: RunLine) -> tuple[Any, ...]:
    begun = time.strftime("%d %b %H:%M", time.localtime(line.begun))
    return (
        line.run[:8], begun, line.round, tr(line.state), _share(line.before),
        _share(line.after), _n(line.before, line.after), points(line.gained),
        count(line.fixed), count(line.broken),
        NOTHING if line.p_value is None else f"{line.p_value:.2g}", decimal(line.val_loss, 4),
        line.examples, line.steps, line.rule or NOTHING,
    )  # fmt: skip


def points(gained: float | None) -> str:
    """Return a change of accuracy in points, with its sign."""
    return NOTHING if gained is None else f"{signed(gained * 100, 1)} pp"


def _share(score: Score | None) -> str:
    if score is None or not score.n:
        return NOTHING
    low, high = score.interval
    return f"{share(score.accuracy)} ({low * 100:.0f}–{high * 100:.0f})"


def _n(before: Score | None, after: Score | None) -> str:
    """Return on how many questions; both numbers where they differ."""
    ns = dict.fromkeys(f"{one.n:,}" for one in (before, after) if one is not None and one.n)
    return " / ".join(ns) or NOTHING
