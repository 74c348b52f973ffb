"""The acceptance rule under the hand: a histogram with a line to drag, gates, and what would change."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from studio.domain.policy import PRESETS, Aggregate, Policy
from studio.flow.scorebook import Scorebook, Tally
from studio.ui.parts import button, label
from studio.ui.theme import GRID, scheme_of

STEP = 0.25
BINS = 17  #: scores 1, 1.25 … 5


class Histogram(QWidget):
    """Mean scores as bars and the threshold as a line.

    Signals:
        threshold_changed(float): the line was dragged or moved by an arrow key.
    """

    threshold_changed = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self._bars = [0] * BINS
        self.threshold = 3.0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Threshold over the mean scores")
        self.setToolTip("Drag the line: only scores above it are accepted (← →)")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_bars(self, bars: list[int]) -> None:
        """Show how many rationales have each score."""
        self._bars = bars
        self.update()

    def move_to(self, threshold: float) -> None:
        """Put the line somewhere without telling anyone."""
        self.threshold = threshold
        self.update()

    def sizeHint(self) -> QSize:
        """Return a size that fits the panel."""
        return QSize(320, 64)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw bars, line and scale."""
        del event
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        scheme = scheme_of(app)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        floor, most = self.height() - 16, max([*self._bars, 1])
        width = self.width() / (BINS + 1)
        for n, count in enumerate(self._bars):
            above = 1 + n * STEP > self.threshold
            height = (floor - 4) * count / most
            colour = QColor(scheme.accent if above else scheme.line)
            painter.fillRect(QRectF((n + 0.6) * width, floor - height, width * 0.8, height), colour)
        x = self._x(self.threshold + STEP / 2)
        painter.setPen(QPen(QColor(scheme.text), 2))
        painter.drawLine(QPointF(x, 0), QPointF(x, floor))
        painter.setPen(QColor(scheme.dim))
        for score in range(1, 6):
            box = QRectF(self._x(score) - 16, floor, 32, 16)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(score))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the line to where the mouse is."""
        self._drag(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the line."""
        self._drag(event.position().x())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the line by a quarter."""
        steps = {Qt.Key.Key_Left: -STEP, Qt.Key.Key_Right: STEP}
        step = steps.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self._set(self.threshold + step)

    def _x(self, score: float) -> float:
        return ((score - 1) / STEP + 1) * self.width() / (BINS + 1)

    def _drag(self, x: float) -> None:
        score = 1 + (x * (BINS + 1) / max(self.width(), 1) - 1) * STEP - STEP / 2
        self._set(round(score / STEP) * STEP)

    def _set(self, threshold: float) -> None:
        wanted = min(max(threshold, 0.0), 5.0)
        if wanted != self.threshold:
            self.threshold = wanted
            self.update()
            self.threshold_changed.emit(wanted)


class ThresholdPanel(QWidget):
    """The acceptance rule, and what it would change; nothing is stored before *Apply*.

    Signals:
        policy_tried(Policy): the rule under trial is another.
        apply_requested(Policy): the person wants it to be in force.
    """

    policy_tried = Signal(object)
    apply_requested = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._book: Scorebook | None = None
        self._in_force = PRESETS["studio"]
        self._filling = False
        self._build()

    def _build(self) -> None:
        self._histogram = Histogram()
        self._rule = label("", "dim")
        self._aggregate = QComboBox()
        self._aggregate.addItems([str(one) for one in Aggregate])
        self._aggregate.setToolTip("How the valid scores of a rationale become one number")
        self._gate = QCheckBox("answer gate")
        self._gate.setToolTip("Accept only rationales whose own answer equals gold")
        self._least = QSpinBox()
        self._least.setRange(0, 16)
        self._least.setSpecialValueText("all reviews")
        self._least.setSuffix(" valid")
        self._least.setToolTip("How many valid reviews a rationale needs")
        self._preset = QComboBox()
        self._preset.addItems(["preset …", *PRESETS])
        self._preset.setToolTip("paper: mean > 3; studio: besides, right answer and all reviews")
        for widget, name in ((self._aggregate, "aggregate"), (self._gate, "answer gate"),
                             (self._least, "valid reviews needed"), (self._preset, "preset")):  # fmt: skip
            widget.setAccessibleName(name)
        self._outcome = label("")
        self._apply = button("Apply", self._on_apply, main=True,
                             tip="Put this rule in force; overrides stay (undo: Ctrl+Z)")  # fmt: skip
        self._reset = button("Reset", lambda: self.show_policy(self._in_force),
                             tip="Back to the rule in force")  # fmt: skip
        first, second = QHBoxLayout(), QHBoxLayout()
        for part in (label("ACCEPTANCE RULE", "head"), self._histogram, self._rule, self._aggregate,
                     self._gate, self._least, self._preset):  # fmt: skip
            first.addWidget(part)
        second.addWidget(self._outcome, 1)
        second.addWidget(self._reset)
        second.addWidget(self._apply)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID, 0, GRID, GRID)
        layout.addLayout(first)
        layout.addLayout(second)
        self._histogram.threshold_changed.connect(lambda _: self._on_change())
        self._aggregate.currentIndexChanged.connect(lambda _: self._on_change())
        self._gate.toggled.connect(lambda _: self._on_change())
        self._least.valueChanged.connect(lambda _: self._on_change())
        self._preset.activated.connect(self._on_preset)

    @property
    def policy(self) -> Policy:
        """The rule under trial."""
        made = Policy(
            name="custom", threshold=self._histogram.threshold, answer_gate=self._gate.isChecked(),
            aggregate=Aggregate(self._aggregate.currentText()), min_reviews=self._least.value(),
        )  # fmt: skip
        known = [one for one in (*PRESETS.values(), self._in_force) if one.id == made.id]
        return known[0] if known else made

    def show_book(self, book: Scorebook, in_force: Policy) -> None:
        """Show a project's scores and the rule in force."""
        self._book, self._in_force = book, in_force
        self.show_policy(in_force)

    def show_policy(self, policy: Policy) -> None:
        """Try ``policy``."""
        self._filling = True
        self._histogram.move_to(policy.threshold)
        self._aggregate.setCurrentText(str(policy.aggregate))
        self._gate.setChecked(policy.answer_gate)
        self._least.setValue(policy.min_reviews)
        self._filling = False
        self._on_change()

    def _on_preset(self, index: int) -> None:
        if index:
            self.show_policy(PRESETS[self._preset.itemText(index)])
        self._preset.setCurrentIndex(0)

    def _on_change(self) -> None:
        if self._filling or self._book is None:
            return
        policy = self.policy
        self._rule.setText(f"> {policy.threshold:g}")
        self._histogram.show_bars(_bars(self._book, policy))
        tally, now = self._book.tally(policy), self._book.tally(self._in_force)
        self._outcome.setText(outcome(now, tally))
        self._outcome.setAccessibleName(self._outcome.text())
        changed = tally.to_accepted or tally.to_rejected
        self._apply.setEnabled(bool(changed) or policy != self._in_force)
        self._reset.setEnabled(policy != self._in_force)
        self.policy_tried.emit(policy)

    def _on_apply(self) -> None:
        self.apply_requested.emit(self.policy)


def outcome(now: Tally, then: Tally) -> str:
    """Return what applying a rule would change, in words."""
    if (then.to_accepted, then.to_rejected) == (0, 0):
        changes = "nothing would change"
    else:
        changes = f"+{then.to_accepted:,} −{then.to_rejected:,}"
    return (
        f"if applied ({changes}): accepted {now.accepted:,} → {then.accepted:,} · questions "
        f"{now.questions_covered:,} → {then.questions_covered:,} · accepted but wrong "
        f"{now.accepted_but_wrong:,} → {then.accepted_but_wrong:,} · about {then.tokens:,} tokens"
        f" · {then.overridden:,} by hand stay"
    )


def _bars(book: Scorebook, policy: Policy) -> list[int]:
    import numpy as np

    scores = book.scores(policy)
    places = np.round((scores[~np.isnan(scores)] - 1) / STEP).astype(int)
    return [int(n) for n in np.bincount(np.clip(places, 0, BINS - 1), minlength=BINS)[:BINS]]
