"""The form for one teacher."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFormLayout,
    QLineEdit,
    QPushButton,
    QWidget,
)

from studio.domain.errors import SpecError
from studio.domain.records import TeacherRecord
from studio.domain.teacher_values import teacher_of
from studio.ui.parts import button, cancel_button, choice, label, row
from studio.ui.remedies import in_window
from studio.ui.texts import mark, tr
from studio.ui.theme import GRID

PRESETS = {
    "Ollama": "http://localhost:11434/v1", "vLLM": "http://localhost:8000/v1",
    "llama.cpp": "http://localhost:8080/v1", "LM Studio": "http://localhost:1234/v1",
    "OpenAI": "https://api.openai.com/v1",
}  # fmt: skip
_FIELDS = (
    ("name", mark("Name"), mark("How the studio calls it; records name it, so it stays")),
    ("model", mark("Model"), mark("The model's name at the endpoint")),
    ("base_url", mark("Address"), mark("Of the endpoint, with /v1")),
    ("api_key_env", mark("Key from variable"), mark("Name of the environment variable that holds the key; "
     "empty for local servers. The key itself is never stored in a project")),
    ("concurrency", mark("Requests at once"), mark("How many calls may be in flight, 1 to 1,024")),
    ("price_in", mark("Price in"), mark("USD per million tokens read; empty when not known")),
    ("price_out", mark("Price out"), mark("USD per million tokens written; empty when not known")),
)  # fmt: skip


_MORE = (
    ("temperature", mark("Temperature"), mark("How freely it words its texts, 0 to 2; 0: the same each time")),
    ("max_tokens", mark("Longest reply"), mark("In tokens; models that think before they answer need thousands")),
    ("timeout_s", mark("Seconds for a call"), mark("Altogether; a call that takes longer is given up")),
    ("requests_per_minute", mark("Requests a minute"), mark("Empty: no limit beyond what the endpoint says")),
    ("tokens_per_minute", mark("Tokens a minute"), mark("Both ways; empty: no limit")),
    ("samples", mark("Rationales a question"), mark("How many solutions of each question are asked for")),
    ("batch_price", mark("Part of the price in batches"), mark("What a call by batches costs: 0.5 is half the price")),
)  # fmt: skip
_SWITCHES = (
    ("adaptive", mark("finds out how many requests at once it bears"),
     mark("Begins with few, grows while answers come, shrinks when the endpoint asks for less")),
    ("batch", mark("is asked by batches: cheaper, within a day"),
     mark("Over the endpoint's batch interface; the studio may be closed meanwhile, the next run collects")),
    ("active", mark("is asked"), mark("Off: kept because records name it, but never asked")),
)  # fmt: skip
_USUAL = ("concurrency", "max_tokens", "temperature", "timeout_s", "samples", "batch_price")
_NONE_IF_EMPTY = ("price_in", "price_out", "requests_per_minute", "tokens_per_minute")


_HINTS = {"api_key_env": "OPENAI_API_KEY", "price_in": mark("USD per million tokens"),
          "price_out": mark("USD per million tokens"), "base_url": "http://localhost:11434/v1"}  # fmt: skip


class TeacherForm(QDialog):
    """Adds a teacher, or changes ``teacher``.

    Signals:
        saved(TeacherRecord): the form is filled in rightly.
    """

    saved = Signal(object)

    def __init__(self, parent: QWidget, teacher: TeacherRecord | None) -> None:
        super().__init__(parent)
        self._teacher = teacher
        self.setWindowTitle(tr("Change a teacher") if teacher else tr("Add a teacher"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(GRID * 60)
        form = QFormLayout(self)
        form.setContentsMargins(GRID * 3, GRID * 3, GRID * 3, GRID * 2)
        form.setSpacing(GRID)
        preset = choice([(tr("Choose a server …"), ""), *PRESETS.items()], name=tr("Server"),
                        tip=tr("Fills in the usual address"))  # fmt: skip
        preset.activated.connect(lambda _: self._on_preset(preset.currentData()))
        form.addRow(label(tr("Server")), preset)
        self._fields: dict[str, QLineEdit] = {}
        for name, title, help_text in _FIELDS:
            form.addRow(label(tr(title)), self._field(name, tr(title), tr(help_text)))
        self._switches = {
            name: self._switch(name, tr(text), tr(tip)) for name, text, tip in _SWITCHES
        }
        folded: list[QWidget] = [self._switches["adaptive"]]
        more = button(tr("▸ More settings"), lambda: self._on_more(more, folded), role="quiet",
                      tip=tr("Temperature, limits a minute, samples, and the price in batches"))  # fmt: skip
        form.addRow(label(""), self._switches["active"])
        form.addRow(label(""), self._switches["batch"])
        form.addRow(label(""), more)
        form.addRow(label(""), self._switches["adaptive"])
        for name, title, help_text in _MORE:
            form.addRow(label(tr(title)), field := self._field(name, tr(title), tr(help_text)))
            folded.append(field)
        for one in folded:
            form.setRowVisible(one, False)
        self._form = form
        self._problem = label("", "bad", wrap=True)
        form.addRow(self._problem)
        save = button(tr("Save"), self._on_save, role="main",
                      tip=tr("Keep this teacher; nothing is asked yet (Enter)"))  # fmt: skip
        save.setDefault(True)
        form.addRow(row(None, cancel_button(self), save))

    def _switch(self, name: str, text: str, tip: str) -> QCheckBox:
        made = QCheckBox(text)
        made.setToolTip(tip)
        default = TeacherRecord.model_fields[name].default
        made.setChecked(bool(getattr(self._teacher, name) if self._teacher else default))
        return made

    def _on_more(self, more: QPushButton, folded: list[QWidget]) -> None:
        """Unfold what is seldom changed, or fold it up."""
        shown = not self._form.isRowVisible(folded[0])
        for one in folded:
            self._form.setRowVisible(one, shown)
        more.setText(tr("▾ More settings") if shown else tr("▸ More settings"))
        self.adjustSize()

    def _field(self, name: str, title: str, help_text: str) -> QLineEdit:
        value: Any = getattr(self._teacher, name) if self._teacher else _usual(name)
        field = QLineEdit("" if value is None else f"{value}")
        field.setToolTip(help_text)
        field.setPlaceholderText(tr(_HINTS.get(name, "")))
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
        values |= {name: values[name] or None for name in _NONE_IF_EMPTY}
        values |= {name: switch.isChecked() for name, switch in self._switches.items()}
        try:
            record = teacher_of(values, before=self._teacher)
        except SpecError as error:
            self._problem.setText(in_window(str(error)))
            return
        self.saved.emit(record)
        self.accept()


def _usual(name: str) -> Any:
    """Return what a new teacher has for a field: empty for what only a person can know."""
    return TeacherRecord.model_fields[name].get_default() if name in _USUAL else ""
