"""The window's entry point: the application, its colours, the start page or a project."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSettings, QTimer
from PySide6.QtGui import QCursor, QIcon
from PySide6.QtWidgets import QApplication, QWidget

from studio.app.workbench import Workbench
from studio.domain.errors import StudioError
from studio.prompts import resources
from studio.ui.main_window import MainWindow
from studio.ui.theme import Wish, apply_theme

if TYPE_CHECKING:
    from studio.ui.pages.start import StartPage

SETTLED_S = 1.5  #: how long a page may go on loading before a screenshot is taken of it


class Studio(QObject):
    """The running application: the start page, or the window of one project."""

    def __init__(self, app: QApplication, theme: Wish, size: tuple[int, int]) -> None:
        super().__init__(app)
        self._app = app
        self._size = size
        self._theme: Wish = theme
        self._workbench: Workbench | None = None
        self.window: QWidget | None = None
        apply_theme(app, theme)
        app.styleHints().colorSchemeChanged.connect(lambda _: self._on_scheme())

    def show_start(self) -> StartPage:
        """Show the start page."""
        from studio.ui.pages.start import StartPage

        page = StartPage()
        page.open_requested.connect(lambda folder: self._try(page, folder, "open"))
        page.new_requested.connect(lambda folder: self._try(page, folder, "new"))
        page.sample_requested.connect(lambda folder: self._try(page, folder, "sample"))
        self._show(page)
        return page

    def open_project(self, folder: Path, page: str) -> MainWindow:
        """Open a project on a page; raises StudioError when it cannot be opened."""
        workbench = Workbench(folder)
        window = MainWindow(workbench)
        window.theme_requested.connect(self.use_theme)
        window.closed.connect(self.close)
        self._workbench = workbench
        window.show_page(page)
        self._show(window)
        QTimer.singleShot(0, self, lambda: _remember(workbench.project))
        return window

    def use_theme(self, theme: Wish) -> None:
        """Give everything the colours of a scheme."""
        self._theme = theme
        apply_theme(self._app, theme)

    def close(self) -> None:
        """End all work and let go of the project."""
        workbench, self._workbench = self._workbench, None
        if workbench is not None:
            workbench.close()

    def _try(self, page: StartPage, folder: Path, how: str) -> None:
        page.tell("")
        try:
            if how == "new":
                Workbench.create(folder).close()
            elif how == "sample" and not (folder / "studio.db").is_file():
                from studio.app.demo import make_demo

                make_demo(folder)
            self.open_project(folder, "overview")
        except StudioError as error:
            page.tell(str(error))

    def _show(self, window: QWidget) -> None:
        before, self.window = self.window, window
        window.resize(*self._size)
        window.show()
        if before is not None:
            before.close()

    def _on_scheme(self) -> None:
        if self._theme == "system":
            apply_theme(self._app, "system")


def run(
    project: Path | None,
    *,
    page: str | None = None,
    theme: Wish = "system",
    size: tuple[int, int] | None = None,
    screenshot: Path | None = None,
) -> int:
    """Open the window and stay until it is closed; returns the exit code.

    Args:
        size: width and height in pixels.
        screenshot: draw the page, save it there as PNG, and quit.

    Raises:
        StudioError: the project cannot be opened.
    """
    app = make_application()
    chosen: Wish = str(QSettings().value("theme", "system")) if theme == "system" else theme  # type: ignore[assignment]
    studio = Studio(app, chosen, size or (1280, 800))
    if screenshot is not None:
        QCursor.setPos(9999, 9999)  # nothing is to look as if the mouse were on it
    try:
        if project is None:
            studio.show_start()
        else:
            studio.open_project(project, page or "overview")
        if screenshot is not None:
            QTimer.singleShot(int(SETTLED_S * 1000), studio, lambda: _save(studio, screenshot))
        return int(app.exec())
    finally:
        studio.close()


def make_application() -> QApplication:
    """Return the one application of this process."""
    found = QApplication.instance()
    app = found if isinstance(found, QApplication) else QApplication(sys.argv[:1])
    app.setOrganizationName("mapd-studio")
    app.setApplicationName("mapd-studio")
    app.setApplicationDisplayName("MAPD Studio")
    app.setWindowIcon(QIcon(str(resources() / "icons" / "studio.svg")))
    return app


def _remember(folder: Path) -> None:
    from studio.ui.pages.start import remember_project

    remember_project(folder)


def _save(studio: Studio, path: Path) -> None:
    assert studio.window is not None  # shown before the timer was started
    path.parent.mkdir(parents=True, exist_ok=True)
    studio.window.grab().save(str(path), "PNG")
    studio.window.close()
    QApplication.quit()
