"""A form made from the specs: common settings in sight, the rest folded, each with its help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, get_args, get_origin

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLineEdit, QWidget

from studio.domain.spec_kinds import switched
from studio.domain.specs import (
    DatasetSpec,
    LoraSpec,
    TrainSpec,
    dataset_spec,
    train_spec,
    with_settings,
)
from studio.ui.parts import button, column, label, row
from studio.ui.texts import mark, tr
from studio.ui.theme import GRID

COMMON = ("epochs", "lr", "alpha", "batch_examples", "max_tokens", "full", "lora.r", "data.replay")
_SPECS = (("", TrainSpec), ("lora.", LoraSpec), ("data.", DatasetSpec))
_HIDDEN = ("job", "method", "student", "lora")  #: chosen elsewhere, or a form of its own
TITLES = {
    "lr": mark("Learning rate"), "alpha": mark("Alpha"), "batch_examples": mark("Examples a step"), "lora.r": mark("LoRA rank"),
    "max_tokens": mark("Longest example"), "full": mark("All weights"), "data.replay": mark("Replay"), "epochs": mark("Epochs"),
    "lora.alpha": mark("LoRA alpha"), "lora.dropout": mark("LoRA dropout"), "lora.target_modules": mark("LoRA layers"),
    "data.questions": mark("Questions"), "data.draw": mark("Draw"), "data.explanations": mark("Explanations"),
    "data.val_share": mark("Kept out"), "data.seed": mark("Seed of the data"),
    "max_steps": mark("Max steps"),
    "save_steps": mark("Save steps"),
    "keep_checkpoints": mark("Keep checkpoints"),
    "schedule": mark("Schedule"),
    "warmup": mark("Warmup"),
    "weight_decay": mark("Weight decay"),
    "max_grad_norm": mark("Max grad norm"),
    "batch_tokens": mark("Batch tokens"),
    "overlong": mark("Overlong"),
    "precision": mark("Precision"),
    "four_bit": mark("Base in 4 bit"),
    "packing": mark("Packing"),
    "gradient_checkpointing": mark("Gradient checkpointing"),
    "seed": mark("Seed"),
    "eval_steps": mark("Eval steps"),
    "early_stopping": mark("Early stopping"),
    "result": mark("Result"),
    "threads": mark("Threads"),
    "processes": mark("Processes"),
    "sharded": mark("Share the weights"),
    "compile": mark("Compile"),
    "quiz": mark("Quiz"),
    "quiz_tokens": mark("Quiz tokens"),
    "data.choice": mark("Choice"),
    "data.teachers": mark("Teachers"),
}  # fmt: skip


class Setting(NamedTuple):
    """One field of the form."""

    name: str  #: dotted, as in ``train --set``
    value: Any
    kind: Any
    help_text: str

    @property
    def title(self) -> str:
        """How the form calls it."""
        bare = self.name.split(".")[-1].replace("_", " ")
        return TITLES.get(self.name, bare[0].upper() + bare[1:])


class SpecForm(QWidget):
    """Settings of a training run as text; the spec itself validates them.

    Signals:
        changed(): a setting was changed.
    """

    changed = Signal()

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__()
        self._fields: dict[str, QWidget] = {}
        self._defaults: dict[str, str] = {}
        common, self._rest = QWidget(), QWidget()
        forms = {True: QFormLayout(common), False: QFormLayout(self._rest)}
        for form in forms.values():
            form.setContentsMargins(0, 0, 0, 0)
            form.setSpacing(GRID)
            form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        found = sorted(
            settings_of(values), key=lambda one: (one.name not in COMMON, _rank(one.name))
        )
        for setting in found:
            title = label(tr(setting.title), tip=tr(setting.help_text))
            forms[setting.name in COMMON].addRow(title, self._field(setting))
        self._rest.hide()
        self._fold = button(tr("▸ More settings"), self._on_fold, role="quiet",
                            tip=tr("Show or fold all other settings"))  # fmt: skip
        layout = column(common, row(self._fold, None), self._rest, None)
        layout.setContentsMargins(0, 0, GRID, 0)
        self.setLayout(layout)

    def settings(self) -> dict[str, str]:
        """Return dotted names and values: what one sees is what runs."""
        return {name: _text_of(field) for name, field in self._fields.items()}

    def changes(self) -> dict[str, str]:
        """Return the settings that are not what the project has anyway."""
        return {
            name: value for name, value in self.settings().items() if value != self._defaults[name]
        }

    def _on_fold(self) -> None:
        self._rest.setVisible(self._rest.isHidden())
        self._fold.setText(("▸" if self._rest.isHidden() else "▾") + tr(" More settings"))

    def _field(self, setting: Setting) -> QWidget:
        field: QWidget
        if setting.kind is bool:
            box = QCheckBox()
            box.setChecked(str(setting.value).lower() == "true")
            box.toggled.connect(lambda _: self.changed.emit())
            field = box
        elif get_origin(setting.kind) is Literal:
            known = [str(one) for one in get_args(setting.kind)]
            entries = _combo(known, str(switched(setting.value)))
            entries.currentTextChanged.connect(lambda _: self.changed.emit())
            field = entries
        else:
            number = setting.value
            line = QLineEdit(f"{number:g}" if isinstance(number, float) else str(number))
            line.setAlignment(Qt.AlignmentFlag.AlignRight)
            line.textChanged.connect(lambda _: self.changed.emit())
            field = line
        field.setToolTip(
            tr("{help_text}\n--set {name}=…", help_text=tr(setting.help_text), name=setting.name)
        )
        field.setAccessibleName(tr(setting.title))
        field.setAccessibleDescription(tr(setting.help_text))
        self._fields[setting.name] = field
        self._defaults[setting.name] = _text_of(field)
        return field


def checked(given: dict[str, str]) -> dict[str, Any]:
    """Return the settings nested; raises SpecError at once, not when the run is made."""
    settings = with_settings({}, given)
    values = dict(settings)
    dataset_spec(dict(values.pop("data", {})))
    train_spec({**values, "student": {"location": "any"}})
    return settings


def settings_of(values: Mapping[str, Any]) -> list[Setting]:
    """Return every setting of a run, with the project's own values in place of the defaults."""
    found = []
    for prefix, spec in _SPECS:
        for name, field in spec.model_fields.items():
            if prefix == "" and name in _HIDDEN:
                continue
            given = _looked_up(values, f"{prefix}{name}")
            value = field.default if given is None else given
            found.append(
                Setting(f"{prefix}{name}", value, field.annotation, field.description or "")
            )
    return found


def _rank(name: str) -> int:
    return COMMON.index(name) if name in COMMON else 0


def _combo(entries: list[str], chosen: str) -> QComboBox:
    box = QComboBox()
    box.addItems(entries)
    box.setCurrentText(chosen)
    return box


def _looked_up(values: Mapping[str, Any], dotted: str) -> Any:
    found: Any = values
    for part in dotted.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _text_of(field: QWidget) -> str:
    if isinstance(field, QCheckBox):
        return "true" if field.isChecked() else "false"
    if isinstance(field, QComboBox):
        return field.currentText()
    assert isinstance(field, QLineEdit)
    return field.text().strip()
