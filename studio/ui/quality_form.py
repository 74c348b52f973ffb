"""The form for how much is asked of the committee beyond once, made from ``Quality``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QDialog, QFormLayout, QSpinBox, QWidget

from studio.flow.quality import Quality
from studio.ui.commands import copy_button
from studio.ui.parts import button, column, label, roomy, row
from studio.ui.texts import mark, tr
from studio.ui.theme import GRID

TITLES = {
    "samples": mark("Rationales a teacher"),
    "target": mark("Accepted ones a question"),
    "most_samples": mark("Rationales a teacher at most"),
    "revise": mark("Revisions of a rejected one"),
    "blind": mark("Reviewers do not see the gold answer"),
    "review_explanations": mark("Explanations are reviewed too"),
}
_AT_ZERO = {"samples": mark("as its own setting says"), "target": mark("as it comes"),
            "revise": mark("none")}  # fmt: skip


class QualityForm(QDialog):
    """Shows what the project keeps, and takes what is to be kept instead.

    Args:
        rests: the rule in force is the paper's, under which target and revisions rest.

    Signals:
        agreed(object): names and values of ``Quality``, all of them.
        told(str): a line for the bottom of the window.
    """

    agreed = Signal(object)
    told = Signal(str)

    def __init__(self, parent: QWidget, kept: Quality, *, project: Path, rests: bool) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("How the committee is asked"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(GRID * 76)
        self._project = project
        self._fields: dict[str, QSpinBox | QCheckBox] = {}
        form = QFormLayout()
        form.setSpacing(GRID)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        for name, field in Quality.model_fields.items():
            self._add(form, name, getattr(kept, name), tr(field.description or ""))
        self._resting = label(
            tr("⚠ The rule in force is the paper's, which asks once: rationales a teacher, accepted ones "
               "and revisions are kept here, and count when another rule is in force."),
            "warn", wrap=True,
        )  # fmt: skip
        self._resting.setVisible(rests)
        save = button(tr("Keep"), self._on_keep, role="main",
                      tip=tr("The next run and the next round ask so; nothing is asked now (Enter)"))  # fmt: skip
        save.setDefault(True)
        layout = column(
            label(tr("As in the paper, everything is asked once. More takes more calls: “Run what is "
                     "missing” says how many before it begins."), "dim", wrap=True),
            form, self._resting,
            row(copy_button(self._words, self.told.emit), None,
                button(tr("As in the paper"), self._on_paper, tip=tr("Put every field back to asking once")),
                button(tr("Cancel"), self.reject, tip=tr("Change nothing (Esc)")), save),
            gap=GRID * 2,
        )  # fmt: skip
        layout.setContentsMargins(GRID * 3, GRID * 2, GRID * 3, GRID * 2)
        self.setLayout(layout)
        self._enable()

    def values(self) -> dict[str, Any]:
        """Return what the fields say."""
        return {
            name: field.isChecked() if isinstance(field, QCheckBox) else field.value()
            for name, field in self._fields.items()
        }

    def show_values(self, quality: Quality) -> None:
        """Put the fields to these values."""
        for name, field in self._fields.items():
            value = getattr(quality, name)
            field.setChecked(value) if isinstance(field, QCheckBox) else field.setValue(value)

    def _add(self, form: QFormLayout, name: str, value: int | bool, help_text: str) -> None:
        """Add a field with its help beneath it."""
        title = tr(TITLES[name])
        field = QCheckBox(title) if isinstance(value, bool) else self._number(name)
        field.setAccessibleName(title)
        field.setAccessibleDescription(help_text)
        field.setToolTip(help_text)
        self._fields[name] = field
        form.addRow("" if isinstance(field, QCheckBox) else title, field)
        form.addRow("", label(help_text, "small", wrap=True))
        if isinstance(field, QCheckBox):
            field.setChecked(bool(value))
        else:
            field.setValue(value)
            field.valueChanged.connect(lambda _: self._enable())

    @staticmethod
    def _number(name: str) -> QSpinBox:
        bounds = {kind: getattr(one, kind) for one in Quality.model_fields[name].metadata
                  for kind in ("ge", "le") if hasattr(one, kind)}  # fmt: skip
        made = roomy(QSpinBox())
        made.setRange(bounds["ge"], bounds["le"])
        made.setSpecialValueText(tr(_AT_ZERO[name]) if name in _AT_ZERO else "")
        return made

    def _enable(self) -> None:
        self._fields["most_samples"].setEnabled(bool(self.values()["target"]))

    def _words(self) -> list[str]:
        """Return the verb that asks so, and shows what it would take."""
        said = self.values()
        numbers = ("samples", "target", "most_samples", "revise")
        words = ["run", str(self._project), "--dry-run"]
        for name in numbers:
            words += [f"--{name.replace('_', '-')}", str(said[name])]
        return [*words, "--blind" if said["blind"] else "--with-gold",
                f"--{'' if said['review_explanations'] else 'no-'}review-explanations"]  # fmt: skip

    def _on_paper(self) -> None:
        self.show_values(Quality())

    def _on_keep(self) -> None:
        self.agreed.emit(self.values())
        self.accept()
