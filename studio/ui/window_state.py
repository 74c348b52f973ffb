"""Where a window stood, how its panes were divided and which page it showed: kept between starts."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtWidgets import QSplitter, QWidget

from studio.ui.texts import tr

ZOOMS = (100, 110, 125, 150, 200)  #: sizes of everything, in percent
_GEOMETRY = "window/geometry"


def keep_window(window: QWidget) -> None:
    """Remember place and size."""
    QSettings().setValue(_GEOMETRY, window.saveGeometry())


def restore_window(window: QWidget) -> bool:
    """Put a window where the last one was; tells whether there was one."""
    found = QSettings().value(_GEOMETRY)
    return isinstance(found, QByteArray) and window.restoreGeometry(found)


def keep_panes(name: str, page: QWidget) -> None:
    """Remember how the panes of a page are divided."""
    for n, pane in enumerate(page.findChildren(QSplitter)):
        QSettings().setValue(f"panes/{name}/{n}", pane.saveState())


def restore_panes(name: str, page: QWidget) -> None:
    """Divide the panes of a page as they were."""
    for n, pane in enumerate(page.findChildren(QSplitter)):
        found = QSettings().value(f"panes/{name}/{n}")
        if isinstance(found, QByteArray):
            pane.restoreState(found)


def keep_page(project: Path, page: str) -> None:
    """Remember which page of a project was open last."""
    QSettings().setValue(_page_key(project), page)


def last_page(project: Path) -> str:
    """Return which page of a project was open last; "" when it is not known."""
    return str(QSettings().value(_page_key(project), ""))


def zoom_now() -> int:
    """Return the size of everything, in percent."""
    found = str(QSettings().value("zoom", 100))
    return int(found) if found.isdecimal() and int(found) in ZOOMS else 100


def _page_key(project: Path) -> str:
    return f"pages/{sha256(str(project).encode()).hexdigest()[:16]}"


def title_of(project: str, *, read_only: bool) -> str:
    """Return the title of the window of a project."""
    only = tr(" (only to look at)") if read_only else ""
    return f"{project}{only} – MAPD Studio"
