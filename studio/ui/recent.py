"""The projects that were open last: newest first, also those that are not there just now."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSettings

MOST_RECENT = 8
_KEY = "recent"


def remembered_projects() -> list[Path]:
    """Return the folders of recent projects, newest first; some may be missing."""
    found = QSettings().value(_KEY, [])
    names = found if isinstance(found, list) else [found]
    return [Path(str(name)) for name in names if str(name)]


def remember_project(folder: Path) -> None:
    """Put a project at the head of the recent ones."""
    others = [str(one) for one in remembered_projects() if one != folder]
    QSettings().setValue(_KEY, [str(folder), *others][:MOST_RECENT])


def forget_project(folder: Path) -> None:
    """Take a project off the list; its folder stays as it is."""
    QSettings().setValue(_KEY, [str(one) for one in remembered_projects() if one != folder])


def is_project(folder: Path) -> bool:
    """Whether there is a project in this folder."""
    return (folder / "studio.db").is_file()
