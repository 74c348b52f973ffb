"""How far the reviewers can be trusted: a card each, who scored whom, and how far they agree."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout

from studio.flow.reviewers import Report
from studio.ui.parts import Card, Notice, clear, column, label
from studio.ui.sheet import Sheet
from studio.ui.texts import tr
from studio.ui.theme import GRID
from studio.ui.widgets.reviewer_card import ReviewerCard
from studio.ui.words import NOTHING, decimal, things

_ABREAST = 3  #: cards in one row
_LINE = GRID * 4


class TrustPanel(Card):
    """Shows a ``Report``.

    Signals:
        flips_requested(str): show what would be decided otherwise without this reviewer.
    """

    flips_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__(tr("How far each reviewer can be trusted"))
        self.report: Report | None = None
        self._notice = Notice()
        self._cards = QGridLayout()
        self._cards.setSpacing(GRID * 3 // 2)
        self._matrix = column()
        self._rule = label("", "small", wrap=True)
        self._note = label("", "small", wrap=True)
        self._scored = label(tr("Who scored whom"), "section")
        self.body.addWidget(self._rule)
        self.body.addWidget(self._notice)
        self.body.addLayout(self._cards)
        self.body.addSpacing(GRID // 2)
        self.body.addWidget(self._scored)
        self.body.addLayout(self._matrix)
        self.body.addWidget(self._note)
        self.show_state(tr("Measuring the reviewers …"))

    def show_state(self, title: str, text: str = "") -> None:
        """Say why there are no numbers: empty, loading or failed."""
        clear(self._cards)
        clear(self._matrix)
        self._notice.show_text(title, text)
        self._notice.show()
        for part in (self._rule, self._note, self._scored):
            part.hide()

    def show_report(self, report: Report) -> None:
        """Show these numbers."""
        self.report = report
        if not report.cards:
            self.show_state(tr("No reviews yet"), tr("Reviews are made by “Run what is missing” on the "
                            "Overview; each teacher scores what the others wrote."))  # fmt: skip
            return
        clear(self._cards)
        for n, card in enumerate(report.cards):
            made = ReviewerCard(card)
            made.flips_requested.connect(self.flips_requested)
            self._cards.addWidget(made, n // _ABREAST, n % _ABREAST)
        self._show_matrix(report)
        self._rule.setText(
            tr("Decisions are those of the rule in force: {value}.", value=report.policy.describe())
        )
        self._note.setText(
            tr(
                "Agreement: Krippendorff's alpha {alpha} (interval) over {n_alpha} "
                "with two valid scores or more; 1 is agreement, 0 is chance. "
                "Corrected: the author's mean with each reviewer's fitted severity "
                "taken off, so that authors who met stricter reviewers can be "
                "compared; no rule reads it.",
                alpha=decimal(report.alpha),
                n_alpha=things(report.n_alpha, "rationale"),
            )
        )
        self._notice.hide()
        for part in (self._rule, self._note, self._scored):
            part.show()

    def _show_matrix(self, report: Report) -> None:
        clear(self._matrix)
        names = [card.reviewer for card in report.cards]
        sheet = Sheet(
            (tr("Author ↓  Reviewer →"), *names, tr("Mean"), tr("Corrected")), name=tr("Mean scores by author and "
            "reviewer"), numbers=range(1, len(names) + 3), stretch=0,
            widths=(200, *[152] * len(names), 96, 96),
        )  # fmt: skip
        sheet.show_rows([self._row(report, n, names) for n in range(len(report.authors))])
        sheet.setFixedHeight(_LINE * (len(report.authors) + 1) + GRID)
        self._matrix.addWidget(sheet)

    @staticmethod
    def _row(report: Report, place: int, names: list[str]) -> tuple[Any, ...]:
        author = report.authors[place]
        given = report.matrix[author.name]
        cells = [f"{decimal(given[name].mean)}  (n {given[name].n:,})" if name in given else NOTHING
                 for name in names]  # fmt: skip
        return (author.name, *cells, decimal(author.mean), decimal(author.corrected))
