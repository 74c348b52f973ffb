"""The start page: recent projects, new, open, and the sample project."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSettings, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QListWidget, QVBoxLayout, QWidget

from studio.ui.parts import button, label
from studio.ui.theme import GRID

MOST_RECENT = 8


class StartPage(QWidget):
    """Where a newcomer lands.

    Signals:
        open_requested(Path): a project is to be opened.
        new_requested(Path): one is to be made and opened.
        sample_requested(Path): the sample project is to be made and opened.
    """

    open_requested = Signal(object)
    new_requested = Signal(object)
    sample_requested = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout.setSpacing(GRID * 2)
        layout.addWidget(label("MAPD Studio", "title"))
        layout.addWidget(label("Teach a small model to reason from its own mistakes.", "dim"))
        layout.addWidget(button("Try the sample project", self._on_sample, main=True,
                                tip="Offline, no key, no GPU; its committee is scripted"))  # fmt: skip
        layout.addWidget(button("New project …", self._on_new, tip="Make an empty project"))
        layout.addWidget(button("Open project …", self._on_open, tip="Open a project folder"))
        self.problem = label("", "bad", wrap=True)
        layout.addWidget(self.problem)
        self._recent = QListWidget()
        self._recent.setAccessibleName("Recent projects")
        self._recent.setMaximumSize(GRID * 70, GRID * 24)
        self._recent.addItems(recent_projects())
        self._recent.itemActivated.connect(lambda item: self.open_requested.emit(Path(item.text())))
        layout.addWidget(label("RECENT", "head"))
        layout.addWidget(self._recent)

    def _on_new(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Name the new project's folder")
        if name:
            self.new_requested.emit(Path(name))

    def _on_open(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Open a project folder")
        if name:
            self.open_requested.emit(Path(name))

    def _on_sample(self) -> None:
        self.sample_requested.emit(Path.home() / "mapd-sample-project")


def recent_projects() -> list[str]:
    """Return the folders of recent projects that are still there, newest first."""
    found = QSettings().value("recent", [])
    names = found if isinstance(found, list) else [found]
    return [str(name) for name in names if (Path(str(name)) / "studio.db").is_file()]


def remember_project(folder: Path) -> None:
    """Put a project at the head of the recent ones."""
    name = str(folder)
    others = [one for one in recent_projects() if one != name]
    QSettings().setValue("recent", [name, *others][:MOST_RECENT])
