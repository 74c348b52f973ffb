"""Before work that costs something: what it takes, at most how much it may cost, and yes or no."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QDoubleSpinBox, QWidget

from studio.flow.cost import Estimate, sum_of
from studio.ui.parts import button, cancel_button, column, label, roomy, row
from studio.ui.sheet import Sheet
from studio.ui.stage_words import stage_name
from studio.ui.standing import price_of, tokens_of
from studio.ui.texts import tr
from studio.ui.theme import GRID
from studio.ui.words import NOTHING, cost, things

_MOST_USD = 1_000_000.0
_WIDTH = GRID * 92


class RunDialog(QDialog):
    """Says what a run would do, stage by stage, and asks for a budget.

    Signals:
        agreed(object): run it; with so many USD at most, or None for no limit.
    """

    agreed = Signal(object)

    def __init__(
        self, parent: QWidget, estimates: list[Estimate], *, title: str = "", about: str = ""
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title or tr("Run what is missing"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(_WIDTH)
        wanted = [one for one in estimates if one.records]
        sheet = Sheet(
            (tr("Stage"), tr("Records"), tr("Calls"), tr("Tokens"), tr("USD"), tr("From")),
            name=tr("What the run would take"), numbers=range(1, 5), stretch=0,
            widths=(176, 88, 88, 112, 112, 112), empty=tr("Nothing is missing"),
        )  # fmt: skip
        sheet.show_rows([
            (stage_name(one.stage), one.records, one.calls, _tokens(one), _price(one), _basis(one))
            for one in wanted
        ])  # fmt: skip
        sheet.setFixedHeight(GRID * 4 * (max(1, len(wanted)) + 1) + GRID)
        self.budget = roomy(QDoubleSpinBox())
        self.budget.setRange(0, _MOST_USD)
        self.budget.setDecimals(2)
        self.budget.setPrefix("$ ")
        self.budget.setSpecialValueText(tr("no limit"))
        self.budget.setMinimumWidth(GRID * 16)
        self.budget.setAccessibleName(tr("Budget in USD"))
        self.budget.setToolTip(tr("Stop buying when so much more is spent; 0 is no limit"))
        calls = sum(one.calls for one in wanted)
        text = tr("Run ({calls})", calls=things(calls, "call")) if calls else tr("Run")
        self.run = button(text, self._on_run,
                          role="main", tip=tr("Start these stages; they can be stopped (Enter)"))  # fmt: skip
        self.run.setDefault(True)
        layout = column(
            *([label(about, "dim", wrap=True)] if about else []), sheet, label(_in_all(wanted), wrap=True),
            row(label(tr("Spend at most")), self.budget, None),
            label(_caveat(wanted), "small", wrap=True), row(None, cancel_button(self), self.run),
            gap=GRID * 3 // 2,
        )  # fmt: skip
        layout.setContentsMargins(GRID * 3, GRID * 2, GRID * 3, GRID * 2)
        self.setLayout(layout)
        self.resize(_WIDTH, layout.heightForWidth(_WIDTH))  # else wrapped lines lie upon the table
        self.run.setFocus()  # so that Enter runs it, and does not go to the table

    def _on_run(self) -> None:
        self.agreed.emit(self.budget.value() or None)
        self.accept()


def _tokens(one: Estimate) -> str:
    return f"{one.tokens:,}" if one.calls else NOTHING


def _price(one: Estimate) -> str:
    if not one.calls:
        return NOTHING
    return tr("unknown") if one.cost_usd is None else cost(one.cost_usd)


def _basis(one: Estimate) -> str:
    said = {"averages": tr("calls so far"), "lengths": tr("at most")}
    return said.get(one.basis, NOTHING)


def _in_all(wanted: list[Estimate]) -> str:
    """Return the sum in words, and what it comes from."""
    whole = sum_of(wanted)
    if not whole.calls:
        return tr("No call is needed: this costs nothing.")
    source = (
        tr("from the prompts as they would be sent, a token to 3 bytes, and replies as long as each"
           " teacher may write")
        if whole.basis == "lengths"
        else tr("from what calls took so far")
    )  # fmt: skip
    return tr("In all {calls}, {tokens}, {price}: {source}.", calls=things(whole.calls, "call"),
              tokens=tokens_of(whole), price=price_of(whole), source=source)  # fmt: skip


def _caveat(wanted: list[Estimate]) -> str:
    older = sum(one.older for one in wanted)
    said = tr("{n} made with other versions of their prompts stay as they are and are not asked for "
              "again.", n=things(older, "record")) + " " if older else ""  # fmt: skip
    said += tr("New attempts and rationales may bring further work, which is counted here as far as "
              "it can be known.")  # fmt: skip
    if any(one.if_needed for one in wanted):
        said += " " + tr("Revisions and further samples are the most there can be: decisions say how "
                         "many are needed.")  # fmt: skip
    if any(one.unpriced for one in wanted):
        said += " " + tr("Calls without a known price are not counted by the budget: set prices on "
                         "the Committee page.")  # fmt: skip
    return said
