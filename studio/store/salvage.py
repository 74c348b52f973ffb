"""Save what can still be read of a damaged project into a new one; the damaged file is not touched.

Each table is read row by row past whatever cannot be read. What refers to a row that is gone goes
too, so that what is left holds together.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from studio.domain.errors import ProjectError, StorageError
from studio.store.database import FILE_NAME, Connection
from studio.store.migrations import STEPS
from studio.store.refusals import unreadable
from studio.store.schema import APPLICATION_ID

_AT_ONCE = 500  #: rows
_MOST_GAPS = 2_000  #: places of a table that cannot be read, before the rest of it is given up
_LARGEST_ROWID = 1 << 40


class _Text(bytes):
    """A text as it lies in the file: it may be none any more, which is seen row by row."""


class Salvaged(NamedTuple):
    """What became of the rows."""

    rows: dict[str, int]  #: taken over, by table
    gaps: dict[str, int]  #: places that could not be read, by table
    loose: int  #: rows left out because what they refer to is gone

    def describe(self) -> str:
        """Return it in words, a line each."""
        taken = ", ".join(f"{n:,} {name}" for name, n in self.rows.items() if n)
        lines = [f"taken over: {taken or 'nothing'}"]
        if self.gaps:
            lines.append("could not be read everywhere: " + ", ".join(self.gaps))
        if self.loose:
            lines.append(f"left out because what they refer to is gone: {self.loose:,} rows")
        return "\n".join(lines)


def salvage(project: Path, target: Path) -> Salvaged:
    """Make a new project at ``target`` of what can be read in a damaged one.

    Raises:
        ProjectError: there is no file, or nothing of it can be read.
        StorageError: the new project cannot be written.
    """
    file = project / FILE_NAME
    if not file.is_file():
        raise ProjectError(f"{project} is not a project: there is nothing to save")
    Connection.create(target).close()  # refuses a folder that is in use
    try:
        with contextlib.closing(_open(file)) as old:
            found = _fill(target / FILE_NAME, old)
        if not any(found.rows.values()):
            raise ProjectError(f"nothing of {file} can be read: restore a backup")
        Connection(target).close()  # brings an older one up to date
    except BaseException as error:
        shutil.rmtree(target, ignore_errors=True)  # it was made just now
        if isinstance(error, sqlite3.DatabaseError):
            raise unreadable(file, error) from None
        if isinstance(error, OSError):
            raise StorageError(f"cannot write {target}: {error}") from None
        raise
    return found


def _open(file: Path) -> sqlite3.Connection:
    sql = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
    sql.text_factory = _Text
    # writable_schema: a file that is shorter than it says of itself would be refused without it.
    for pragma in (
        "trusted_schema=OFF",
        "cell_size_check=ON",
        "mmap_size=0",
        "writable_schema=ON",
        "query_only=ON",
    ):
        sql.execute(f"PRAGMA {pragma}")
    return sql


def _fill(file: Path, old: sqlite3.Connection) -> Salvaged:
    """Write the file anew, in the version that the damaged one has."""
    version = _version(old)
    file.unlink()
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as new:
        new.execute(f"PRAGMA application_id={APPLICATION_ID}")
        for step in STEPS[:version]:
            step(new)
        new.execute(f"PRAGMA user_version={version}")
        new.execute("BEGIN")
        rows: dict[str, int] = {}
        gaps: dict[str, int] = {}
        for table, columns in _tables(new):
            new.execute(f"DELETE FROM {table}")  # what a migration puts in is in the old one too
            rows[table], missed = _copy(old, new, table=table, columns=columns)
            if missed:
                gaps[table] = missed
        loose = _without_loose_rows(new)
        new.execute("COMMIT")
    return Salvaged(rows, gaps, loose)


def _version(old: sqlite3.Connection) -> int:
    try:
        version = int(old.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.DatabaseError:
        version = len(STEPS)
    return version if 0 < version <= len(STEPS) else len(STEPS)


def _tables(sql: sqlite3.Connection) -> list[tuple[str, list[str]]]:
    names = sql.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    ).fetchall()
    return [
        (name, [row[1] for row in sql.execute(f"PRAGMA table_info({name})")]) for (name,) in names
    ]


def _copy(
    old: sqlite3.Connection, new: sqlite3.Connection, *, table: str, columns: Sequence[str]
) -> tuple[int, int]:
    """Copy one table; returns how many rows came, and how many places could not be read."""
    marks, names = ", ".join("?" * len(columns)), ", ".join(columns)
    taken, missed = 0, 0
    for row in _rows(old, table, names):
        values = None if row is None else _values(row)
        if values is None:
            missed += 1
            continue
        try:
            new.execute(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})", values)
            taken += 1
        except sqlite3.IntegrityError:
            missed += 1
    return taken, missed


def _rows(old: sqlite3.Connection, table: str, names: str) -> Iterator[tuple[object, ...] | None]:
    """Yield the rows of a table by rising rowid, and None for each place that cannot be read."""
    query = f"SELECT rowid, {names} FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT ?"
    last, at_once, step, gaps = -1, _AT_ONCE, 1, 0
    while last < _LARGEST_ROWID and gaps < _MOST_GAPS:
        try:
            found = old.execute(query, (last, at_once)).fetchall()
        except sqlite3.OperationalError as error:
            if "no such column" in str(error):  # a table without row numbers
                yield from _rows_at_once(old, table, names)
                return
            found = None
        except sqlite3.DatabaseError:
            found = None
        if found is None and at_once > 1:
            at_once = 1  # one by one up to the place
        elif found is None:
            last, step, gaps = last + step, step * 2, gaps + 1
            yield None
        elif not found:
            return
        else:
            for row in found:
                yield row[1:]
            # In a damaged tree numbers may not rise any more.
            last, step = max(last + 1, max(row[0] for row in found)), 1
            at_once = min(_AT_ONCE, at_once * 2)


def _rows_at_once(
    old: sqlite3.Connection, table: str, names: str
) -> Iterator[tuple[object, ...] | None]:
    """Yield what comes before the first place that cannot be read."""
    try:
        yield from old.execute(f"SELECT {names} FROM {table}")
    except sqlite3.DatabaseError:
        yield None


def _values(row: tuple[object, ...]) -> list[object] | None:
    """Return a row as it is to be stored, or None where a text of it is none any more."""
    try:
        return [value.decode() if isinstance(value, _Text) else value for value in row]
    except UnicodeDecodeError:
        return None


def _without_loose_rows(new: sqlite3.Connection) -> int:
    """Take out what refers to rows that are gone; returns how many that were."""
    loose, before = 0, -1
    while loose != before:  # what went may have been referred to
        before = loose
        for table, _ in _tables(new):
            for key in new.execute(f"PRAGMA foreign_key_list({table})").fetchall():
                parent, column, theirs = key[2], key[3], key[4] or "id"
                loose += new.execute(
                    f"DELETE FROM {table} WHERE {column} IS NOT NULL"
                    f" AND {column} NOT IN (SELECT {theirs} FROM {parent})"
                ).rowcount
    return loose
