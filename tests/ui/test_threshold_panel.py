"""The acceptance rule under the hand: reviewers weighed, versions named and compared."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QInputDialog, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from studio.domain.records import Rationale
from studio.flow.checks import check_missing
from studio.flow.decisions import override
from studio.flow.scorebook import Scorebook
from studio.flow.versions import compare, find, versions
from studio.store.tables import Store
from studio.ui.pages.desk import DeskPage
from studio.ui.rules_dialog import RulesDialog
from studio.ui.weights_dialog import WeightsDialog
from studio.ui.widgets.threshold_panel import ThresholdPanel
from tests.ui.conftest import Open, desk_of


def button_of(parent: DeskPage | ThresholdPanel | RulesDialog, text: str) -> QPushButton:
    """Return the button that begins so."""
    return next(b for b in parent.findChildren(QPushButton) if b.text().startswith(text))


def weigh(panel: ThresholdPanel, reviewer: str, weight: float) -> None:
    """Open the dialog of the weights and set one."""
    button_of(panel, "Reviewers").click()
    dialog = panel.findChildren(WeightsDialog)[-1]
    field = next(
        f for f in dialog.findChildren(QDoubleSpinBox) if f.accessibleName().endswith(reviewer)
    )
    field.setValue(weight)
    dialog.reject()


def test_the_counts_follow_while_a_reviewers_weight_is_turned(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    desk = desk_of(open_window(project), qtbot)
    panel, book = desk.panel, desk._book
    assert book is not None
    weigh(panel, "gemini", 0)
    assert panel.policy.left_out == {"gemini"}
    assert panel.trial is not None
    assert panel.trial.then == book.tally(panel.policy)
    assert button_of(panel, "Reviewers").text() == "Reviewers: 1 left out …"
    assert panel.outcome.startswith("If applied")
    weigh(panel, "gemini", 1)
    assert panel.policy == book.policy
    qtbot.waitUntil(lambda: "training steps" in panel.outcome)
    assert " · gemini 3 · gpt 3 · mistral 1 · about" in panel.outcome


def test_a_rule_applied_under_a_name_is_a_version_that_can_be_compared(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    desk = desk_of(open_window(project), qtbot)
    weigh(desk.panel, "mistral", 0)
    button_of(desk.panel, "Apply as").click()
    asked = desk.panel.findChildren(QInputDialog)[-1]
    asked.setTextValue("without mistral")
    asked.accept()
    qtbot.waitUntil(lambda: bool(desk._book and desk._book.policy.name == "without mistral"))
    store = Store(project, read_only=True)
    assert [one.title for one in versions(store)] == ["v2 without mistral", "v1 paper"]
    found = compare(Scorebook(store), find(store, "1"), find(store, "2"))
    store.close()
    button_of(desk.panel, "Compare").click()
    dialog = desk.panel.findChildren(RulesDialog)[-1]
    dialog._before.setCurrentIndex(dialog._before.findData("1"))
    dialog._before.activated.emit(0)
    assert f"accepts {found.to_accepted:,} more and rejects {found.to_rejected:,}" in (
        dialog._told.text()
    )
    assert found.to_accepted + found.to_rejected > 0
    button_of(dialog, "Show these rows").click()
    assert desk.filters.filter.differ == "1/2"
    qtbot.waitUntil(lambda: desk.reading.is_idle)
    assert desk._book is not None
    assert len(desk._found.rationale_ids(desk._book)) == found.to_accepted + found.to_rejected
    assert "rules v1 and v2 differ" in " ".join(
        chip.text() for chip in desk.filters.findChildren(QPushButton)
    )


def test_overrides_that_the_rule_agrees_with_are_said_so(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    store = Store(project)
    ids = list(Scorebook(store).ids)
    override(store, ids[:3], "accept", who="ada")  # the paper's rule accepts two of them
    store.close()
    desk = desk_of(open_window(project), qtbot)
    assert "3 by hand stay, 2 agree" in desk.panel.outcome
    told: list[str] = []
    desk.told.connect(lambda text, _: told.append(text))
    desk.panel._threshold.setValue(1.0)
    desk.panel._apply.click()
    qtbot.waitUntil(lambda: any("by hand stay" in text for text in told))
    assert "3 by hand stay, 3 of them agree" in told[-1]
    qtbot.waitUntil(lambda: bool(desk._book and desk._book.policy.threshold == 1))
    desk.show_this("agreeing")
    qtbot.waitUntil(lambda: desk.reading.is_idle)
    assert desk._book is not None
    assert desk._found.rationale_ids(desk._book) == ids[:3]


def sums_of(panel: ThresholdPanel) -> QCheckBox:
    """Return the box of the arithmetic gate."""
    boxes = panel.findChildren(QCheckBox)
    return next(box for box in boxes if box.accessibleName() == "Arithmetic gate")


def test_sums_are_no_gate_before_they_are_checked(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    """A trial of it would reject everything; the box says what to do."""
    sums = sums_of(desk_of(open_window(project), qtbot).panel)
    assert not sums.isEnabled()
    assert "run what is missing" in sums.toolTip()


def test_sums_are_a_gate_once_they_are_checked_and_the_card_says_what_is_odd(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    store = Store(project)
    first = next(store.all(Rationale, "teacher = 'gpt'"))
    wrong = first.changed(text="The sum is 1 + 1 = 3, as the hint says.", revision=1)
    store.add([wrong])
    assert check_missing(store) == 4
    store.close()
    desk = desk_of(open_window(project), qtbot)
    panel, book = desk.panel, desk._book
    assert book is not None
    sums = sums_of(panel)
    assert sums.isEnabled()
    sums.click()
    assert panel.policy.arithmetic_gate
    assert panel.trial is not None
    assert panel.trial.then == book.tally(book.policy.model_copy(update={
        "name": "custom", "arithmetic_gate": True,
    }))  # fmt: skip
    said = [one.text() for one in desk.findChildren(QLabel)]
    assert any("cites the answer" in text for text in said)
