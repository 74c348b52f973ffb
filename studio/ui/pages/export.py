"""Export: what goes in, in which form, and where to."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from studio.app.workbench import Workbench
from studio.store import views
from studio.ui.parts import button, label
from studio.ui.theme import GRID

FORMATS = {
    "messages": "chat messages, one conversation a row",
    "prompt-completion": "prompt and completion columns",
    "alpaca": "instruction, input, output",
    "sharegpt": "conversations with from and value",
    "dpo": "chosen: an accepted rationale, rejected: the student's mistake",
    "parquet": "messages as Parquet",
    "committee": "the MAPD paper's own three files",
    "attempts": "every attempt with its grade and doubts",
    "model": "the newest adapter, and merged weights as safetensors",
}


class ExportPage(QWidget):
    """Write the curated dataset, or the model, for use elsewhere."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 3, GRID * 2, GRID * 3, GRID * 2)
        layout.setSpacing(GRID * 2)
        layout.addWidget(label("Export", "title"))
        self._contents = label("", wrap=True)
        layout.addWidget(self._contents)
        form = QFormLayout()
        self._format = QComboBox()
        self._format.addItems(list(FORMATS))
        self._format.setAccessibleName("Format")
        self._about = label(FORMATS["messages"], "dim", wrap=True)
        self._format.currentTextChanged.connect(self._on_format)
        self._out = QLineEdit(str(bench.project / "exports" / "messages"))
        self._out.setAccessibleName("Folder to write")
        self._all = QCheckBox("rejected ones too, marked as such")
        row = QHBoxLayout()
        row.addWidget(self._out, 1)
        row.addWidget(button("Choose …", self._on_choose, tip="Choose where to write"))
        form.addRow(label("format"), self._format)
        form.addRow(label(""), self._about)
        form.addRow(label("folder"), row)
        form.addRow(label(""), self._all)
        layout.addLayout(form)
        layout.addWidget(button("Export", self._on_export, main=True,
                                tip="Write it; an existing folder of something else is left alone"))  # fmt: skip
        layout.addStretch()
        self.reload()

    def on_tables_changed(self, tables: set[str]) -> None:
        """Count again where it concerns decisions."""
        if tables & {"decisions", "overrides", "rationales", "policies"}:
            self.reload()

    def reload(self) -> None:
        """Say what an export would hold."""
        row = self._bench.reader.one(views.DECISION_COUNTS)
        total = self._bench.reader.value("SELECT count(*) FROM current_rationales")
        version, policy = self._bench.reader.policy()
        accepted, by_hand = (row["accepted"] or 0, row["overridden"] or 0) if row else (0, 0)
        self._contents.setText(f"{accepted:,} of {total:,} rationales: policy v{version} "
                               f"“{policy.describe()}”, {by_hand:,} overrides.")  # fmt: skip

    def _on_format(self, name: str) -> None:
        self._about.setText(FORMATS[name])
        self._out.setText(str(self._bench.project / "exports" / name))

    def _on_choose(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Write below this folder")
        if chosen:
            self._out.setText(str(Path(chosen) / self._format.currentText()))

    def _on_export(self) -> None:
        self._bench.export(Path(self._out.text()), format=self._format.currentText(),
                           include_all=self._all.isChecked())  # fmt: skip
