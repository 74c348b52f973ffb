"""The window's entry point: the application, its colours, the start page or a project."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QSettings, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from studio.app.workbench import Workbench
from studio.domain.errors import StudioError
from studio.ui.main_window import MainWindow
from studio.ui.pages.start import StartPage, remember_project
from studio.ui.theme import apply_theme

SETTLED_S = 1.5  #: how long a page may go on loading before a screenshot is taken of it


class Studio:
    """The running application: one window at a time."""

    def __init__(self, app: QApplication, theme: str) -> None:
        self.app = app
        self.window: QWidget | None = None
        self._bench: Workbench | None = None
        self.use_theme(theme)

    def use_theme(self, theme: str) -> None:
        """Give everything the colours of a scheme."""
        apply_theme(self.app, theme)

    def start_page(self) -> StartPage:
        """Show the start page."""
        page = StartPage()
        page.setWindowTitle("MAPD Studio")
        page.resize(1280, 800)
        page.open_requested.connect(lambda folder: self._try(page, folder, "open"))
        page.new_requested.connect(lambda folder: self._try(page, folder, "new"))
        page.sample_requested.connect(lambda folder: self._try(page, folder, "sample"))
        self._show(page)
        return page

    def open_project(self, folder: Path, page: str) -> MainWindow:
        """Open a project on a page; raises StudioError when it cannot be opened."""
        bench = Workbench(folder)
        self._bench = bench
        window = MainWindow(bench, self.use_theme)
        window.show_page(page)
        remember_project(bench.project)
        self._show(window)
        return window

    def close(self) -> None:
        """End all work and let go of the project."""
        if self._bench is not None:
            self._bench.close()
            self._bench = None

    def _try(self, page: StartPage, folder: Path, how: str) -> None:
        try:
            if how == "new":
                Workbench.create(folder).close()
            elif how == "sample" and not (folder / "studio.db").is_file():
                from studio.app.demo import make_demo

                make_demo(folder)
            self.open_project(folder, "overview")
        except StudioError as error:
            page.problem.setText(str(error))

    def _show(self, window: QWidget) -> None:
        before, self.window = self.window, window
        window.show()
        if before is not None:
            before.close()


def run(
    project: Path | None,
    *,
    page: str | None = None,
    theme: str = "system",
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
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setOrganizationName("mapd-studio")
    app.setApplicationName("mapd-studio")
    wanted = str(QSettings().value("theme", "system")) if theme == "system" else theme
    studio = Studio(app, wanted)
    try:
        window = (
            studio.start_page()
            if project is None
            else studio.open_project(project, page or "overview")
        )
        if size is not None:
            window.resize(*size)
        if screenshot is not None:
            QTimer.singleShot(int(SETTLED_S * 1000), lambda: _save(window, screenshot))
        return int(app.exec())
    finally:
        studio.close()


def _save(window: QWidget, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    window.grab().save(str(path), "PNG")
    window.close()
    QApplication.quit()
