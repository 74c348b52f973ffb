"""Export: what goes in, in which form, and where to."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, NamedTuple

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QCheckBox, QFileDialog, QFormLayout, QHBoxLayout, QLineEdit, QWidget

from studio.app.workbench import Workbench
from studio.flow.export_preview import MOST, ExportPreview, preview, written_model
from studio.store import views
from studio.store.tables import Store
from studio.ui.commands import copy_button
from studio.ui.page import Page
from studio.ui.parts import Card, TextView, button, choice, label, row
from studio.ui.plain_text import safe
from studio.ui.texts import mark, tr
from studio.ui.theme import GRID
from studio.ui.words import things

FORMATS = {
    "messages": mark("Chat messages, one conversation a row"),
    "prompt-completion": mark("Prompt and completion, two columns"),
    "alpaca": mark("Instruction, input, output"),
    "sharegpt": mark("Conversations with from and value"),
    "dpo": mark("Pairs: an accepted rationale, and the student's mistake or a rejected one"),
    "parquet": mark("One table: question, rationale, scores, decision"),
    "committee": mark("The three files of the MAPD paper's own repository"),
    "attempts": mark("Every attempt with its grade and its doubts"),
    "model": mark(
        "The newest run's adapter, merged weights as safetensors, a Modelfile for Ollama, a GGUF where llama.cpp is found"
    ),
}
WITHOUT_REJECTED = ("dpo", "committee", "attempts", "model")


class Contents(NamedTuple):
    """What an export would hold."""

    accepted: int
    rationales: int
    by_hand: int
    version: int
    rule: str

    @property
    def in_words(self) -> str:
        """The sentence above the form."""
        if not self.rationales:
            return tr("No rationale yet: “Run what is missing” on the Overview makes some.")
        rule = (
            tr("rule v{version} ({rule})", version=self.version, rule=self.rule)
            if self.version
            else tr("no rule applied yet")
        )
        return (tr("{accepted:,} of {rationales}: {rule}, {by_hand}", accepted=self.accepted, rationales=things(self.rationales, 'rationale'), rule=rule, by_hand=things(self.by_hand, 'override')))  # fmt: skip


class ExportPage(Page):
    """Write the curated dataset, or the model, for use elsewhere."""

    title = mark("Export")
    watches: ClassVar = frozenset({"decisions", "overrides", "rationales", "policies", "exports"})

    def __init__(self, workbench: Workbench) -> None:
        super().__init__(workbench)
        self._found: dict[str, str] = {}  #: of the preview: file and its beginning
        self._named = ""  #: the folder that was proposed last
        self._contents = label(tr("Counting …"), wrap=True)
        self._format = choice(((name, name) for name in FORMATS), name=tr("Format"),
                              tip=tr("The form other programs read"))  # fmt: skip
        self._format.activated.connect(lambda _: self._on_format())
        self._about = label("", "dim", wrap=True)
        self._out = QLineEdit()
        self._out.setAccessibleName(tr("Folder to write"))
        self._out.setToolTip(
            tr("Where the export is written; the folder is made, or its place taken whole")
        )
        self._all = QCheckBox(tr("Rejected ones too, marked in a column “decision”"))
        self._all.setToolTip(tr("For looking at, or for training on both kinds"))
        layout = self.page_layout()
        layout.addWidget(label(tr(self.title), "title"))
        what = Card(tr("What goes in"))
        what.body.addWidget(self._contents)
        layout.addWidget(what)
        layout.addWidget(self._form())
        layout.addWidget(self._preview_card(), 1)
        self._on_format()
        self.reload()

    def _preview_card(self) -> Card:
        card = Card()
        self._files = choice((), name=tr("File"), tip=tr("Which file of the export is shown"))
        self._files.setMinimumWidth(GRID * 32)
        self._files.activated.connect(lambda _: self._show_file())
        self._state = label("", "dim", wrap=True)
        self._text = TextView(tr("The beginning of the file, as it will be written"))
        head = row(label(tr("Preview"), "section"), self._files, self._state)
        head.setStretch(2, 1)
        card.body.addLayout(head)
        card.body.addWidget(self._text, 1)
        return card

    def _form(self) -> Card:
        card = Card(tr("Where to, and how"))
        form = QFormLayout()
        form.setSpacing(GRID)
        form.addRow(label(tr("Format")), _wide(self._format, self._about))
        folder = button(tr("Choose …"), self._on_choose, tip=tr("Choose the folder to write into"))
        form.addRow(label(tr("Folder")), row(self._out, folder))
        form.addRow(label(""), self._all)
        go = button(tr("Export"), self._on_export, role="main",
                    tip=tr("Write it whole, with a card and the provenance of every row; a folder of "
                    "something else is left alone"))  # fmt: skip
        look = button(
            tr("Open folder"), self._on_folder, tip=tr("Show what was written, on the desktop")
        )
        copy = copy_button(self._words, lambda text: self.told.emit(text, False))
        self._all.toggled.connect(lambda _: self._preview())
        card.body.addLayout(form)
        card.body.addLayout(row(go, look, copy, None))
        return card

    def _words(self) -> list[str]:
        words = ["export", str(self.workbench.project), self._out.text()]
        words += ["--format", self._format.currentData()]
        return [*words, *(["--all"] if self._takes_all() else [])]

    def _takes_all(self) -> bool:
        return self._all.isEnabled() and self._all.isChecked()

    def _preview(self) -> None:
        """Write the beginning of the export somewhere else, and show it."""
        wanted, everything = self._format.currentData(), self._takes_all()
        self._state.setText(tr("Reading …"))
        if wanted == "model":
            out = Path(self._out.text()).expanduser()
            self.reading.ask("preview", lambda _: written_model(out), self._show_preview,
                             failed=self._show_nothing)  # fmt: skip
            return
        self.reading.ask("preview", lambda store: preview(store, format=wanted, include_all=everything),
                         self._show_preview, failed=self._show_nothing)  # fmt: skip

    def _show_preview(self, found: ExportPreview) -> None:
        before = self._files.currentText()
        self._found = dict(found.files)
        self._files.clear()
        self._files.addItems(list(self._found))
        self._files.setVisible(bool(self._found))
        self._files.setCurrentIndex(max(0, self._files.findText(before)))
        part = tr(" · from the first {n:,} rationales", n=MOST) if found.is_part else ""
        self._state.setText(found.note or f"{things(found.rows, 'row')}{part}")
        self._show_file()

    def _show_nothing(self, why: str) -> None:
        self._found = {}
        self._files.clear()
        self._files.hide()
        self._state.setText(why[:1].upper() + why[1:])
        self._text.setPlainText("")

    def _show_file(self) -> None:
        text = safe(self._found.get(self._files.currentText(), ""))
        if text != self._text.toPlainText():  # else what is read in it would jump to its beginning
            self._text.setPlainText(text)

    def _on_folder(self) -> None:
        """Open what was written, or say that nothing was."""
        out = Path(self._out.text()).expanduser()
        if self._out.text().strip() and out.exists():
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(out if out.is_dir() else out.parent)))
        else:
            self.told.emit(tr("Nothing was written there yet: press Export"), True)

    def show_failure(self, why: str) -> None:
        """Say why nobody knows what an export would hold."""
        self._contents.setText(why[:1].upper() + why[1:])

    def reload(self, tables: set[str] | None = None) -> None:
        """Say what an export would hold."""
        self.reading.ask(
            "contents", _contents, lambda found: self._contents.setText(found.in_words)
        )
        if tables is not None:
            self._preview()

    def _on_format(self) -> None:
        name = self._format.currentData()
        self._about.setText(tr(FORMATS[name]))
        out = Path(self._out.text())
        if self._out.text() in ("", self._named):
            self._named = str(self.workbench.project / "exports" / name)
            self._out.setText(self._named)
        elif out.name in FORMATS:  # chosen elsewhere: it stays there
            self._out.setText(str(out.with_name(name)))
        self._all.setEnabled(name not in WITHOUT_REJECTED)
        self._preview()

    def _on_choose(self) -> None:
        dialog = QFileDialog(self, tr("Write below this folder"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        name = self._format.currentData()
        dialog.fileSelected.connect(lambda chosen: self._out.setText(str(Path(chosen) / name)))
        dialog.open()

    def _on_export(self) -> None:
        if not self._out.text().strip():
            self.told.emit(tr("Name the folder to write into"), True)
            return
        self.workbench.export(
            Path(self._out.text()).expanduser(), format=self._format.currentData(),
            include_all=self._takes_all(),
        )  # fmt: skip


def _wide(box: QWidget, about: QWidget) -> QHBoxLayout:
    layout = row(box, about, gap=GRID * 2)
    layout.setStretch(1, 1)
    return layout


def _contents(store: Store) -> Contents:
    row = store.one(views.DECISION_COUNTS)
    total = store.value("SELECT count(*) FROM current_rationales")
    version, policy = store.policy()
    counts = (row["accepted"] or 0, total, row["overridden"] or 0) if row else (0, total, 0)
    return Contents(*counts, version, policy.describe())
