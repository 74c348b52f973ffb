"""Which parts of the method to leave out, and how long each variant may learn."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QDialog, QSpinBox, QWidget

from studio.ui.parts import button, cancel_button, column, label, roomy, row
from studio.ui.plain_text import one_line
from studio.ui.texts import tr
from studio.ui.theme import GRID

_MOST = 1_000_000


class AblationDialog(QDialog):
    """Names the variants and asks for the budget they share.

    Signals:
        agreed(list, int): train these variants; so many steps each, 0 for as the whole method takes.
    """

    agreed = Signal(object, int)

    def __init__(self, parent: QWidget, variants: Sequence[str]) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("What each part of the method is worth"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._variants = {name: self._box(name) for name in variants}
        self.steps = roomy(QSpinBox())
        self.steps.setRange(0, _MOST)
        self.steps.setSpecialValueText(tr("as the whole method takes"))
        self.steps.setAccessibleName(tr("Steps of each run"))
        self.steps.setToolTip(tr("Every variant takes so many steps (↑ ↓), so none learns longer"))
        self.go = button(tr("Train and compare"), self._on_go, role="main",
                         tip=tr("One run after another; what is made already is not made again (Enter)"))  # fmt: skip
        self.go.setDefault(True)
        layout = column(
            label(tr("Each is a run of its own from the project's student, and sits the held-out exam."),
                  "dim", wrap=True),
            *self._variants.values(), row(label(tr("Steps of each")), self.steps, None),
            row(None, cancel_button(self), self.go),
        )  # fmt: skip
        layout.setContentsMargins(GRID * 3, GRID * 2, GRID * 3, GRID * 2)
        self.setLayout(layout)
        self.setMinimumWidth(GRID * 52)

    def _box(self, name: str) -> QCheckBox:
        box = QCheckBox(one_line(name, most=60))
        box.setChecked(True)
        box.setToolTip(tr("Train this variant (Space)"))
        box.toggled.connect(lambda _: self.go.setEnabled(bool(self.chosen)))
        return box

    @property
    def chosen(self) -> list[str]:
        """The variants to train."""
        return [name for name, box in self._variants.items() if box.isChecked()]

    def _on_go(self) -> None:
        self.agreed.emit(self.chosen, self.steps.value())
        self.accept()
