"""Settings: colours, keys, and what this machine has and lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSettings, Qt, Signal
from PySide6.QtWidgets import QFormLayout

from studio.app.workbench import Workbench
from studio.ui.page import Page
from studio.ui.parts import Card, button, choice, choose, label, row
from studio.ui.sheet import Sheet
from studio.ui.texts import mark, tr
from studio.ui.theme import GRID
from studio.ui.window_state import ZOOMS, zoom_now

if TYPE_CHECKING:
    from studio.app.doctor import Finding
    from studio.store.tables import Store

_SIGNS = {"ok": "✓", "lack": mark("✗ lacking"), "note": "·"}
_KEYS = mark(
    "A teacher's key comes from the environment variable it names, or from the system's keyring. "
    "Keys are never part of a project, a log or an export."
)


class SettingsPage(Page):
    """Choices that are the person's, not the project's.

    Signals:
        theme_requested(str): light, dark or system.
        zoom_requested(int): the size of everything, in percent.
        keys_requested(): the keys of the menus are to be changed.
    """

    theme_requested = Signal(str)
    zoom_requested = Signal(int)
    keys_requested = Signal()
    title = mark("Settings")

    def __init__(self, workbench: Workbench) -> None:
        super().__init__(workbench)
        self._theme = choice([(tr("As the desktop"), "system"), (tr("Light"), "light"), (tr("Dark"), "dark")],
                             name=tr("Colours"), tip=tr("The colours of the window"))  # fmt: skip
        choose(self._theme, str(QSettings().value("theme", "system")))
        self._theme.activated.connect(lambda _: self._on_theme())
        self._zoom = choice([(f"{percent} %", percent) for percent in ZOOMS], name=tr("Size"),
                            tip=tr("Size of texts and everything else; the window opens anew"))  # fmt: skip
        choose(self._zoom, zoom_now())
        self._zoom.activated.connect(lambda _: self.zoom_requested.emit(self._zoom.currentData()))
        self._found = Sheet(
            (tr("State"), tr("What"), tr("Found"), tr("Remedy")),
            name=tr("This machine"),
            widths=(96, 176, 400),
        )
        layout = self.page_layout()
        layout.addWidget(label(tr(self.title), "title"))
        look = Card(tr("Look"))
        change = button(tr("Change keys …"), self.keys_requested.emit,
                        tip=tr("Give the actions of the menus other keys"))  # fmt: skip
        looks = QFormLayout()
        looks.setHorizontalSpacing(GRID * 2)
        looks.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.FieldsStayAtSizeHint)
        looks.setLabelAlignment(Qt.AlignmentFlag.AlignVCenter)
        for name, control in (
            (tr("Colours"), self._theme), (tr("Size of texts and all else"), self._zoom),
            (tr("Keys of the menus"), change),
        ):  # fmt: skip
            control.setMinimumWidth(GRID * 20)
            looks.addRow(label(name), control)
        look.body.addLayout(looks)
        keys = Card(tr("API keys"))
        keys.body.addWidget(label(tr(_KEYS), wrap=True))
        machine = Card()
        examine = button(
            tr("Examine again"), self._examine, tip=tr("Look anew at what this machine has")
        )
        machine.body.addLayout(row(label(tr("This machine"), "section"), None, examine))
        machine.body.addWidget(self._found, 1)
        layout.addWidget(look)
        layout.addWidget(keys)
        layout.addWidget(machine, 1)
        self._examine()

    def show_theme(self, theme: str) -> None:
        """Show which colours were chosen, also elsewhere."""
        choose(self._theme, theme)

    def _on_theme(self) -> None:
        self.theme_requested.emit(self._theme.currentData())

    def _examine(self) -> None:
        self._found.show_rows([])
        self._found.say_empty(tr("Looking around …"))
        self.reading.ask("machine", _examined, self._show)

    def show_failure(self, why: str) -> None:
        """Say why nothing was found out."""
        self._found.say_empty(why)

    def _show(self, findings: list[Finding]) -> None:
        self._found.show_rows([(tr(_SIGNS[f.state]), f.name, f.found, f.remedy) for f in findings])


def _examined(store: Store) -> list[Finding]:
    from studio.app.doctor import examine

    del store  # the machine is looked at, not the project
    return examine()
