"""The acceptance rule under the hand: histogram, gates, presets, and what would change."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QInputDialog, QSizePolicy

from studio.domain.policy import PRESETS, Aggregate, Policy
from studio.flow.scorebook import Scorebook
from studio.flow.training_size import TrainingSize
from studio.flow.versions import CUSTOM, Version
from studio.ui.parts import Card, button, choice, choose, column, label, roomy, row
from studio.ui.plain_text import as_tip, one_line
from studio.ui.rules_dialog import TRIAL, RulesDialog
from studio.ui.texts import tr
from studio.ui.theme import GRID
from studio.ui.weights_dialog import WeightsDialog
from studio.ui.what_if import STEP, Trial, bars, try_policy
from studio.ui.widgets.histogram import Histogram
from studio.ui.words import things

_MOST_REVIEWS = 4


class ThresholdPanel(Card):
    """The acceptance rule, and what it would change; nothing is stored before *Apply*.

    Signals:
        tried(Trial): the rule under trial is another, or the scores are.
        apply_requested(Policy): the person wants it to be in force.
        rows_requested(str): show what two rules decide differently, by their keys.
    """

    tried = Signal(object)
    apply_requested = Signal(object)
    rows_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__(role="pane")
        self._book: Scorebook | None = None
        self._size: TrainingSize | None = None
        self._weights: dict[str, float] = {}
        self._in_force = PRESETS["studio"]
        self._version = 0
        self.trial: Trial | None = None
        self._build()

    def _build(self) -> None:
        self._histogram = Histogram()
        self._histogram.threshold_changed.connect(self._on_dragged)
        self._force = label("", "small")
        self._make_controls()
        self._outcome = label(tr("Reading the scores …"))
        self._more = label("", "small")
        for part in (self._outcome, self._more):  # long texts are cut, never a reason to grow
            part.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._apply = button(tr("Apply"), lambda: self.apply_requested.emit(self.policy), role="main",
                             tip=tr("Put this rule in force; decisions by hand stay (undo: Ctrl+Z)"))  # fmt: skip
        self._apply_as = button(tr("Apply as …"), self._on_name,
                                tip=tr("Put this rule in force under a name, as a version of its own"))  # fmt: skip
        self.changing = (self._apply, self._apply_as)  #: what changes the project
        self._reset = button(tr("Reset"), lambda: self._try(self._in_force),
                             tip=tr("Back to the rule in force"))  # fmt: skip
        first = row(label(tr("Accept when the"), "dim"), self._aggregate, label(tr("score is above"), "dim"),
                    self._threshold, None)  # fmt: skip
        second = row(label(tr("with"), "dim"), self._least, self._gate, self._sums, None)
        third = row(self._reviewers, self._known, self._compare, None)
        right = column(first, second, third, None, gap=GRID // 2)
        upper = row(self._histogram, right, gap=GRID * 3)
        upper.setStretch(0, 1)
        self.body.setContentsMargins(GRID * 2, GRID, GRID * 2, GRID)
        self.body.setSpacing(GRID // 2)
        self.body.addLayout(row(label(tr("ACCEPTANCE RULE"), "head"), self._force, None))
        self.body.addLayout(upper)
        said = column(self._outcome, self._more, gap=0)
        lower = row(said, self._reset, self._apply_as, self._apply)
        lower.setStretch(0, 1)
        self.body.addLayout(lower)
        self._enable(False)

    def _make_controls(self) -> None:
        self._aggregate = choice([(str(one), one) for one in Aggregate], name=tr("Aggregate"),
                                 tip=tr("How the valid scores of a rationale become one number"))  # fmt: skip
        self._threshold = roomy(QDoubleSpinBox())
        self._threshold.setRange(0, 5)
        self._threshold.setSingleStep(STEP)
        self._threshold.setValue(self._in_force.threshold)
        self._threshold.setKeyboardTracking(False)
        self._threshold.setFixedWidth(GRID * 9)
        self._threshold.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._threshold.setAccessibleName(tr("Threshold"))
        self._threshold.setToolTip(tr("Scores must be above this; equal is not enough"))
        counts = [(tr("at least {reviews}", reviews=things(n, "valid review")), n)
                  for n in range(1, _MOST_REVIEWS + 1)]  # fmt: skip
        self._least = choice([(tr("all expected reviews"), 0), *counts], name=tr("Reviews needed"),
                             tip=tr("How many valid scores a rationale needs before it can be accepted"))  # fmt: skip
        self._gate = QCheckBox(tr("and a right answer"))
        self._gate.setAccessibleName(tr("Answer gate"))
        self._gate.setToolTip(tr("Accept only rationales whose own answer equals gold"))
        self._sums = QCheckBox(tr("and right sums"))
        self._sums.setAccessibleName(tr("Arithmetic gate"))
        self._reviewers = button(tr("Reviewers …"), self._on_reviewers,
                                 tip=tr("Leave reviewers out, or let some count more than others"))  # fmt: skip
        self._known = choice([(tr("Known rules"), "")], name=tr("Known rules"), tip=tr("Try an earlier version or a preset. paper: "
                             "mean above 3; studio: besides, a right answer and all reviews"))  # fmt: skip
        self._known.setMinimumWidth(GRID * 18)
        self._known.activated.connect(lambda _: self._on_known())
        self._compare = button(tr("Compare …"), self._on_compare,
                               tip=tr("See what sets two versions of the rule apart"))  # fmt: skip
        for box in (self._aggregate, self._least):
            box.activated.connect(lambda _: self._on_changed())
        self._threshold.valueChanged.connect(lambda _: self._on_changed())
        for gate in (self._gate, self._sums):
            gate.clicked.connect(lambda _: self._on_changed())

    @property
    def policy(self) -> Policy:
        """The rule under trial; one that is known has its name."""
        made = Policy(
            name=CUSTOM, threshold=self._threshold.value(), answer_gate=self._gate.isChecked(),
            aggregate=self._aggregate.currentData(), min_reviews=self._least.currentData(),
            weights=self._weights, arithmetic_gate=self._sums.isChecked(),
        )  # fmt: skip
        versions = self._book.rules.values() if self._book else ()
        rules = (self._in_force, *PRESETS.values(), *(one.policy for one in versions))
        return next((one for one in rules if one.id == made.id), made)

    @property
    def outcome(self) -> str:
        """What the panel says would change, and what that would mean."""
        return f"{self._outcome.text()} · {self._more.text()}"

    def show_book(self, book: Scorebook, version: int, in_force: Policy) -> None:
        """Show a project's scores and its rule; a rule under trial stays under trial."""
        was_trying = self._book is not None and self.policy != self._in_force
        self._size = self._size if book is self._book else None
        self._book, self._version, self._in_force = book, version, in_force
        name = "" if in_force.name == CUSTOM else f" “{one_line(in_force.name, most=40)}”"
        self._force.setText(tr("in force: version {version}{name}, {value}", version=version, name=name, value=in_force.describe())
                            if version else tr("none applied yet"))  # fmt: skip
        self._known.clear()
        self._known.addItem(tr("Known rules"), "")
        for key, known in book.rules.items():
            self._known.addItem(one_line(known.title, most=40), key)
        self._enable(len(book) > 0)
        self._enable_sums(book)
        self._try(self.policy if was_trying else in_force)

    def show_size(self, read: tuple[Scorebook, TrainingSize]) -> None:
        """Count training steps too, from now on, if this is still the book."""
        book, size = read
        if book is self._book:
            self._size = size
            self._on_changed()

    def _enable(self, possible: bool) -> None:
        for part in (self._histogram, self._aggregate, self._threshold, self._least, self._gate,
                     self._sums, self._reviewers, self._known, self._compare, self._apply, self._apply_as,
                     self._reset):  # fmt: skip
            part.setEnabled(possible)

    def _enable_sums(self, book: Scorebook) -> None:
        """Offer the gate where it can be tried; what is in force stays as it is."""
        is_known = not book.unchecked
        self._sums.setEnabled(len(book) > 0 and (is_known or self._in_force.arithmetic_gate))
        self._sums.setToolTip(
            tr("Accept only rationales in which every sum that can be read adds up") if is_known else
            tr("The sums of {n:,} rationales are not checked yet: run what is missing", n=book.unchecked)
        )  # fmt: skip

    def _try(self, policy: Policy) -> None:
        """Put the controls to ``policy`` and count what it would do."""
        choose(self._aggregate, policy.aggregate)
        if self._least.findData(policy.min_reviews) < 0:
            self._least.addItem(
                tr("at least {reviews}", reviews=things(policy.min_reviews, "valid review")),
                policy.min_reviews,
            )
        choose(self._least, policy.min_reviews)
        self._gate.setChecked(policy.answer_gate)
        self._sums.setChecked(policy.arithmetic_gate)
        self._weights = dict(policy.weights)
        if policy.threshold != self._threshold.value():  # else what is being typed would be lost
            self._threshold.blockSignals(True)
            self._threshold.setValue(policy.threshold)
            self._threshold.blockSignals(False)
        self._on_changed()

    def _on_known(self) -> None:
        if (key := self._known.currentData()) and self._book is not None:
            self._try(self._book.rules[key].policy)
        choose(self._known, "")

    def _on_reviewers(self) -> None:
        if self._book is not None:
            dialog = WeightsDialog(self, sorted(self._book.reviewers), self._weights)
            dialog.changed.connect(self._on_weights)
            dialog.open()

    def _on_weights(self, weights: dict[str, float]) -> None:
        self._weights = Policy(weights=weights).weights
        self._on_changed()

    def _on_compare(self) -> None:
        if self._book is None:
            return
        known = {one.policy.id for one in self._book.rules.values()}
        trial = Version(TRIAL, self.policy.model_copy(update={"name": tr("rule under trial")}))
        dialog = RulesDialog(self, self._book, None if self.policy.id in known else trial)
        dialog.rows_requested.connect(self.rows_requested)
        dialog.chosen.connect(self._try)
        dialog.open()

    def _on_name(self) -> None:
        asked = QInputDialog(self)
        asked.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        asked.setWindowTitle(tr("Apply as"))
        asked.setLabelText(tr("Name of this version of the rule"))
        asked.textValueSelected.connect(self._on_named)
        asked.open()

    def _on_named(self, name: str) -> None:
        if name.strip():
            named = self.policy.model_copy(update={"name": name.strip()[:60]})
            self.apply_requested.emit(named)

    def _on_dragged(self, threshold: float) -> None:
        self._threshold.setValue(threshold)

    def _on_changed(self) -> None:
        policy, book = self.policy, self._book
        self._histogram.move_to(policy.threshold)
        if book is None:
            return
        if not len(book):
            self._outcome.setText(tr("No rationales yet: there is nothing to decide."))
            return
        shown, unscored = bars(book, policy)
        self._histogram.show_bars(shown, unscored=unscored)
        self.trial = try_policy(book, policy, self._size)
        same = policy.id == self._in_force.id and self._version > 0
        settled = same and not self.trial.changes
        self._outcome.setText(
            f"{tr('In force') if settled else tr('If applied')}: {self.trial.in_words}"
        )
        self._more.setText(self.trial.more_words)
        for part in (self._outcome, self._more):
            part.setToolTip(as_tip(part.text().replace(" · ", "\n")))
        self._reviewers.setText(self._weights_in_words())
        self._apply.setEnabled(not settled)
        self._reset.setEnabled(policy != self._in_force)
        self.tried.emit(self.trial)

    def _weights_in_words(self) -> str:
        out = sum(not weight for weight in self._weights.values())
        weighed = len(self._weights) - out
        said = [tr("{n:,} left out", n=out)] * bool(out) + [tr("{n:,} weighed", n=weighed)] * bool(
            weighed
        )
        return tr("Reviewers: {said} …", said=", ".join(said)) if said else tr("Reviewers …")
