"""The start page: recent projects, new, open, and the sample project."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.ui.folder_dialogs import backup_dialog, dropped_paths, new_dialog, open_dialog
from studio.ui.parts import Card, button, clear, column, label, row
from studio.ui.plain_text import one_line
from studio.ui.recent import forget_project, is_project, remembered_projects
from studio.ui.texts import tr
from studio.ui.theme import GRID

SAMPLE = "mapd-sample-project"


def _shortly(folder: Path) -> str:
    """Return a path with ~ for the person's own folder."""
    home = Path.home()
    return str(Path("~") / folder.relative_to(home)) if folder.is_relative_to(home) else str(folder)


class StartPage(QWidget):
    """Where a newcomer lands.

    Signals:
        open_requested(Path): a project is to be opened.
        new_requested(Path): one is to be made and opened.
        sample_requested(Path): the sample project is to be made, where it is not yet, and opened.
        look_requested(Path): a project that another process has open is to be looked at.
        restore_requested(Path, Path): a damaged project is to become as a backup has it.
        salvage_requested(Path, Path): what can be read of one is to become a new project.
    """

    open_requested = Signal(object)
    look_requested = Signal(object)
    new_requested = Signal(object)
    sample_requested = Signal(object)
    restore_requested = Signal(object, object)
    salvage_requested = Signal(object, object)

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle(tr("MAPD Studio"))
        self.setAcceptDrops(True)
        self._problem = label("", "bad", wrap=True)
        self._problem.hide()
        self._of = Path()
        self._look = button(tr("Look at it"), lambda: self.look_requested.emit(self._of),
                            tip=tr("Open it read-only: you see what its owner writes"))  # fmt: skip
        self._restore = button(tr("Restore a backup …"), self._on_restore,
                               tip=tr("Put a backup in the place of the damaged records, which are kept beside it"))  # fmt: skip
        self._salvage = button(tr("Save what can be read …"), self._on_salvage,
                               tip=tr("Make a new project of all that can still be read; the damaged one stays as it is"))  # fmt: skip
        self._ways = (self._look, self._restore, self._salvage)
        for way in self._ways:
            way.hide()
        sample = button(tr("Try the sample project"), self._on_sample, role="main",
                        tip=tr("Offline, no key, no GPU; its committee is scripted"))  # fmt: skip
        new = button(
            tr("New project …"), self._on_new,
            tip=tr("Make an empty project in a folder of its own (Ctrl+N)"),
        )  # fmt: skip
        open_ = button(
            tr("Open project …"), self._on_open, tip=tr("Open a project folder (Ctrl+O)")
        )
        for keys, made in (("Ctrl+N", new), ("Ctrl+O", open_)):
            QShortcut(QKeySequence(keys), self).activated.connect(made.click)
        QShortcut(QKeySequence("Ctrl+W"), self).activated.connect(self.close)
        self._recent = column(gap=0)
        recent = Card(tr("Recent projects"))
        recent.body.addLayout(self._recent)
        problem = column(self._problem, row(*self._ways, None), gap=GRID)
        inner = QWidget()
        inner.setFixedWidth(GRID * 76)
        inner.setLayout(column(
            label(tr("MAPD Studio"), "title"),
            label(tr("Teach a small model to reason from its own mistakes: a committee of large models "
                  "explains and reviews, you decide what it learns from."), "dim", wrap=True),
            row(sample, new, open_, None), problem, recent,
            label(tr("Or drop a project's folder here."), "small"), gap=GRID * 2,
        ))  # fmt: skip
        # Between stretches, and not aligned: so lines that wrap get the height they need.
        self.setLayout(column(None, row(None, inner, None), None))
        self._show_recent()

    def tell(
        self, problem: str, *, in_use: Path | None = None, damaged: Path | None = None
    ) -> None:
        """Show why a project could not be opened, in one line, and what can be done with it.

        Args:
            in_use: it can be looked at.
            damaged: it can be put right, or what is left of it saved.
        """
        self._problem.setText(one_line(problem, most=600))
        self._problem.setVisible(bool(problem))
        self._of = in_use or damaged or Path()
        self._look.setVisible(in_use is not None)
        for way in (self._restore, self._salvage):
            way.setVisible(damaged is not None)

    def _show_recent(self) -> None:
        clear(self._recent)
        for folder in remembered_projects():
            self._recent.addWidget(self._entry(folder, there=is_project(folder)))
        if not self._recent.count():
            self._recent.addWidget(label(tr("None yet."), "dim"))

    def _entry(self, folder: Path, *, there: bool) -> QWidget:
        tip = (
            tr("Open {folder}", folder=folder)
            if there
            else tr("{folder} is not there now", folder=folder)
        )
        made = button("", lambda: self.open_requested.emit(folder), role="row", tip=tip)
        made.setAccessibleName(
            tr("Open {name}", name=folder.name)
            if there
            else tr("{name}, missing", name=folder.name)
        )
        where = one_line(_shortly(folder.parent), most=52)
        inside = row(label(one_line(folder.name, most=36), "name" if there else "gone"),
                     label(where if there else tr("missing · {where}", where=where), "dim"), None,
                     gap=GRID * 2)  # fmt: skip
        inside.setContentsMargins(GRID, 0, GRID, 0)
        made.setLayout(inside)
        made.setMinimumHeight(GRID * 5)
        made.setEnabled(there)
        remove = button("✕", lambda: self._forget(folder), role="quiet",
                        tip=tr("Take it off this list; the folder stays as it is"))  # fmt: skip
        remove.setAccessibleName(tr("Take {name} off the list", name=folder.name))
        made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        line = QWidget()
        line.setLayout(row(made, remove, gap=0))
        line.setMinimumHeight(GRID * 5)
        return line

    def _forget(self, folder: Path) -> None:
        forget_project(folder)
        self._show_recent()

    def _on_new(self) -> None:
        dialog = new_dialog(self)
        dialog.fileSelected.connect(lambda name: self.new_requested.emit(Path(name)))
        dialog.open()

    def _on_open(self) -> None:
        dialog = open_dialog(self)
        dialog.fileSelected.connect(lambda name: self.open_requested.emit(Path(name)))
        dialog.open()

    def _on_restore(self) -> None:
        project = self._of
        dialog = backup_dialog(self, project)
        dialog.fileSelected.connect(lambda name: self.restore_requested.emit(project, Path(name)))
        dialog.open()

    def _on_salvage(self) -> None:
        project = self._of
        dialog = new_dialog(self)
        dialog.setDirectory(str(project.parent))
        dialog.selectFile(f"{project.name}-saved")
        dialog.fileSelected.connect(lambda name: self.salvage_requested.emit(project, Path(name)))
        dialog.open()

    def _on_sample(self) -> None:
        self.sample_requested.emit(Path.home() / SAMPLE)

    # Qt's own names

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take a folder."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open a project's folder that is dropped here."""
        folders = dropped_paths(event)
        if folders and folders[0].is_dir():
            self.open_requested.emit(folders[0])
        elif folders:
            self.tell(tr("Files go into a project: open or make one, then drop them there."))
