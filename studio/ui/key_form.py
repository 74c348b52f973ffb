"""Takes the key of a teacher; it goes to the system's keyring and nowhere else."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QLineEdit, QWidget

from studio.domain.records import TeacherRecord
from studio.ui.parts import button, column, label, row
from studio.ui.plain_text import one_line
from studio.ui.texts import tr
from studio.ui.theme import GRID


class KeyForm(QDialog):
    """One field that shows dots.

    Signals:
        given(str): the key.
    """

    given = Signal(str)

    def __init__(self, parent: QWidget, teacher: TeacherRecord) -> None:
        super().__init__(parent)
        name, address = one_line(teacher.name, most=40), one_line(teacher.base_url, most=120)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Key of {name}", name=name))
        self.setMinimumWidth(GRID * 64)
        self._key = QLineEdit()
        self._key.setEchoMode(QLineEdit.EchoMode.Password)
        self._key.setAccessibleName(tr("Key"))
        self._key.setToolTip(tr("Kept in the system's keyring, for this address only"))
        self._key.setMaxLength(4_000)
        why = label(tr("It goes into the system's keyring, never into a project, a log or an export, and is"
                       " sent to {address} only.", address=address), "dim", wrap=True)  # fmt: skip
        self._go = button(tr("Keep"), self._on_go, role="main", tip=tr("Keep the key (Enter)"))
        self._go.setDefault(True)
        self._go.setEnabled(False)
        self._key.textChanged.connect(lambda text: self._go.setEnabled(bool(text.strip())))
        cancel = button(tr("Cancel"), self.reject, tip=tr("Keep no key (Escape)"))
        layout = column(why, self._key, row(None, cancel, self._go), gap=GRID * 2)
        layout.setContentsMargins(GRID * 3, GRID * 2, GRID * 3, GRID * 2)
        self.setLayout(layout)

    def _on_go(self) -> None:
        key = self._key.text().strip()
        self._key.clear()
        self.given.emit(key)
        self.accept()
