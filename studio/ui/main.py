"""The window's entry point: one application, its scale, a project or the start page, a screenshot."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QSettings, QTimer
from PySide6.QtGui import QCursor, QIcon
from PySide6.QtWidgets import QApplication

from studio.domain.errors import InUseError, StorageError
from studio.prompts import resources
from studio.ui.ending import EndOnSignal
from studio.ui.reading import Reading
from studio.ui.remedies import in_window
from studio.ui.studio import Studio
from studio.ui.texts import use_language
from studio.ui.theme import Wish
from studio.ui.window_state import zoom_now

SETTLED_S = 1.0  #: a screenshot is taken when a page has had this long and reads no more
PATIENCE_S = 15.0  #: and at the latest then
#: How long a thread that computes keeps the others waiting. Each call into Qt lets go of the
#: interpreter, so that with Python's own 5 ms a list of 16 rows takes a second to draw beside a stage.
GIVE_WAY_S = 0.0005
_SCALE = "QT_SCALE_FACTOR"


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
        page: which page to show; else the one that was open last.
        size: width and height in pixels; else as the last window was.
        screenshot: draw the page, save it there as PNG, and quit.

    Raises:
        StudioError: the project cannot be opened, or the picture cannot be written.
    """
    if screenshot is not None and _has_no_display():
        os.environ["QT_QPA_PLATFORM"] = "offscreen"  # a picture needs no screen
    if screenshot is not None:
        _make_room_for(screenshot)
    app = make_application()
    chosen: Wish = str(QSettings().value("theme", "system")) if theme == "system" else theme  # type: ignore[assignment]
    studio = Studio(app, chosen, size, keeps_state=screenshot is None)
    if screenshot is not None:
        QCursor.setPos(9999, 9999)  # nothing is to look as if the mouse were on it
    try:
        with _crashes_shown(studio):
            _open(studio, project, page)
            if screenshot is not None:
                _save_when_settled(studio, screenshot)
            ending = EndOnSignal(app)
            code = int(app.exec())
            ending.leave()
    finally:
        studio.close()
    if screenshot is not None and not screenshot.is_file():
        raise StorageError(f"{screenshot} cannot be written: name another place for the picture")
    if studio.restart is not None:
        _start_anew(studio.restart)
    return code


def _make_room_for(picture: Path) -> None:
    """Find out now, not after the window was drawn, whether a picture can be written there."""
    try:
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.unlink(missing_ok=True)  # an older one is not to be taken for this one
    except OSError as error:
        raise StorageError(
            f"{picture} cannot be written ({error.strerror}): name another place for the picture"
        ) from None


def _has_no_display() -> bool:
    """Return whether this is a Linux without a screen, and nobody said what to draw on."""
    said = ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY")
    return sys.platform.startswith("linux") and not any(os.environ.get(name) for name in said)


def make_application() -> QApplication:
    """Return the one application of this process, at the size that was chosen for everything."""
    sys.setswitchinterval(GIVE_WAY_S)
    found = QApplication.instance()
    if isinstance(found, QApplication):
        app = found
    else:
        QCoreApplication.setOrganizationName("mapd-studio")
        QCoreApplication.setApplicationName("mapd-studio")
        zoom = zoom_now()
        if zoom != 100 and _SCALE not in os.environ:
            os.environ[_SCALE] = f"{zoom / 100:g}"
        app = QApplication(sys.argv[:1])
    app.setOrganizationName("mapd-studio")
    app.setApplicationName("mapd-studio")
    app.setApplicationDisplayName("MAPD Studio")
    use_language(app, str(QSettings().value("language", "en")))
    app.setWindowIcon(QIcon(str(resources() / "icons" / "studio.svg")))
    return app


def _open(studio: Studio, project: Path | None, page: str | None) -> None:
    if project is None:
        studio.show_start()
        return
    try:
        studio.open_project(project, page or "")
    except InUseError as error:
        if not studio.keeps_state:  # a screenshot only looks
            studio.open_project(project, page or "", read_only=True)
        else:
            studio.show_start().tell(in_window(str(error)), in_use=project)


@contextlib.contextmanager
def _crashes_shown(studio: Studio) -> Iterator[None]:
    """Show a bug of ours in a dialog, with what a report needs, instead of on a hidden terminal."""
    before = sys.excepthook

    def show(kind: type[BaseException], error: BaseException, trace: object) -> None:
        before(kind, error, trace)  # type: ignore[arg-type]
        studio.show_crash(error)

    sys.excepthook = show
    try:
        yield
    finally:
        sys.excepthook = before


def _start_anew(project: Path) -> None:
    """Start the program once more, now that everything is let go of."""
    settings = {name: value for name, value in os.environ.items() if name != _SCALE}
    program = (
        [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "studio"]
    )
    subprocess.Popen([*program, "open", str(project)], env=settings)


def _save_when_settled(studio: Studio, path: Path) -> None:
    begun = time.monotonic()
    timer = QTimer(studio)

    def look() -> None:
        assert studio.window is not None  # shown before the timer was started
        waited = time.monotonic() - begun
        is_idle = all(one.is_idle for one in studio.window.findChildren(Reading))
        if waited > PATIENCE_S or (waited > SETTLED_S and is_idle):
            timer.stop()
            QTimer.singleShot(300, studio, lambda: _save(studio, path))  # what was read is drawn

    timer.timeout.connect(look)
    timer.start(50)


def _save(studio: Studio, path: Path) -> None:
    assert studio.window is not None  # shown before the timer was started
    studio.window.grab().save(str(path), "PNG")
    studio.window.close()
    QApplication.quit()
