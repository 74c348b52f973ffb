"""One reviewer measured: how well it tells right from wrong, how strict it is, what hangs on it."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from studio.domain.agreement import Auc
from studio.flow import reviewers
from studio.ui.parts import Card, ShortLabel, button, label, row
from studio.ui.plain_text import one_line
from studio.ui.texts import tr
from studio.ui.theme import GRID, SMALL, scheme_now
from studio.ui.words import NOTHING, decimal, share, signed, things


class ReviewerCard(Card):
    """Shows the numbers of one reviewer, each with the n it rests on.

    Signals:
        flips_requested(str): show what would be decided otherwise without this reviewer.
    """

    flips_requested = Signal(str)

    def __init__(self, card: reviewers.Card) -> None:
        super().__init__()
        self.setMinimumWidth(GRID * 38)
        name = one_line(card.reviewer, most=40)
        self.setAccessibleName(tr("Reviewer {name}", name=name))
        self.body.setSpacing(GRID // 2)
        head = row(ShortLabel(name, "section"), label(things(card.n_valid, "review"), "dim"))
        head.setStretch(0, 1)
        self.body.addLayout(head)
        self.body.addWidget(label("⚠ " + "; ".join(card.remarks), "warn", wrap=True)
                            if card.remarks else label("", "small"))  # fmt: skip
        self.body.addLayout(row(
            label(tr("Tells right from wrong"), "dim"), None,
            label(auc_words(card.auc), "name") if card.auc.value is not None else label(_why_none(card.auc), "dim"),
        ))  # fmt: skip
        self.body.addWidget(AucBar(card.auc))
        self.body.addLayout(_grid(_lines(card)))
        turned = things(card.flips_without, "decision turns", "decisions turn")
        flips = button(
            tr("Left out: {turned} ›", turned=turned), partial(self.flips_requested.emit, card.reviewer), role="quiet",
            tip=tr("Open the desk with these rationales: {accepted_without:,} would be "
                   "accepted, {value:,} rejected, if {name} did not count", accepted_without=card.accepted_without, value=card.flips_without - card.accepted_without, name=name),
        )  # fmt: skip
        flips.setEnabled(card.flips_without > 0)
        self.body.addLayout(row(flips, None))


def auc_words(auc: Auc) -> str:
    """Return an AUC with its interval, or a dash."""
    if auc.value is None:
        return NOTHING
    return f"{decimal(auc.value)}  [{decimal(auc.low)} – {decimal(auc.high)}]"


def _lines(card: reviewers.Card) -> list[tuple[str, str, str]]:
    """Return name, value and meaning of each number."""
    asked = card.n_valid + card.n_missing
    return [
        (tr("Mean score"), f"{decimal(card.mean)} (n {card.n_valid:,})", tr("Of its valid scores, 1 to 5")),
        (tr("Against its peers"), f"{signed(card.severity)} (n {card.n_shared:,})",
         tr("Mean difference to the others on the same rationales; below 0 is stricter")),
        (tr("Severity, fitted"), signed(card.severity_fitted),
         tr("Its constant in the model score = rationale + reviewer; below 0 is stricter")),
        (tr("{HIGH}–5 on wrong answers", HIGH=reviewers.HIGH), _of_wrong(card.high_on_wrong, card),
         tr("How often a rationale whose own answer is wrong got such a score")),
        (tr("5 on wrong answers"), _of_wrong(card.fives_on_wrong, card),
         tr("How often a rationale whose own answer is wrong got the highest score")),
        (tr("Missing"), f"{card.n_missing:,} of {asked:,}", tr("Reviews without a score that could be read")),
        (tr("Agrees with people"), f"{share(card.agrees_with_people)} of {card.n_people:,}"
         if card.n_people else tr("no override yet"),
         tr("Its score is above the threshold where a person accepted, and not where one rejected")),
    ]  # fmt: skip


def _why_none(auc: Auc) -> str:
    """Return why nobody can tell how well a reviewer tells right from wrong."""
    if not auc.n_right and not auc.n_wrong:
        return tr("not graded yet")
    return tr("no right one yet") if not auc.n_right else tr("no wrong one yet")


def _of_wrong(high: float | None, card: reviewers.Card) -> str:
    return f"{share(high)} of {card.n_wrong:,}" if card.n_wrong else _why_none(card.auc)


def _grid(lines: list[tuple[str, str, str]]) -> QGridLayout:
    made = QGridLayout()
    made.setContentsMargins(0, GRID // 2, 0, GRID // 2)
    made.setHorizontalSpacing(GRID * 2)
    made.setVerticalSpacing(2)
    made.setColumnStretch(0, 1)
    for n, (name, value, meaning) in enumerate(lines):
        shown = label(value, tip=meaning)
        shown.setAccessibleName(f"{name}: {value}")
        made.addWidget(label(name, "dim", tip=meaning), n, 0)
        made.addWidget(shown, n, 1, Qt.AlignmentFlag.AlignRight)
    return made


class AucBar(QWidget):
    """Draws an AUC with its interval between 0 and 1; one half is a coin's work."""

    def __init__(self, auc: Auc) -> None:
        super().__init__()
        self._auc = auc
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        said = tr(
            "AUC {auc}: the chance that a right rationale gets a higher score than a wrong one, ties counted half; {n_right:,} right and {n_wrong:,} wrong ones.\n95 % interval by DeLong (1988); 0.5 is a coin's work",
            auc=auc_words(auc),
            n_right=auc.n_right,
            n_wrong=auc.n_wrong,
        )
        self.setAccessibleName(said)
        self.setToolTip(said)

    # Qt's own names

    def sizeHint(self) -> QSize:
        """Return a size that fits the card."""
        return QSize(GRID * 30, GRID * 4)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the scale, the interval and the dot."""
        del event
        scheme, auc = scheme_now(), self._auc
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = GRID * 1.25
        painter.setPen(QPen(QColor(scheme.line), 2))
        painter.drawLine(QPointF(self._x(0), middle), QPointF(self._x(1), middle))
        for value in (0.0, 0.5, 1.0):
            painter.setPen(QPen(QColor(scheme.dim), 1))
            x = self._x(value)
            painter.drawLine(QPointF(x, middle - 4), QPointF(x, middle + 4))
            self._write(painter, value)
        if auc.value is not None and auc.low is not None and auc.high is not None:
            sure = auc.low > 0.5
            colour = QColor(scheme.accent if sure else scheme.warn)
            painter.setPen(QPen(colour, 4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawLine(QPointF(self._x(auc.low), middle), QPointF(self._x(auc.high), middle))
            painter.setPen(QPen(QColor(scheme.panel), 1.5))
            painter.setBrush(colour)
            painter.drawEllipse(QPointF(self._x(auc.value), middle), 5.5, 5.5)
        painter.end()

    def _x(self, value: float) -> float:
        return 6 + value * (self.width() - 12)

    def _write(self, painter: QPainter, value: float) -> None:
        font = QFont(self.font())
        font.setPixelSize(SMALL)
        painter.setFont(font)
        side = {0.0: Qt.AlignmentFlag.AlignLeft, 1.0: Qt.AlignmentFlag.AlignRight}
        box = QRectF(min(max(0.0, self._x(value) - 60), self.width() - 120.0), GRID * 2, 120, 14)
        words = {0.0: "0", 0.5: tr("0.5 a coin"), 1.0: "1"}[value]
        painter.drawText(box, side.get(value, Qt.AlignmentFlag.AlignHCenter), words)
