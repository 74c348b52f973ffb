"""A form made from a spec: common settings in sight, the rest folded, each with its help text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from studio.domain.specs import DatasetSpec, LoraSpec, TrainSpec
from studio.ui.parts import button, label

COMMON = ("epochs", "lr", "alpha", "batch_examples", "max_tokens", "full", "lora.r", "data.replay")
_HIDDEN = ("job", "method", "student", "lora", "val_share")


class SpecForm(QWidget):
    """Settings of a training run as text, to be validated by the spec itself."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__()
        self._fields: dict[str, QWidget] = {}
        self._defaults: dict[str, str] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        common, rest = QWidget(), QWidget()
        forms = {True: QFormLayout(common), False: QFormLayout(rest)}
        for name, default, kind, help_text in _all_fields():
            given = _looked_up(values, name)
            widget = self._widget(name, default if given is None else given, kind)
            widget.setToolTip(help_text)
            widget.setAccessibleName(name)
            widget.setAccessibleDescription(help_text)
            title = label(name)
            title.setToolTip(help_text)
            forms[name in COMMON].addRow(title, widget)
        rest.hide()
        layout.addWidget(common)
        layout.addWidget(button("More settings", lambda: rest.setVisible(rest.isHidden()),
                                tip="Show or fold all other settings"))  # fmt: skip
        layout.addWidget(rest)
        layout.addStretch()

    def settings(self) -> dict[str, str]:
        """Return dotted names and values that differ from the defaults."""
        found = {name: _text_of(widget) for name, widget in self._fields.items()}
        return {name: text for name, text in found.items() if text != self._defaults[name]}

    def _widget(self, name: str, value: Any, kind: Any) -> QWidget:
        if kind is bool:
            widget: QWidget = QCheckBox()
            assert isinstance(widget, QCheckBox)
            widget.setChecked(str(value).lower() == "true")
        elif get_origin(kind) is Literal:
            widget = QComboBox()
            assert isinstance(widget, QComboBox)
            widget.addItems([str(one) for one in get_args(kind)])
            widget.setCurrentText(str(value))
        else:
            widget = QLineEdit(f"{value:g}" if isinstance(value, float) else str(value))
        self._fields[name] = widget
        self._defaults[name] = "\0"  # everything shown is sent: what one sees is what runs
        return widget


def _all_fields() -> list[tuple[str, Any, Any, str]]:
    found: list[tuple[str, Any, Any, str]] = []
    for prefix, spec in (("", TrainSpec), ("lora.", LoraSpec), ("data.", DatasetSpec)):
        for name, field in spec.model_fields.items():
            if prefix == "" and name in _HIDDEN:
                continue
            found.append(
                (f"{prefix}{name}", field.default, field.annotation, field.description or "")
            )
    return found


def _looked_up(values: Mapping[str, Any], dotted: str) -> Any:
    found: Any = values
    for part in dotted.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _text_of(widget: QWidget) -> str:
    if isinstance(widget, QCheckBox):
        return "true" if widget.isChecked() else "false"
    if isinstance(widget, QComboBox):
        return widget.currentText()
    assert isinstance(widget, QLineEdit)
    return widget.text().strip()
