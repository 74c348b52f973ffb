"""The running application: the start page, or the window of a project, and going from one to another."""

from __future__ import annotations

import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget
from shiboken6 import isValid

from studio.app.workbench import Workbench
from studio.domain.errors import DamagedError, InUseError, StudioError
from studio.ui.main_window import MainWindow
from studio.ui.remedies import in_window
from studio.ui.restoring import Restoring
from studio.ui.stations import STATIONS
from studio.ui.texts import tr
from studio.ui.theme import Wish, apply_theme
from studio.ui.window_state import last_page, restore_window

if TYPE_CHECKING:
    from studio.ui.pages.start import StartPage

USUAL_SIZE = (1280, 800)
How = Literal["open", "new", "sample", "look"]


class Studio(QObject):
    """Owns what is open.

    Attributes:
        window: what is in sight now.
        restart: the project with which the program is to start anew once it has ended.

    Args:
        size: of every window; None: as the last one was.
        keeps_state: whether windows are remembered for the next start.
    """

    def __init__(
        self, app: QApplication, theme: Wish, size: tuple[int, int] | None, *,
        keeps_state: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(app)
        self._app = app
        self._size = size
        self._theme: Wish = theme
        self._open: list[Workbench] = []
        self.keeps_state = keeps_state
        self.window: QWidget | None = None
        self.restart: Path | None = None
        self._crash: QMessageBox | None = None
        self._restoring = Restoring(self)
        apply_theme(app, theme)
        app.styleHints().colorSchemeChanged.connect(lambda _: self._on_scheme())

    def show_start(self) -> StartPage:
        """Show the start page."""
        from studio.ui.pages.start import StartPage

        page = StartPage()
        page.open_requested.connect(lambda folder: self._try(folder, "open"))
        page.new_requested.connect(lambda folder: self._try(folder, "new"))
        page.sample_requested.connect(lambda folder: self._try(folder, "sample"))
        page.look_requested.connect(lambda folder: self._try(folder, "look"))
        page.restore_requested.connect(partial(self._restore_damaged, page))
        page.salvage_requested.connect(partial(self._save_rest, page))
        self._show(page)
        return page

    def open_project(self, folder: Path, page: str = "", *, read_only: bool = False) -> MainWindow:
        """Open a project on a page; raises StudioError when it cannot be opened."""
        workbench = Workbench(folder, read_only=read_only)
        window = MainWindow(workbench)
        window.keeps_state = self.keeps_state
        window.theme_requested.connect(self.use_theme)
        window.open_requested.connect(partial(self._on_open, window))
        window.new_requested.connect(lambda folder: self._try(folder, "new"))
        window.start_requested.connect(self.show_start)
        window.restart_requested.connect(partial(self._on_restart, window))
        window.actions_.backups.restore_requested.connect(partial(self._on_restore, window))
        window.closed.connect(partial(self._let_go, workbench))
        self._open.append(workbench)
        last = last_page(workbench.project) if self.keeps_state and not page else ""
        window.show_page(page or (last if last in STATIONS else "overview"))
        self._show(window)
        if not read_only:
            QTimer.singleShot(0, self, lambda: _remember(workbench.project))
        return window

    def use_theme(self, theme: Wish) -> None:
        """Give everything the colours of a scheme."""
        self._theme = theme
        apply_theme(self._app, theme)

    def close(self) -> None:
        """End all work and let go of every project."""
        self._restoring.close()
        for workbench in tuple(self._open):
            self._let_go(workbench)

    def show_crash(self, error: BaseException) -> None:
        """Say that something went wrong that is our fault, with what a report needs."""
        from studio.ui.parts import say

        if isinstance(error, StudioError):  # a disk that was taken out, a file that is locked
            self._tell(in_window(str(error)))
        elif self.window is not None and not self._crash_is_shown():
            self._crash = say(
                self.window,
                tr("A mistake of ours"),
                tr(
                    "{name}: {error}\n\nWhat was saved is safe. The details below belong "
                    "into a report.",
                    name=type(error).__name__,
                    error=error,
                ),
                detail="".join(traceback.format_exception(error)),
            )

    def _crash_is_shown(self) -> bool:
        """Whether one is in sight: what fails while it is drawn would show one without end."""
        return self._crash is not None and isValid(self._crash) and self._crash.isVisible()

    def _try(self, folder: Path, how: How) -> None:
        self._tell("")
        try:
            if how == "new":
                Workbench.create(folder).close()
            elif how == "sample" and not (folder / "studio.db").is_file():
                from studio.app.demo import make_demo

                make_demo(folder)
            self.open_project(folder, read_only=how == "look")
        except InUseError as error:
            self._tell(in_window(str(error)), in_use=folder)
        except DamagedError as error:
            self._tell(in_window(str(error)), damaged=folder)
        except StudioError as error:
            self._tell(in_window(str(error)))

    def _on_open(self, window: MainWindow, folder: Path) -> None:
        if window.workbench.refusal:  # its folder was moved, and with it the lock that we hold
            self.show_start()
            window.close_at_once()
            self._try(folder, "open")
        elif window.workbench.read_only and folder.resolve() == window.workbench.project:
            self._try(folder, "open")
        elif any(folder.resolve() == one.project for one in self._open):
            window.jobs.tell(tr("{name} is open already.", name=folder.name))
        else:
            self._try(folder, "open")

    def _on_restore(self, window: MainWindow, backup: Path) -> None:
        project = window.workbench.project
        start = self.show_start()
        window.close_at_once()  # nothing runs; the file has to be let go of
        start.tell(tr("Restoring {file} …", file=backup.name))
        self._restoring.start(project, backup, partial(self._go_on, start, project, None))

    def _restore_damaged(self, start: StartPage, project: Path, backup: Path) -> None:
        start.tell(tr("Restoring {file} …", file=backup.name))
        self._restoring.start(project, backup, partial(self._go_on, start, project, project))

    def _save_rest(self, start: StartPage, project: Path, new: Path) -> None:
        start.tell(tr("Saving what can be read of {name} …", name=project.name))
        self._restoring.save_rest(project, new, partial(self._go_on, start, new, project))

    def _go_on(
        self, start: StartPage, project: Path, damaged: Path | None, said: str, failed: bool
    ) -> None:
        """Open what was put right, and say how; where that failed a damaged one stays in sight."""
        if self.window is start:
            if failed and damaged is not None:
                start.tell(said, damaged=damaged)
                return
            self._try(project, "open")
        if isinstance(self.window, MainWindow):
            self.window.jobs.tell(f"✗ {said}" if failed else said, failed)

    def _on_restart(self, window: MainWindow) -> None:
        self.restart = window.workbench.project
        window.close()
        if window.isVisible():  # work is running, and it goes on
            self.restart = None
            window.jobs.tell(tr("The new size holds from the next start."))

    def _tell(
        self, problem: str, *, in_use: Path | None = None, damaged: Path | None = None
    ) -> None:
        """Say in whatever is in sight why a project could not be opened."""
        if isinstance(self.window, MainWindow):
            if damaged is not None:
                problem = tr("{name} is damaged; the start page can put it right: close this project, and open it there",
                             name=damaged.name)  # fmt: skip
            if problem:
                self.window.jobs.tell(f"✗ {problem}", True)
        elif self.window is not None:
            self.window.tell(problem, in_use=in_use, damaged=damaged)  # type: ignore[attr-defined]

    def _let_go(self, workbench: Workbench) -> None:
        if workbench in self._open:
            self._open.remove(workbench)
            workbench.close()

    def _show(self, window: QWidget) -> None:
        before, self.window = self.window, window
        if self._size is not None or not (self.keeps_state and restore_window(window)):
            window.resize(*(self._size or USUAL_SIZE))
        window.show()
        if before is not None:
            before.close()

    def _on_scheme(self) -> None:
        if self._theme == "system":
            apply_theme(self._app, "system")


def _remember(folder: Path) -> None:
    from studio.ui.recent import remember_project

    remember_project(folder)
