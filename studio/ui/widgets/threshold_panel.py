"""The acceptance rule under the hand: histogram, gates, presets, and what would change."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox

from studio.domain.policy import PRESETS, Aggregate, Policy
from studio.flow.scorebook import Scorebook
from studio.ui.parts import Card, button, choice, choose, column, label, row
from studio.ui.theme import GRID
from studio.ui.what_if import STEP, Trial, bars, try_policy
from studio.ui.widgets.histogram import Histogram

_MOST_REVIEWS = 4


class ThresholdPanel(Card):
    """The acceptance rule, and what it would change; nothing is stored before *Apply*.

    Signals:
        tried(Trial): the rule under trial is another, or the scores are.
        apply_requested(Policy): the person wants it to be in force.
    """

    tried = Signal(object)
    apply_requested = Signal(object)

    def __init__(self) -> None:
        super().__init__(role="pane")
        self._book: Scorebook | None = None
        self._in_force = PRESETS["studio"]
        self._version = 0
        self.trial: Trial | None = None
        self._build()

    def _build(self) -> None:
        self._histogram = Histogram()
        self._histogram.threshold_changed.connect(self._on_dragged)
        self._force = label("", "small")
        self._make_controls()
        self._outcome = label("Reading the scores …", "dim")
        self._apply = button("Apply", lambda: self.apply_requested.emit(self.policy), role="main",
                             tip="Put this rule in force; decisions by hand stay (undo: Ctrl+Z)")  # fmt: skip
        self._reset = button("Reset", lambda: self._try(self._in_force),
                             tip="Back to the rule in force")  # fmt: skip
        first = row(label("Accept when the", "dim"), self._aggregate, label("score is above", "dim"),
                    self._threshold, None, self._preset)  # fmt: skip
        second = row(label("with", "dim"), self._least, self._gate, None)
        right = column(first, second, None)
        upper = row(self._histogram, right, gap=GRID * 3)
        upper.setStretch(0, 1)
        self.body.setContentsMargins(GRID * 2, GRID, GRID * 2, GRID)
        self.body.addLayout(row(label("ACCEPTANCE RULE", "head"), self._force, None))
        self.body.addLayout(upper)
        self.body.addLayout(row(self._outcome, None, self._reset, self._apply))
        self._enable(False)

    def _make_controls(self) -> None:
        self._aggregate = choice([(str(one), one) for one in Aggregate], name="Aggregate",
                                 tip="How the valid scores of a rationale become one number")  # fmt: skip
        self._threshold = QDoubleSpinBox()
        self._threshold.setRange(0, 5)
        self._threshold.setSingleStep(STEP)
        self._threshold.setKeyboardTracking(False)
        self._threshold.setFixedWidth(GRID * 9)
        self._threshold.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._threshold.setAccessibleName("Threshold")
        self._threshold.setToolTip("Scores must be above this; equal is not enough")
        counts = [(f"at least {n} valid review{'s' if n > 1 else ''}", n)
                  for n in range(1, _MOST_REVIEWS + 1)]  # fmt: skip
        self._least = choice([("all expected reviews", 0), *counts], name="Reviews needed",
                             tip="How many valid scores a rationale needs before it can be accepted")  # fmt: skip
        self._gate = QCheckBox("and a right answer")
        self._gate.setAccessibleName("Answer gate")
        self._gate.setToolTip("Accept only rationales whose own answer equals gold")
        self._preset = choice([("Preset …", ""), *((name, name) for name in PRESETS)], name="Preset",
                              tip="paper: mean above 3; studio: besides, a right answer and all "
                                  "reviews")  # fmt: skip
        self._preset.activated.connect(lambda _: self._on_preset())
        for box in (self._aggregate, self._least):
            box.activated.connect(lambda _: self._on_changed())
        self._threshold.valueChanged.connect(lambda _: self._on_changed())
        self._gate.clicked.connect(lambda _: self._on_changed())

    @property
    def policy(self) -> Policy:
        """The rule under trial."""
        made = Policy(
            name="custom", threshold=self._threshold.value(), answer_gate=self._gate.isChecked(),
            aggregate=self._aggregate.currentData(), min_reviews=self._least.currentData(),
        )  # fmt: skip
        known = [one for one in (self._in_force, *PRESETS.values()) if one.id == made.id]
        return known[0] if known else made

    @property
    def outcome(self) -> str:
        """What the panel says would change."""
        return self._outcome.text()

    def show_book(self, book: Scorebook, version: int, in_force: Policy) -> None:
        """Show a project's scores and its rule; a rule under trial stays under trial."""
        was_trying = self._book is not None and self.policy != self._in_force
        self._book, self._version, self._in_force = book, version, in_force
        self._force.setText(f"in force: version {version}, {in_force.describe()}"
                            if version else "none applied yet")  # fmt: skip
        self._enable(len(book) > 0)
        self._try(self.policy if was_trying else in_force)

    def _enable(self, possible: bool) -> None:
        for part in (self._histogram, self._aggregate, self._threshold, self._least, self._gate,
                     self._preset, self._apply, self._reset):  # fmt: skip
            part.setEnabled(possible)

    def _try(self, policy: Policy) -> None:
        """Put the controls to ``policy`` and count what it would do."""
        choose(self._aggregate, policy.aggregate)
        if self._least.findData(policy.min_reviews) < 0:
            self._least.addItem(f"at least {policy.min_reviews} valid reviews", policy.min_reviews)
        choose(self._least, policy.min_reviews)
        self._gate.setChecked(policy.answer_gate)
        self._threshold.blockSignals(True)
        self._threshold.setValue(policy.threshold)
        self._threshold.blockSignals(False)
        self._on_changed()

    def _on_preset(self) -> None:
        if name := self._preset.currentData():
            self._try(PRESETS[name])
        choose(self._preset, "")

    def _on_dragged(self, threshold: float) -> None:
        self._threshold.setValue(threshold)

    def _on_changed(self) -> None:
        policy, book = self.policy, self._book
        self._histogram.move_to(policy.threshold)
        if book is None:
            return
        if not len(book):
            self._outcome.setText("No rationales yet: there is nothing to decide.")
            return
        shown, unscored = bars(book, policy)
        self._histogram.show_bars(shown, unscored=unscored)
        self.trial = try_policy(book, policy)
        same = policy.id == self._in_force.id and self._version > 0
        if same and not self.trial.changes:
            self._outcome.setText(f"In force: {self.trial.in_words}")
        else:
            self._outcome.setText(f"If applied: {self.trial.in_words}")
        self._outcome.setToolTip(self._outcome.text())
        self._apply.setEnabled(not same or self.trial.changes > 0)
        self._reset.setEnabled(policy != self._in_force)
        self.tried.emit(self.trial)
