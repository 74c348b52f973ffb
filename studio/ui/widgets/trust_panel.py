"""How far the reviewers can be trusted: a card each, who scored whom, and how far they agree."""

from __future__ import annotations

from math import ceil
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout

from studio.flow.reviewer_warnings import Warned
from studio.flow.reviewers import OfExplanations, Report
from studio.ui.parts import Card, Notice, clear, column, label
from studio.ui.plain_text import one_line
from studio.ui.sheet import Sheet
from studio.ui.texts import tr
from studio.ui.theme import GRID
from studio.ui.widgets.reviewer_card import ReviewerCard
from studio.ui.words import NOTHING, decimal, signed, things

_CARD = GRID * 38  #: pixels a card needs
_LINE = GRID * 4
_NAMES, _LETTER = GRID * 80, 9  #: pixels for the names of reviewers in all, and for a letter


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
        self._shown: list[ReviewerCard] = []
        self._abreast = 0
        self._cards.setSpacing(GRID * 3 // 2)
        self._matrix = column()
        self._rule = label("", "small", wrap=True)
        self._note = label("", "small", wrap=True)
        self._scored = label(tr("Who scored whom"), "section")
        self.body.addWidget(self._rule)
        self._beware = column(gap=GRID // 2)
        self.body.addLayout(self._beware)
        self.body.addWidget(self._notice)
        self.body.addLayout(self._cards)
        self.body.addSpacing(GRID // 2)
        self.body.addWidget(self._scored)
        self.body.addLayout(self._matrix)
        self.body.addWidget(self._note)
        self._explained = label("", "small", wrap=True, tip=tr("Where explanations are reviewed, too "
                                "(“How it is asked …”): no rule reads these scores"))  # fmt: skip
        self.body.addWidget(self._explained)
        self.show_state(tr("Measuring the reviewers …"))

    def show_state(self, title: str, text: str = "") -> None:
        """Say why there are no numbers: empty, loading or failed."""
        clear(self._cards)
        self._shown = []
        clear(self._matrix)
        clear(self._beware)
        self._notice.show_text(title, text)
        self._notice.show()
        for part in (self._rule, self._note, self._scored, self._explained):
            part.hide()

    def show_report(self, report: Report) -> None:
        """Show these numbers."""
        self.report = report
        if not report.cards:
            self.show_state(tr("No reviews yet"), tr("Reviews are made by “Run what is missing” on the "
                            "Overview; each teacher scores what the others wrote."))  # fmt: skip
            self._show_warnings(report)
            self._show_explanations(report)
            return
        self._show_warnings(report)
        self._show_explanations(report)
        clear(self._cards)
        self._shown = []
        for card in report.cards:
            made = ReviewerCard(card)
            made.flips_requested.connect(self.flips_requested)
            self._shown.append(made)
        self._lay_cards()
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
                "compared; no rule reads it. Each review is a request of its own with one "
                "rationale in it, so no place in a list can sway it; who gets milder or stricter "
                "as it goes on is warned of above.",
                alpha=decimal(report.alpha),
                n_alpha=things(report.n_alpha, "rationale"),
            )
        )
        self._notice.hide()
        for part in (self._rule, self._note, self._scored):
            part.show()

    def _show_warnings(self, report: Report) -> None:
        """Say what to beware of, a line each."""
        clear(self._beware)
        for one in report.warnings:
            self._beware.addWidget(label(f"⚠ {in_words(one)}", "warn", wrap=True, tip=_why(one)))

    def _show_explanations(self, report: Report) -> None:
        """Say who gave whose explanations how much, a line each."""
        self._explained.setText("\n".join(map(_of_explanations, report.explanations)))
        self._explained.setVisible(bool(report.explanations))

    def _lay_cards(self) -> None:
        """Put as many cards abreast as there is room for, as many in each row as can be."""
        fit = max(1, (self.width() - GRID * 4) // (_CARD + GRID * 3 // 2))
        rows = ceil(len(self._shown) / fit)
        abreast = ceil(len(self._shown) / rows) if rows else 1
        if abreast == self._abreast and self._cards.count() == len(self._shown):
            return
        self._abreast = abreast
        for n, one in enumerate(self._shown):
            self._cards.addWidget(one, n // abreast, n % abreast)
        for place in range(self._cards.columnCount()):
            self._cards.setColumnStretch(place, int(place < abreast))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay the cards out anew, as there is room."""
        super().resizeEvent(event)
        self._lay_cards()

    def _show_matrix(self, report: Report) -> None:
        clear(self._matrix)
        names = [card.reviewer for card in report.cards]
        wide = max(GRID * 12, min(GRID * 28, _NAMES // max(1, len(names))))
        short = [one_line(name, most=(wide - GRID * 3) // _LETTER) for name in names]
        sheet = Sheet(
            (tr("Author ↓  Reviewer →"), *short, tr("Mean"), tr("Corrected")), name=tr("Mean scores by author and "
            "reviewer"), numbers=range(1, len(names) + 3), stretch=0,
            widths=(184, *[wide] * len(names), 96, 96),
            about={tr("Corrected"): tr("The mean with each reviewer's severity taken off")},
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


def _of_explanations(one: OfExplanations) -> str:
    return tr("Explanations of {author}: {reviewer} gives {mean} on average (n {n:,}, {missing:,} missing)",
              author=one_line(one.author, most=40), reviewer=one_line(one.reviewer, most=40),
              mean=decimal(one.mean), n=one.n, missing=one.n_missing)  # fmt: skip


def in_words(one: Warned) -> str:
    """Return a warning as a sentence; its names are what models and endpoints call themselves."""
    reviewer, author = one_line(one.reviewer, most=40), one_line(one.author, most=40)
    if one.kind == "self-family":
        if one.gap is None:
            return tr("{reviewer} judges {author}, a model of its own family ({n}; too few shared ones "
                      "to say whether it favours it)", reviewer=reviewer, author=author, n=things(one.n, "review"))  # fmt: skip
        return tr("{reviewer} judges {author}, a model of its own family, and gives it {gap} points "
                  "beyond what it gives others ({n})", reviewer=reviewer, author=author, gap=signed(one.gap), n=things(one.n, "review"))  # fmt: skip
    if one.kind == "drift":
        said = (tr("{reviewer} got milder as it went on: {gap} points against its peers from the first half to the second ({n})") if (one.gap or 0) > 0
                else tr("{reviewer} got stricter as it went on: {gap} points against its peers from the first half to the second ({n})"))  # fmt: skip
        return said.format(reviewer=reviewer, gap=signed(one.gap or 0), n=things(one.n, "review"))
    return tr("{reviewer} was asked for the model {asked}, and {served} answered ({n})", reviewer=reviewer,
              asked=one_line(one.asked, most=60), served=one_line(one.served, most=60), n=things(one.n, "call"))  # fmt: skip


def _why(one: Warned) -> str:
    """Return what a warning means for the decisions."""
    return {
        "self-family": tr("Models of one family tend to like each other's texts; “left out” on its card "
                          "says what would be decided without it"),
        "drift": tr("Early and late rationales were not held to the same measure"),
    }.get(one.kind, tr("The endpoint names another model in its replies: look at the teacher's settings"))  # fmt: skip
