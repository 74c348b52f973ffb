"""All that happened to one question: what was bought for it, and what people and rules did."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QWidget

from studio.flow.cost import calls_for, total_of
from studio.flow.undo import actions_about
from studio.store.tables import Store
from studio.ui.parts import button, column, label, row
from studio.ui.sheet import Sheet
from studio.ui.stage_words import stage_name
from studio.ui.texts import tr
from studio.ui.theme import GRID
from studio.ui.words import cost, things


class Event(NamedTuple):
    """One line of a history."""

    at: float
    who: str
    what: str
    why: str

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """The line as it is shown."""
        return (
            f"{datetime.fromtimestamp(self.at):%Y-%m-%d %H:%M:%S}",
            self.who,
            self.what,
            self.why,
        )


def read_history(store: Store, question_id: str) -> list[Event]:
    """Return what happened to a question, oldest first."""
    events = [
        Event(
            action.at, action.who, action.words + (" (undone)" if action.undone else ""), action.why
        )
        for action in actions_about(store, question_id)
    ]
    for call in calls_for(store, question_id):
        tokens = "" if call.tokens_out is None else (
            f"{call.tokens_in:,} + {call.tokens_out:,} tokens, {cost(call.cost_usd)}"
        )  # fmt: skip
        became = call.outcome or call.state
        events.append(
            Event(call.sent_at, call.teacher, f"{stage_name(call.stage)}: {became}", tokens)
        )
    return sorted(events)


def spent_in_words(store: Store, question_id: str) -> str:
    """Return what all calls for a question took; empty where there was none."""
    calls = calls_for(store, question_id)
    if not calls:
        return ""
    whole = total_of(calls)
    said = [things(whole.calls, "call")]
    if whole.failed:
        said.append(tr("{n:,} failed", n=whole.failed))
    if whole.unknown:
        said.append(tr("{n:,} without a known end", n=whole.unknown))
    said.append(tr("{read:,} tokens in, {written:,} out", read=whole.tokens_in or 0,
                   written=whole.tokens_out or 0))  # fmt: skip
    price = cost(whole.cost_usd)
    if whole.cost_usd is not None and whole.unpriced:
        price = tr("{cost_usd} + {unpriced:,} unknown", cost_usd=price, unpriced=whole.unpriced)
    return tr("What this question took: {said}.", said=" · ".join([*said, price]))


class HistoryList(QDialog):
    """Who did what to this question, when and why."""

    def __init__(self, parent: QWidget, events: list[Event], spent: str = "") -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("History"))
        self.resize(GRID * 120, GRID * 64)
        sheet = Sheet((tr("When"), tr("Who"), tr("What"), tr("Why, or what it took")), name=tr("History"),
                      widths=(160, 136, 320, 320), stretch=3,
                      empty=tr("Nothing was decided or asked here; imported records carry no times"))  # fmt: skip
        sheet.show_rows([event.cells for event in events])
        close = button(tr("Close"), self.accept, tip=tr("Close this list (Escape)"))
        why = label(tr("Calls to teachers, decisions by rule and by hand, edits, notes. Nothing here can be"
                       " changed; Ctrl+Z takes the newest change back."), "dim", wrap=True)  # fmt: skip
        self.spent = label(spent, "name", wrap=True)
        self.spent.setVisible(bool(spent))
        layout = column(why, self.spent, sheet, row(None, close), gap=GRID * 2)
        layout.setContentsMargins(GRID * 3, GRID * 2, GRID * 3, GRID * 2)
        layout.setStretch(2, 1)
        self.setLayout(layout)
