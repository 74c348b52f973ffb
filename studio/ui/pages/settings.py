"""Settings: colours, and what this machine has and lacks."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSettings, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from studio.app.doctor import Finding, examine
from studio.app.workbench import Workbench
from studio.ui.parts import button, in_background, label
from studio.ui.theme import GRID

_SIGNS = {"ok": "✓", "lack": "✗", "note": "·"}


class SettingsPage(QWidget):
    """Choices that are the person's, not the project's.

    Signals:
        theme_changed(str): light, dark or system.
    """

    theme_changed = Signal(str)

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        del bench
        self._workers: list[Any] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 3, GRID * 2, GRID * 3, GRID * 2)
        layout.setSpacing(GRID * 2)
        layout.addWidget(label("Settings", "title"))
        form = QFormLayout()
        self._theme = QComboBox()
        self._theme.addItems(["system", "light", "dark"])
        self._theme.setCurrentText(str(QSettings().value("theme", "system")))
        self._theme.setAccessibleName("Colours")
        self._theme.currentTextChanged.connect(self._on_theme)
        form.addRow(label("colours"), self._theme)
        layout.addLayout(form)
        layout.addWidget(label("API keys are read from the environment variable each teacher names, "
                               "or from the system's keyring. They are never part of a project.",
                               "dim", wrap=True))  # fmt: skip
        layout.addWidget(button("Examine this machine", self._on_examine,
                                tip="What it has and lacks, each lack with its remedy"))  # fmt: skip
        self._table = QTableWidget(0, 4)
        self._table.setHorizontalHeaderLabels(["", "what", "found", "remedy"])
        self._table.setAccessibleName("This machine")
        self._table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self._table.verticalHeader().hide()
        self._table.horizontalHeader().setStretchLastSection(True)
        layout.addWidget(self._table, 1)

    def on_tables_changed(self, tables: set[str]) -> None:
        """Nothing here depends on the project."""

    def _on_theme(self, name: str) -> None:
        QSettings().setValue("theme", name)
        self.theme_changed.emit(name)

    def _on_examine(self) -> None:
        self._workers = [in_background(examine, self._show, failed=lambda text: None)]

    def _show(self, findings: list[Finding]) -> None:
        self._table.setRowCount(len(findings))
        for r, one in enumerate(findings):
            for c, text in enumerate((_SIGNS[one.state], one.name, one.found, one.remedy)):
                self._table.setItem(r, c, QTableWidgetItem(text))
        self._table.resizeColumnsToContents()
