"""Asks which share of the train questions is to be held out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QDoubleSpinBox, QFormLayout, QSpinBox, QWidget

from studio.flow.splits import SEED
from studio.ui.commands import copy_button
from studio.ui.parts import button, choice, column, label, roomy, row
from studio.ui.texts import tr
from studio.ui.theme import GRID
from studio.ui.words import things

_USUAL = 20.0


class HoldOutForm(QDialog):
    """Share, dataset and seed, and how many questions that is.

    Args:
        train: train questions by dataset.

    Signals:
        agreed(float, str, int): share, dataset (empty for all) and seed.
        told(str): a line for the bottom of the window.
    """

    agreed = Signal(float, str, int)
    told = Signal(str)

    def __init__(self, parent: QWidget, train: Sequence[tuple[str, int]], *, project: Path) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Hold questions out"))
        self._train, self._project = dict(train), project
        self._share = roomy(QDoubleSpinBox())
        self._share.setRange(1, 90)
        self._share.setDecimals(0)
        self._share.setSuffix(" %")
        self._share.setValue(_USUAL)
        self._share.setAccessibleName(tr("Share"))
        self._share.setToolTip(
            tr("How much of the train questions the student is measured on instead")
        )
        self._dataset = choice([(tr("all"), ""), *((name, name) for name in self._train)],
                               name=tr("Dataset"), tip=tr("Of this dataset only, or evenly of all"))  # fmt: skip
        self._seed = roomy(QSpinBox())
        self._seed.setRange(0, 999_999)
        self._seed.setValue(SEED)
        self._seed.setAccessibleName(tr("Seed"))
        self._seed.setToolTip(tr("Another seed, another draw; the same seed, the same draw"))
        self._sum = label("", "dim", wrap=True)
        form = QFormLayout()
        form.setSpacing(GRID)
        for title, field in (
            ("Share", self._share),
            ("Of dataset", self._dataset),
            ("Seed", self._seed),
        ):
            form.addRow(title, field)
        go = button(
            tr("Hold out"),
            self._on_go,
            role="main",
            tip=tr("Move them; Ctrl+Z takes it back (Enter)"),
        )
        go.setDefault(True)
        layout = column(
            label(tr("They are drawn evenly over datasets and kinds. Near duplicates stay together, and"
                  " nothing is held out that a run was trained on."), "dim", wrap=True),
            form, self._sum,
            row(copy_button(self._words, self.told.emit), None,
                button(tr("Cancel"), self.reject, tip=tr("Move nothing (Esc)")), go),
            gap=GRID * 2,
        )  # fmt: skip
        layout.setContentsMargins(GRID * 3, GRID * 2, GRID * 3, GRID * 2)
        self.setLayout(layout)
        self.setMinimumWidth(GRID * 60)
        self._share.valueChanged.connect(lambda _: self._count())
        self._dataset.currentIndexChanged.connect(lambda _: self._count())
        self._count()

    def _count(self) -> None:
        name = self._dataset.currentData()
        n = sum(self._train.values()) if not name else self._train[name]
        moved = round(n * self._share.value() / 100)
        self._sum.setText(tr("About {moved:,} of {n}.", moved=moved, n=things(n, "train question")))

    def _words(self) -> list[str]:
        words = ["split", str(self._project), "--hold-out", f"{self._share.value() / 100:g}"]
        words += ["--dataset", self._dataset.currentData()] if self._dataset.currentData() else []
        return [
            *words,
            *(["--seed", str(self._seed.value())] if self._seed.value() != SEED else []),
        ]

    def _on_go(self) -> None:
        self.agreed.emit(self._share.value() / 100, self._dataset.currentData(), self._seed.value())
        self.accept()
