"""Questions in: what is there, and the button that imports more."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from studio.app.workbench import Workbench
from studio.ui.parts import button, label
from studio.ui.theme import GRID

_HEAD = ("dataset", "split", "answers", "questions", "attempts")
_COUNTS = """
SELECT q.dataset, q.split, q.answer_kind, count(*),
       sum((SELECT count(*) FROM attempts a WHERE a.question_id = q.id))
FROM questions q GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""


class DataPage(QWidget):
    """The questions by dataset and split."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 3, GRID * 2, GRID * 3, GRID * 2)
        layout.setSpacing(GRID * 2)
        head = QHBoxLayout()
        head.addWidget(label("Data", "title"))
        head.addStretch()
        head.addWidget(button("Import files …", self._on_import, main=True,
                              tip="GSM8K, SVAMP, StrategyQA, LogiQA, MAPD records, JSONL, CSV, "
                                  "Parquet; or drop files on the window"))  # fmt: skip
        layout.addLayout(head)
        self._hint = label("No questions yet. Import a file, or drop one on this window.", "dim")
        layout.addWidget(self._hint)
        self._table = QTableWidget(0, len(_HEAD))
        self._table.setHorizontalHeaderLabels(list(_HEAD))
        self._table.setAccessibleName("Questions by dataset and split")
        self._table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self._table.horizontalHeader().setStretchLastSection(True)
        self._table.verticalHeader().hide()
        layout.addWidget(self._table, 1)
        self.reload()

    def on_tables_changed(self, tables: set[str]) -> None:
        """Count again where it concerns questions."""
        if tables & {"questions", "attempts"}:
            self.reload()

    def reload(self) -> None:
        """Count questions and attempts."""
        rows = self._bench.reader.rows(_COUNTS)
        self._hint.setVisible(not rows)
        self._table.setRowCount(len(rows))
        for r, row in enumerate(rows):
            for c, value in enumerate(row):
                text = f"{value:,}" if isinstance(value, int) else str(value)
                self._table.setItem(r, c, QTableWidgetItem(text))

    def _on_import(self) -> None:
        names, _ = QFileDialog.getOpenFileNames(self, "Import questions")
        if names:
            self._bench.import_files([Path(name) for name in names])
