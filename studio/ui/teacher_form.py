"""The form for one teacher."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QDialog, QDialogButtonBox, QFormLayout, QLineEdit, QWidget

from studio.domain.records import TeacherRecord
from studio.domain.specs import one_line
from studio.ui.parts import choice, label
from studio.ui.theme import GRID

PRESETS = {
    "Ollama": "http://localhost:11434/v1", "vLLM": "http://localhost:8000/v1",
    "llama.cpp": "http://localhost:8080/v1", "LM Studio": "http://localhost:1234/v1",
    "OpenAI": "https://api.openai.com/v1",
}  # fmt: skip
_FIELDS = (
    ("name", "Name", "How the studio calls it; records name it, so it stays"),
    ("model", "Model", "The model's name at the endpoint"),
    ("base_url", "Address", "Of the endpoint, with /v1"),
    ("api_key_env", "Key from variable", "Name of the environment variable that holds the key; "
     "empty for local servers. The key itself is never stored in a project"),
    ("concurrency", "Requests at once", "How many calls may be in flight, 1 to 1,024"),
    ("price_in", "Price in", "USD per million tokens read; empty when not known"),
    ("price_out", "Price out", "USD per million tokens written; empty when not known"),
)  # fmt: skip


_HINTS = {"api_key_env": "OPENAI_API_KEY", "price_in": "USD per million tokens",
          "price_out": "USD per million tokens", "base_url": "http://localhost:11434/v1"}  # fmt: skip


class TeacherForm(QDialog):
    """Adds a teacher, or changes ``teacher``.

    Signals:
        saved(TeacherRecord): the form is filled in rightly.
    """

    saved = Signal(object)

    def __init__(self, parent: QWidget, teacher: TeacherRecord | None) -> None:
        super().__init__(parent)
        self._teacher = teacher
        self.setWindowTitle("Change a teacher" if teacher else "Add a teacher")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(GRID * 60)
        form = QFormLayout(self)
        form.setContentsMargins(GRID * 3, GRID * 3, GRID * 3, GRID * 2)
        form.setSpacing(GRID)
        preset = choice([("Choose a server …", ""), *PRESETS.items()], name="Server",
                        tip="Fills in the usual address")  # fmt: skip
        preset.activated.connect(lambda _: self._on_preset(preset.currentData()))
        form.addRow(label("Server"), preset)
        self._fields: dict[str, QLineEdit] = {}
        for name, title, help_text in _FIELDS:
            form.addRow(label(title), self._field(name, title, help_text))
        self._active = QCheckBox("is asked")
        self._active.setToolTip("Off: kept because records name it, but never asked")
        self._active.setChecked(teacher is None or teacher.active)
        form.addRow(label(""), self._active)
        self._problem = label("", "bad", wrap=True)
        form.addRow(self._problem)
        kinds = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kinds.Save | kinds.Cancel)
        buttons.accepted.connect(self._on_save)
        buttons.rejected.connect(self.reject)
        form.addRow(buttons)

    def _field(self, name: str, title: str, help_text: str) -> QLineEdit:
        value: Any = (
            getattr(self._teacher, name) if self._teacher else "8" if name == "concurrency" else ""
        )
        field = QLineEdit("" if value is None else f"{value}")
        field.setToolTip(help_text)
        field.setPlaceholderText(_HINTS.get(name, ""))
        field.setAccessibleName(title)
        field.setAccessibleDescription(help_text)
        field.setReadOnly(name == "name" and self._teacher is not None)
        self._fields[name] = field
        return field

    def _on_preset(self, url: str) -> None:
        if url:
            self._fields["base_url"].setText(url)

    def _on_save(self) -> None:
        values: dict[str, Any] = {
            name: field.text().strip() for name, field in self._fields.items()
        }
        values |= {name: values[name] or None for name in ("price_in", "price_out")}
        values["base_url"] = values["base_url"].rstrip("/")
        scripted = self._teacher is not None and self._teacher.scripted
        if not scripted and not values["base_url"].startswith(("http://", "https://")):
            self._problem.setText("The address starts with http:// or https://")
            return
        if not values["model"]:
            self._problem.setText("The model's name at the endpoint is needed.")
            return
        before = self._teacher.model_dump() if self._teacher else {}
        try:
            record = TeacherRecord.model_validate(
                {**before, **values, "active": self._active.isChecked()}
            )
        except ValidationError as error:
            self._problem.setText(one_line(error))
            return
        self.saved.emit(record)
        self.accept()
