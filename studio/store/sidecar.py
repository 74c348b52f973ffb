"""Notice that a project was copied, or left after a crash, without its sidecar ``studio.db-wal``.

What was written last lies in the sidecar until the project is closed. So while a project is open
for writing, its file says so, in the main file itself; a file that says it and has no sidecar beside
it lacks something. A clean close takes the word back.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from studio.domain.errors import ProjectError

_MARK = "open for writing"
_SET = f"INSERT OR REPLACE INTO settings VALUES ('{_MARK}', 'true')"
_CLEAR = f"DELETE FROM settings WHERE name = '{_MARK}'"


def what_lacks(sql: sqlite3.Connection, file: Path) -> str:
    """Return a line that says what a file without its sidecar may lack; "" when it has all.

    Raises:
        ProjectError: the file is not whole without it.
    """
    # Twice, as a process may begin or end its work between the two looks; never so both times.
    if not all(is_marked(sql) and _has_no_log(file) for _ in range(2)):
        return ""
    gone = f"{file.parent} was not closed, and the sidecar {file.name}-wal is missing"
    try:
        state = sql.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        state = str(error)
    if state != "ok":
        raise ProjectError(
            f"{gone}: without it the file cannot be used; copy the whole folder anew from where it"
            " was, or restore a backup"
        )
    return f"{gone}: what was written last may lack; where you have the whole folder, copy it anew"


def mark_open(sql: sqlite3.Connection) -> bool:
    """Write into the main file that it is being written to; returns whether it stands there now.

    A full disk, a stranger's lock or a reader is no reason not to go on, and not waited for.
    """
    try:
        sql.execute("PRAGMA busy_timeout=0")
        if not is_marked(sql):
            sql.execute(_SET)
        # The log stays, and is not empty.
        busy, frames, folded = sql.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    except sqlite3.OperationalError:
        return False
    finally:
        sql.execute("PRAGMA busy_timeout=10000")
    return not busy and frames == folded


def clear_mark(sql: sqlite3.Connection) -> None:
    """Take the word back: nothing is missing in this file."""
    with contextlib.suppress(sqlite3.Error):
        sql.execute(_CLEAR)


def is_marked(sql: sqlite3.Connection) -> bool:
    """Return whether a file says that it is being written to, or was when its writer ended."""
    try:
        if sql.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            return False
        query = f"SELECT 1 FROM settings WHERE name = '{_MARK}'"
        return sql.execute(query).fetchone() is not None
    except sqlite3.DatabaseError:  # an empty file, or a damaged one: told elsewhere
        return False


def _has_no_log(file: Path) -> bool:
    try:
        return file.with_name(f"{file.name}-wal").stat().st_size == 0
    except OSError:
        return True
