"""The committee: who is asked, at which address, and how far each reviewer can be trusted."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from studio.app.workbench import Workbench
from studio.domain.records import TeacherRecord
from studio.flow.reviewers import Report, calibrate
from studio.store.tables import Store
from studio.ui.parts import button, in_background, label
from studio.ui.theme import GRID

PRESETS = {
    "Ollama": "http://localhost:11434/v1", "vLLM": "http://localhost:8000/v1",
    "llama.cpp": "http://localhost:8080/v1", "LM Studio": "http://localhost:1234/v1",
    "OpenAI": "https://api.openai.com/v1",
}  # fmt: skip
_TEACHERS = ("name", "model", "address", "at once", "key from", "state")
_CARDS = ("reviewer", "reviews", "missing", "mean", "severity", "4–5 on wrong", "n wrong",
          "AUC", "flips without it")  # fmt: skip


class CommitteePage(QWidget):
    """Teachers above, their reviews measured below."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self._workers: list[Any] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 3, GRID * 2, GRID * 3, GRID * 2)
        layout.setSpacing(GRID)
        head = QHBoxLayout()
        head.addWidget(label("Committee", "title"))
        head.addStretch()
        head.addWidget(button("Add a teacher …", self._on_add, main=True,
                              tip="Any OpenAI-compatible endpoint"))  # fmt: skip
        layout.addLayout(head)
        self._teachers = _table(_TEACHERS, "Teachers")
        self._cards = _table(_CARDS, "Reviewers measured")
        self._note = label("", "dim", wrap=True)
        layout.addWidget(self._teachers, 1)
        layout.addWidget(label("HOW FAR EACH REVIEWER CAN BE TRUSTED", "head"))
        layout.addWidget(self._cards, 1)
        layout.addWidget(self._note)
        self.reload()

    def on_tables_changed(self, tables: set[str]) -> None:
        """Read again where it concerns the committee."""
        if tables & {"teachers", "reviews", "grades", "policies", "overrides"}:
            self.reload()

    def reload(self) -> None:
        """Show the teachers at once, and their measures when they are computed."""
        rows = self._bench.reader.teachers(active=False)
        _fill(self._teachers, [
            (t.name, t.model or "–", t.base_url or "–", t.concurrency, t.api_key_env or "–",
             "scripted" if t.scripted else "active" if t.active else "imported, not asked")
            for t in rows
        ])  # fmt: skip
        project = self._bench.project

        def read() -> Report:
            store = Store(project, read_only=True)
            try:
                return calibrate(store)
            finally:
                store.close()

        self._workers = [in_background(read, self._show, failed=self._note.setText)]

    def _show(self, report: Report) -> None:
        _fill(self._cards, [
            (c.reviewer, c.n_valid, c.n_missing, _two(c.mean), _two(c.severity),
             _share(c.high_on_wrong), c.n_wrong, _two(c.auc.value), c.flips_without)
            for c in report.cards
        ])  # fmt: skip
        self._note.setText(
            f"Agreement (Krippendorff's alpha, interval) {_two(report.alpha)} over "
            f"{report.n_rationales:,} rationales. Severity: mean gap to the others on the same "
            "rationales, below 0 is stricter. AUC: chance that a right rationale gets the higher "
            "score. Flips: decisions that change without this reviewer."
            if report.cards else "No reviews yet."
        )  # fmt: skip

    def _on_add(self) -> None:
        dialog = _TeacherDialog(self)
        dialog.accepted.connect(lambda: self._bench.put(dialog.record()))
        dialog.open()


class _TeacherDialog(QDialog):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Add a teacher")
        form = QFormLayout(self)
        self._preset = QComboBox()
        self._preset.addItems(list(PRESETS))
        self._name, self._model, self._url = QLineEdit(), QLineEdit(), QLineEdit(PRESETS["Ollama"])
        self._key, self._at_once = QLineEdit(), QLineEdit("8")
        self._key.setPlaceholderText("for example OPENAI_API_KEY; empty for local servers")
        self._preset.currentTextChanged.connect(lambda text: self._url.setText(PRESETS[text]))
        for title, widget in (("server", self._preset), ("name", self._name),
                              ("model", self._model), ("address", self._url),
                              ("key from variable", self._key), ("requests at once", self._at_once)):  # fmt: skip
            widget.setAccessibleName(title)
            form.addRow(label(title), widget)
        self._problem = label("", "bad", wrap=True)
        form.addRow(self._problem)
        kinds = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kinds.Save | kinds.Cancel)
        buttons.accepted.connect(self._on_save)
        buttons.rejected.connect(self.reject)
        form.addRow(buttons)

    def record(self) -> TeacherRecord:
        """Return the teacher as entered."""
        return TeacherRecord(
            name=self._name.text(), model=self._model.text(), base_url=self._url.text().rstrip("/"),
            api_key_env=self._key.text().strip(), concurrency=int(self._at_once.text()),
        )  # fmt: skip

    def _on_save(self) -> None:
        if not self._url.text().startswith(("http://", "https://")):
            self._problem.setText("The address starts with http:// or https://")
        elif not self._name.text().strip() or not self._model.text().strip():
            self._problem.setText("A name and the model's name at the endpoint are needed.")
        elif not self._at_once.text().isdigit() or not 1 <= int(self._at_once.text()) <= 1024:
            self._problem.setText("Requests at once: a number from 1 to 1024.")
        else:
            self.accept()


def _table(head: tuple[str, ...], name: str) -> QTableWidget:
    made = QTableWidget(0, len(head))
    made.setHorizontalHeaderLabels(list(head))
    made.setAccessibleName(name)
    made.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    made.verticalHeader().hide()
    made.horizontalHeader().setStretchLastSection(True)
    return made


def _fill(table: QTableWidget, rows: list[tuple[Any, ...]]) -> None:
    table.setRowCount(len(rows))
    for r, row in enumerate(rows):
        for c, value in enumerate(row):
            text = f"{value:,}" if isinstance(value, int) else str(value)
            table.setItem(r, c, QTableWidgetItem(text))
    table.resizeColumnsToContents()


def _two(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"
