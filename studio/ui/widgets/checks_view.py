"""What else training was worth: several tries, what was taught beside what was fixed, what was
forgotten, and what each part of the method adds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from studio.flow.ablation import Line
from studio.flow.evaluation import Score
from studio.flow.forgetting import Forgetting
from studio.flow.samples import Sampled
from studio.flow.taught import Taught
from studio.ui.parts import Card, button, choice, column, label, row
from studio.ui.sheet import Sheet
from studio.ui.texts import tr
from studio.ui.theme import GRID
from studio.ui.words import NOTHING, share, signed

TRIES = (5, 10, 20)


class Checks(NamedTuple):
    """What is known of a student besides its one exam."""

    samples: Sequence[Sampled] = ()
    taught: Sequence[Taught] = ()
    forgetting: Forgetting | None = None
    ablation: Sequence[Line] = ()


class ChecksView(QWidget):
    """Four cards, each with the button that measures what it shows.

    Signals:
        tries_wanted(int): ask each held-out question so many times.
        forgetting_wanted(): choose a file of general texts.
        ablation_wanted(): choose which parts to leave out.
    """

    tries_wanted = Signal(int)
    forgetting_wanted = Signal()
    ablation_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        upper = row(self._tries_card(), self._forgetting_card(), gap=GRID * 2)
        upper.setStretch(0, 8)
        upper.setStretch(1, 5)
        lower = row(self._taught_card(), self._ablation_card(), gap=GRID * 2)
        lower.setStretch(0, 7)
        lower.setStretch(1, 5)
        whole = column(upper, lower, gap=GRID * 2)
        whole.setStretch(1, 1)
        self.setLayout(whole)

    def show_checks(self, found: Checks) -> None:
        """Show these."""
        self._samples.show_rows([_tries(one) for one in found.samples])
        self._taught.show_rows([_taught(one) for one in found.taught])
        self._show_forgetting(found.forgetting)
        self._ablation.show_rows([_line(one) for one in found.ablation])

    def _tries_card(self) -> Card:
        card = Card(tr("Several tries at each question"))
        self._samples = Sheet(
            (tr("Student"), tr("Tries"), tr("pass@1"), tr("pass@k"), tr("Majority")),
            name=tr("Several tries"), numbers=(1, 2, 3, 4), stretch=0, widths=(96, 88, 128, 128, 128),
            empty=tr("Not asked yet"), about={
                tr("Tries"): tr("Tries at each question × questions"),
                tr("pass@1"): tr("Share of the questions that one try gets right, with its 95 % interval"),
                tr("pass@k"): tr("Share of which at least one of the tries is right, with its 95 % interval"),
                tr("Majority"): tr("Share of which the answer given most often is right"),
            },
        )  # fmt: skip
        self._samples.setFixedHeight(GRID * 13)
        times = choice(((tr("{n} tries", n=n), n) for n in TRIES), name=tr("Tries at each question"),
                       tip=tr("How often each question is asked, at a temperature of 0.7"))  # fmt: skip
        go = button(
            tr("Ask"), lambda: self.tries_wanted.emit(times.currentData()),
            tip=tr("Let this student and its base try each held-out question so often: pass@k and "
                   "the majority's answer, with intervals"),
        )  # fmt: skip
        card.body.addWidget(self._samples)
        card.body.addLayout(row(times, go, None))
        return card

    def _taught_card(self) -> Card:
        card = Card(tr("What was taught, beside what was fixed"))
        self._taught = Sheet(
            (tr("Kind"), tr("Fixed"), tr("Broken"), tr("Rationales, by teacher")),
            name=tr("Taught beside fixed"), numbers=(1, 2), stretch=3, widths=(148, 56, 64),
            empty=tr("Nothing was taught or turned"),
        )  # fmt: skip
        card.body.addWidget(self._taught, 1)
        return card

    def _forgetting_card(self) -> Card:
        card = Card(tr("What it forgot"))
        self._forgot = label("", wrap=True)
        go = button(
            tr("Check with texts …"), self.forgetting_wanted.emit,
            tip=tr("Choose general texts of yours (paragraphs, or JSONL with “text”): how well each is "
                   "foretold, before training and after"),
        )  # fmt: skip
        card.body.addWidget(self._forgot)
        card.body.addStretch(1)
        card.body.addLayout(row(go, None))
        return card

    def _ablation_card(self) -> Card:
        card = Card(tr("What each part of the method is worth"))
        head = (tr("Variant"), tr("After (95 %)"), tr("Fixed"), tr("Broken"), tr("p"))
        self._ablation = Sheet(
            head, name=tr("Ablation"), numbers=(1, 2, 3, 4), stretch=0, widths=(120, 120, 52, 64, 56),
            empty=tr("Not compared yet"),
            about={tr("p"): tr("Chance of such a difference to the whole method by luck alone (McNemar, exact)")},
        )  # fmt: skip
        go = button(
            tr("Compare …"), self.ablation_wanted.emit,
            tip=tr("Train the project's student without each part, all with the same steps, and let "
                   "each sit the exam"),
        )  # fmt: skip
        card.body.addWidget(self._ablation, 1)
        card.body.addLayout(row(go, None))
        return card

    def _show_forgetting(self, found: Forgetting | None) -> None:
        if found is None:
            self._forgot.setText(tr("Not checked yet: it takes a file of texts that have nothing to "
                                    "do with the questions."))  # fmt: skip
            return
        low, high = found.interval
        self._forgot.setText(tr(
            "Loss a token {before} → {after}, {change} (95 % interval {low} to {high}) over {tokens}"
            " tokens of {texts} texts ({source}): {verdict}",
            before=f"{found.before:.4f}", after=f"{found.after:.4f}", change=signed(found.change, 4),
            low=signed(low, 4), high=signed(high, 4), tokens=f"{found.tokens:,}",
            texts=f"{found.texts:,}", source=found.source, verdict=found.verdict,
        ))  # fmt: skip


def _tries(one: Sampled) -> tuple[Any, ...]:
    first, last = (_interval(one.pass_at[k], one.intervals[k]) for k in (1, one.tries))
    tries = f"{one.tries} × {one.questions:,}"
    return one.student, tries, first, last, _scored(one.majority)


def _scored(score: Score) -> str:
    return _interval(score.accuracy, score.interval)


def _interval(value: float, between: tuple[float, float]) -> str:
    return f"{share(value)} ({between[0] * 100:.0f}–{between[1] * 100:.0f})"


def _taught(one: Taught) -> tuple[Any, ...]:
    told = ", ".join(f"{name} {n:,}" for name, n in sorted(one.rationales.items()))
    return one.kind, one.fixed, one.broken, told or NOTHING


def _line(line: Line) -> tuple[Any, ...]:
    found = line.evaluation
    if found is None:
        return line.variant, line.message, NOTHING, NOTHING, NOTHING
    p = NOTHING if line.p_whole is None else f"{line.p_whole:.2g}"
    return (
        line.variant, _scored(found.tuned),
        len(found.fixed), len(found.broken), p,
    )  # fmt: skip
