"""The start page: recent projects, new, open, and the sample project."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSettings, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QWidget

from studio.ui.parts import Card, button, clear, column, label, row
from studio.ui.plain_text import one_line
from studio.ui.theme import GRID

MOST_RECENT = 6
SAMPLE = "mapd-sample-project"


class StartPage(QWidget):
    """Where a newcomer lands.

    Signals:
        open_requested(Path): a project is to be opened.
        new_requested(Path): one is to be made and opened.
        sample_requested(Path): the sample project is to be made, where it is not yet, and opened.
    """

    open_requested = Signal(object)
    new_requested = Signal(object)
    sample_requested = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("MAPD Studio")
        self._problem = label("", "bad", wrap=True)
        self._problem.hide()
        sample = button("Try the sample project", self._on_sample, role="main",
                        tip="Offline, no key, no GPU; its committee is scripted")  # fmt: skip
        new = button(
            "New project …", self._on_new, tip="Make an empty project in a folder of its own"
        )
        open_ = button("Open project …", self._on_open, tip="Open a project folder")
        self._recent = column(gap=0)
        recent = Card("Recent projects")
        recent.body.addLayout(self._recent)
        inner = QWidget()
        inner.setFixedWidth(GRID * 76)
        inner.setLayout(column(
            label("MAPD Studio", "title"),
            label("Teach a small model to reason from its own mistakes: a committee of large models "
                  "explains and reviews, you decide what it learns from.", "dim", wrap=True),
            row(sample, new, open_, None), self._problem, recent, gap=GRID * 2,
        ))  # fmt: skip
        middle = QHBoxLayout()
        middle.addWidget(inner, 0, Qt.AlignmentFlag.AlignCenter)
        self.setLayout(column(None, middle, None))
        self._show_recent()

    def tell(self, problem: str) -> None:
        """Show why a project could not be opened, in one line."""
        self._problem.setText(one_line(problem, most=600))
        self._problem.setVisible(bool(problem))

    def _show_recent(self) -> None:
        clear(self._recent)
        for folder in recent_projects():
            self._recent.addWidget(self._entry(folder))
        if not self._recent.count():
            self._recent.addWidget(label("None yet.", "dim"))

    def _entry(self, folder: Path) -> QPushButton:
        made = button(
            "", lambda: self.open_requested.emit(folder), role="row", tip=f"Open {folder}"
        )
        made.setAccessibleName(f"Open {folder.name}")
        inside = row(label(one_line(folder.name, most=40), "name"),
                     label(one_line(str(folder.parent), most=60), "dim"), None, gap=GRID * 2)  # fmt: skip
        inside.setContentsMargins(GRID, 0, GRID, 0)
        made.setLayout(inside)
        made.setMinimumHeight(GRID * 5)
        return made

    def _on_new(self) -> None:
        dialog = QFileDialog(self, "Name the new project's folder")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
        dialog.fileSelected.connect(lambda name: self.new_requested.emit(Path(name)))
        dialog.open()

    def _on_open(self) -> None:
        dialog = QFileDialog(self, "Open a project folder")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(lambda name: self.open_requested.emit(Path(name)))
        dialog.open()

    def _on_sample(self) -> None:
        self.sample_requested.emit(Path.home() / SAMPLE)


def recent_projects() -> list[Path]:
    """Return the folders of recent projects that are still there, newest first."""
    found = QSettings().value("recent", [])
    names = found if isinstance(found, list) else [found]
    return [Path(str(name)) for name in names if (Path(str(name)) / "studio.db").is_file()]


def remember_project(folder: Path) -> None:
    """Put a project at the head of the recent ones."""
    others = [str(one) for one in recent_projects() if one != folder]
    QSettings().setValue("recent", [str(folder), *others][:MOST_RECENT])
