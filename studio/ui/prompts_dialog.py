"""The prompts of all stages: read, edited, gone back to, and seen as the messages they make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QSplitter, QTabWidget, QToolButton, QWidget

from studio.app.workbench import Workbench
from studio.flow import prompt_versions as versions
from studio.flow.message_preview import Preview, preview
from studio.flow.prompt_rules import PURPOSES, STYLE, STYLED
from studio.flow.prompt_versions import PromptVersion
from studio.store.tables import Store
from studio.ui.parts import ask, button, column, label, row
from studio.ui.plain_text import one_line
from studio.ui.prompt_tabs import PromptHistory, PromptText, RealMessage
from studio.ui.reading import Reading
from studio.ui.sheet import Sheet
from studio.ui.texts import tr
from studio.ui.theme import GRID
from studio.ui.words import things


class _Line(NamedTuple):
    """One prompt of the list: its name and its versions."""

    name: str
    versions: list[PromptVersion]

    @property
    def now(self) -> PromptVersion:
        """The version in force."""
        return next(one for one in self.versions if one.in_force)


class PromptsDialog(QDialog):
    """Shows every prompt of the project.

    Args:
        tell: a line for the bottom of the window, and whether it tells of a failure.
    """

    def __init__(
        self, parent: QWidget, workbench: Workbench, reading: Reading,
        tell: Callable[[str, bool], None],
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.setWindowTitle(tr("Prompts"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._workbench, self._reading, self._tell = workbench, reading, tell
        self._lines: list[_Line] = []
        self._shown = ""
        self._trial: str | None = None
        teachers = [one.name for one in workbench.reader.teachers()]
        self.list = Sheet((tr("Prompt"), tr("In force")), name=tr("Prompts"),
                          empty=tr("Reading the prompts …"), widths=(184,))  # fmt: skip
        self.list.chosen.connect(self._on_chosen)
        self._title, self._meaning = label("", "section"), label("", "dim", wrap=True)
        self.text, self.message = PromptText(), RealMessage(teachers)
        self.history = PromptHistory()
        self.text.saved.connect(self._on_save)
        self.text.tried.connect(self._on_try)
        self.message.asked.connect(lambda *_: self._preview())
        self.history.restored.connect(self._on_restore)
        self._fill()
        self._read()

    def _fill(self) -> None:
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setUsesScrollButtons(False)
        for part in (self.tabs, self.tabs.tabBar()):
            part.setAccessibleName(tr("What is shown of the prompt"))
            part.setToolTip(tr("Its text, the message as it is sent, its versions (arrow keys)"))
        for arrow in self.tabs.tabBar().findChildren(QToolButton):  # Qt's own, never in sight
            arrow.setToolTip(arrow.accessibleName())
        for title, side in ((tr("Text"), self.text), (tr("The real message"), self.message),
                            (tr("Versions"), self.history)):  # fmt: skip
            self.tabs.addTab(side, title)
        self.tabs.tabBarClicked.connect(lambda _: self._forget_trial())
        self.tabs.currentChanged.connect(lambda _: self._preview_if_seen())
        right = QWidget()
        right.setLayout(column(self._title, self._meaning, self.tabs))
        both = QSplitter()
        both.addWidget(self.list)
        both.addWidget(right)
        both.setSizes([GRID * 44, GRID * 96])
        both.setHandleWidth(GRID * 2)
        both.setStretchFactor(1, 1)
        both.setChildrenCollapsible(False)
        close = button(tr("Close"), self.reject, tip=tr("Close this window (Escape)"))
        self._note = label(tr("What was made with a former version stays as it is."), "small")
        layout = column(both, row(self._note, None, close), gap=GRID * 3 // 2)
        layout.setContentsMargins(GRID * 3, GRID * 2, GRID * 3, GRID * 2)
        layout.setStretch(0, 1)
        self.setLayout(layout)
        self.resize(GRID * 144, GRID * 84)

    # -- reading ---------------------------------------------------------------------------

    def _read(self) -> None:
        shipped = self._workbench.prompts

        def read(store: Store) -> list[_Line]:
            made = versions.Made(store)
            return [
                _Line(name, made.counted(name, versions.history(store, shipped, name)))
                for name in versions.names(store)
            ]

        self._reading.ask("prompts", read, self._show, slow=True)

    def _show(self, lines: list[_Line]) -> None:
        self._lines = lines
        self.list.show_rows([(_called(one.name), one.now.title) for one in lines])
        shown = self._shown
        place = next((n for n, one in enumerate(lines) if one.name == shown), 0)
        self._shown = lines[place].name if lines else ""
        self.list.selectRow(place)
        if lines:
            self._show_line(place, keep=shown == self._shown)

    def _on_chosen(self, place: int) -> None:
        if not 0 <= place < len(self._lines) or self._lines[place].name == self._shown:
            return
        if self._shown and self.text.is_changed:
            ask(self, tr("Unsaved text"),
                tr("The text of {name} was changed and is not saved.", name=_called(self._shown)),
                yes=tr("Drop the changes"), then=lambda: self._show_line(place), no=tr("Keep editing"),
                ).rejected.connect(self._choose_shown)  # fmt: skip
            return
        self._show_line(place)

    def _choose_shown(self) -> None:
        place = next(n for n, one in enumerate(self._lines) if one.name == self._shown)
        self.list.selectRow(place)

    def _show_line(self, place: int, *, keep: bool = False) -> None:
        line = self._lines[place]
        self._shown, self._trial = line.name, None
        purpose = versions.purpose_of(line.name)
        self._title.setText(f"{_called(line.name)}, {line.now.title}")
        others = sum(one.made for one in line.versions) - line.now.made
        said = tr(PURPOSES[purpose].meaning)
        if others:
            said += " · " + tr("{n} made with other versions stay", n=things(others, "record"))
        self._meaning.setText(said)
        self.text.show_prompt(purpose, line.now, keep=keep)
        self.history.show_versions(line.versions)
        self.message.teacher.setVisible(purpose not in STYLED and self.message.teacher.count() > 0)
        self._preview_if_seen()

    # -- the real message ------------------------------------------------------------------

    def _on_try(self, text: str) -> None:
        self._trial = text
        self.tabs.setCurrentWidget(self.message)

    def _forget_trial(self) -> None:
        self._trial = None

    def _preview_if_seen(self) -> None:
        if self._shown and self.tabs.currentWidget() is self.message:
            self._preview()

    def _preview(self) -> None:
        bench, name, text = self._workbench.bench, self._shown, self._trial
        question = self.message.question.text().strip()
        to = self.message.teacher.currentData() or ""

        def read(store: Store) -> Preview:
            return preview(replace(bench, store=store), name, question=question, to=to, text=text)

        self._reading.ask("preview", read, self.message.show_preview,
                          failed=self.message.show_problem)  # fmt: skip

    # -- changes ---------------------------------------------------------------------------

    def _on_save(self, text: str, why: str) -> None:
        self._reading.when(
            self._workbench.by_hand.write_prompt(self._shown, text, why=why),
            self._changed, failed=self.text.complain,
        )  # fmt: skip

    def _on_restore(self, number: int) -> None:
        self._reading.when(
            self._workbench.by_hand.restore_prompt(self._shown, number), self._changed
        )

    def _changed(self, now: PromptVersion) -> None:
        told = tr("{name}: {version} is in force. Ctrl+Z takes it back.",
                  name=_called(self._shown), version=now.title)  # fmt: skip
        self._note.setText(told)
        self._tell(told, False)
        self._read()

    def reject(self) -> None:
        """Close; a changed text is asked about first."""
        if self.text.is_changed:
            ask(self, tr("Unsaved text"), tr("The changed text is not saved. Close anyway?"),
                yes=tr("Drop the changes"), then=super().reject, no=tr("Keep editing"))  # fmt: skip
            return
        super().reject()


def _called(name: str) -> str:
    """Return a prompt's name on screen: the committee's without their folder."""
    return one_line(name.removeprefix(f"{STYLE}/"), most=60)
