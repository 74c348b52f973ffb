"""Two versions of the rule side by side: the settings and the rows that set them apart."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QDialog, QWidget

from studio.flow.scorebook import Scorebook
from studio.flow.versions import Version, compare
from studio.ui.parts import button, choice, choose, close_button, column, label, row
from studio.ui.sheet import Sheet
from studio.ui.texts import tr
from studio.ui.theme import GRID
from studio.ui.words import things

TRIAL = "trial"  #: the key of the rule under trial


class RulesDialog(QDialog):
    """Compares two versions on the reviews of today.

    Signals:
        rows_requested(str): show on the desk what the two decide differently, by their keys.
        chosen(object): put the panel to this Policy.
    """

    rows_requested = Signal(str)
    chosen = Signal(object)

    def __init__(self, parent: QWidget, book: Scorebook, trial: Version | None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Compare two rules"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumSize(GRID * 80, GRID * 48)
        self._book = book
        self._known = {**({} if trial is None else {TRIAL: trial}), **book.rules}
        self._before, self._after = self._box(tr("First rule")), self._box(tr("Second rule"))
        keys = list(self._known)
        choose(self._after, keys[0])
        choose(self._before, keys[1])
        self._told = label("", wrap=True)
        self._words = label("", "dim", wrap=True)
        self._settings = Sheet((tr("Setting"), tr("First rule"), tr("Second rule")), name=tr("Settings that differ"),
                               empty=tr("The same settings"), widths=(176, 200), stretch=2)  # fmt: skip
        self._rows = button(tr("Show these rows on the desk"), self._on_rows,
                            tip=tr("Filter the desk to what the two decide differently"))  # fmt: skip
        use = button(tr("Try the second rule"), self._on_use,
                     tip=tr("Put the panel to the second rule; nothing is stored before Apply"))  # fmt: skip
        layout = column(
            row(self._before, label(tr("against"), "dim"), self._after, None), self._words,
            self._settings, self._told, row(self._rows, use, None, close_button(self)), gap=GRID * 3 // 2,
        )  # fmt: skip
        layout.setContentsMargins(GRID * 3, GRID * 2, GRID * 3, GRID * 2)
        self.setLayout(layout)
        self._show()

    def _box(self, name: str) -> QComboBox:
        entries = [(one.title, key) for key, one in self._known.items()]
        made = choice(entries, name=name, tip=tr("Versions newest first, then the presets"))
        made.setMinimumWidth(GRID * 28)
        made.activated.connect(lambda _: self._show())
        return made

    def _ends(self) -> tuple[Version, Version]:
        return self._known[self._before.currentData()], self._known[self._after.currentData()]

    def _show(self) -> None:
        found = compare(self._book, *self._ends())
        self._settings.show_rows([tuple(one) for one in found.settings])
        self._words.setText(f"{found.before.title}: {found.before.policy.describe()}\n"
                            f"{found.after.title}: {found.after.policy.describe()}")  # fmt: skip
        differ = found.to_accepted + found.to_rejected
        by_hand = (
            tr("; {by_hand:,} of these were decided by hand and stay", by_hand=found.by_hand)
            if differ
            else ""
        )
        self._told.setText(
            tr(
                "Of {things} the second rule accepts {to_accepted:,} more and "
                "rejects {to_rejected:,} more than the first{by_hand}.",
                things=things(len(self._book), "rationale"),
                to_accepted=found.to_accepted,
                to_rejected=found.to_rejected,
                by_hand=by_hand,
            )
        )
        keys = (self._before.currentData(), self._after.currentData())
        self._rows.setEnabled(differ > 0 and TRIAL not in keys)

    def _on_rows(self) -> None:
        self.rows_requested.emit(f"{self._before.currentData()}/{self._after.currentData()}")
        self.accept()

    def _on_use(self) -> None:
        self.chosen.emit(self._ends()[1].policy)
        self.accept()
