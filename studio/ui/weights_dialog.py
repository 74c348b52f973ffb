"""Who counts how much: reviewers left out or weighed, tried while the numbers are turned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QDoubleSpinBox, QGridLayout, QWidget

from studio.domain.policy import HEAVIEST
from studio.ui.parts import button, close_button, label, roomy, row
from studio.ui.plain_text import one_line
from studio.ui.texts import tr
from studio.ui.theme import GRID

_STEP = 0.5


class WeightsDialog(QDialog):
    """One number a reviewer; the rule under trial follows at once, and nothing is stored.

    Signals:
        changed(dict): reviewer -> weight; 0 leaves it out.
    """

    changed = Signal(object)

    def __init__(
        self, parent: QWidget, reviewers: Sequence[str], weights: Mapping[str, float]
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("How much each reviewer counts"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._fields: dict[str, QDoubleSpinBox] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(GRID * 3, GRID * 2, GRID * 3, GRID * 2)
        grid.setSpacing(GRID)
        grid.addWidget(label(tr("1 is the usual. 0 leaves a reviewer out: its reviews are neither "
                             "counted nor expected."), "dim", wrap=True), 0, 0, 1, 2)  # fmt: skip
        for n, name in enumerate(reviewers, start=1):
            grid.addWidget(label(one_line(name, most=40)), n, 0)
            grid.addWidget(self._field(name, weights.get(name, 1.0)), n, 1)
        all_once = button(
            tr("All count once"), self._reset, tip=tr("Give every reviewer the weight 1")
        )
        grid.addLayout(row(all_once, None, close_button(self)), len(reviewers) + 1, 0, 1, 2)
        self.setMinimumWidth(GRID * 48)

    def _field(self, name: str, weight: float) -> QDoubleSpinBox:
        field = roomy(QDoubleSpinBox())
        field.setRange(0, HEAVIEST)
        field.setSingleStep(_STEP)
        field.setSpecialValueText(tr("left out"))
        field.setPrefix("× ")
        field.setValue(weight)
        field.setAccessibleName(tr("Weight of {name}", name=name))
        field.setToolTip(tr("How often its score counts (↑ ↓); 0 leaves it out"))
        field.valueChanged.connect(lambda _: self._tell())
        self._fields[name] = field
        return field

    def _reset(self) -> None:
        for field in self._fields.values():
            field.setValue(1.0)

    def _tell(self) -> None:
        self.changed.emit({name: field.value() for name, field in self._fields.items()})
