"""Backups of a project file: made while it is in use, checked by opening them, put back.

What stands in the way of a restored file is kept beside it, never overwritten: it may hold what the
backup lacks.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import time
from pathlib import Path

from studio.domain.disk import sync
from studio.domain.errors import ProjectError, StorageError
from studio.store.database import FILE_NAME, Connection
from studio.store.lock import take_lock
from studio.store.refusals import unreadable
from studio.store.schema import check_owner

_BESIDE = ("", "-wal", "-shm", "-journal")  #: a file and what belongs to it until it is closed


def make_backup(store: Connection, target: Path, *, pages: int = -1) -> Path:
    """Write a consistent, checked copy of a project's file while it is in use; returns where.

    Args:
        pages: how many are copied at once, see ``Connection.backup``.

    Raises:
        StorageError: there is no room, or the place cannot be written; what was there stays.
    """
    place = target / f"studio-{time.strftime('%Y%m%d-%H%M%S')}.db" if target.is_dir() else target
    if place.name.startswith(FILE_NAME) and (place.parent / FILE_NAME).exists():
        raise StorageError(f"{place} is a project's own file: name another one for the backup")
    part = place.with_name(f".{place.name}.part")
    try:
        store.backup(part, pages=pages)
        check_backup(part)
        sync(part)
        part.replace(place)
        sync(place.parent)
    except (OSError, sqlite3.Error) as error:
        why = getattr(error, "strerror", None) or error
        raise StorageError(
            f"no backup was made at {place} ({why}): make room or name another place"
        ) from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return place


def check_backup(file: Path) -> None:
    """Make sure that a file is a whole project file that can be opened here.

    Raises:
        ProjectError: it is not; says why.
    """
    if not file.is_file():
        raise ProjectError(f"{file} is no file: name the backup itself; nothing was changed")
    try:
        with contextlib.closing(
            sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)
        ) as sql:
            check_owner(sql, file)
            state = sql.execute("PRAGMA integrity_check").fetchone()[0]
            loose = sql.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.Error as error:
        raise unreadable(file, error) from None
    if state != "ok" or loose is not None:
        raise ProjectError(f"{file} is damaged itself: choose another backup; nothing was changed")


def restore_backup(project: Path, backup: Path) -> Path | None:
    """Put a backup in the place of a project's file; returns where the former one is kept now.

    Raises:
        ProjectError: the backup cannot be used, or the project is open; nothing was changed.
        StorageError: there is no room; nothing was changed.
    """
    check_backup(backup)
    if not project.is_dir():
        raise ProjectError(f"{project} is not a folder: name the project's folder")
    lock = take_lock(project)
    try:
        file = project / FILE_NAME
        part = project / "studio.restoring"
        try:
            shutil.copyfile(backup, part)
            sync(part)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise StorageError(
                f"{project} cannot be restored into ({error.strerror or error}): make room and try"
                " again; nothing was changed"
            ) from None
        kept = _put_aside(file)
        part.replace(file)
        sync(project)
        return kept
    finally:
        lock.close()


def _put_aside(file: Path) -> Path | None:
    """Move a file away with what belongs to it: a stranger's log would be played into the new one.

    The log goes first. Cut short in between, the file lies there without what it had not folded
    in, which lies beside it under the new name.
    """
    if not file.exists():
        return None
    stamp = time.strftime("%Y%m%d-%H%M%S")
    kept = file.with_name(f"studio-before-restore-{stamp}.db")
    number = 1
    while kept.exists():
        number += 1
        kept = file.with_name(f"studio-before-restore-{stamp}-{number}.db")
    for end in reversed(_BESIDE):
        part = file.with_name(file.name + end)
        if part.exists():
            part.replace(kept.with_name(kept.name + end))
    return kept
