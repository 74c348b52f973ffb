"""Whether a file is a project of ours and holds nothing but what this program has put into it.

A project may come from somebody else: a trigger or a view in it would act in our name. So its tables,
indexes and views are compared with those that our own migrations make, before anything is read.
"""

from __future__ import annotations

import contextlib
import sqlite3
from functools import lru_cache
from pathlib import Path

from studio.domain.errors import DamagedError, ProjectError
from studio.store.migrations import STEPS
from studio.store.refusals import put_back, unreadable

APPLICATION_ID = 0x4D415044  #: "MAPD"
_OBJECTS = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"


def check_owner(sql: sqlite3.Connection, file: Path) -> None:
    """Refuse a file of another program, of a newer version, or with something foreign in it.

    Raises:
        ProjectError: it is none of ours; nothing in it was touched.
    """
    try:
        owner = sql.execute("PRAGMA application_id").fetchone()[0]
        version = version_of(sql)
        found = [tuple(row) for row in sql.execute(_OBJECTS).fetchall()]
    except sqlite3.DatabaseError as error:
        raise unreadable(file, error) from None
    if owner != APPLICATION_ID:
        whose = "belongs to another program" if file.stat().st_size else "is empty"
        raise DamagedError(f"{file} {whose}: nothing in it was touched; {put_back(file)}")
    if version > len(STEPS):
        raise ProjectError(
            f"{file} was written by a newer version (schema {version}, this one knows "
            f"{len(STEPS)}): update mapd-studio; nothing in it was touched"
        )
    ours = _objects_of(version)
    foreign = [f"{kind} {name!r}" for kind, name, text in found
               if not _is_ours(kind, text, ours.get(name))]  # fmt: skip
    if foreign:
        raise ProjectError(
            f"{file} holds what mapd-studio has not made ({', '.join(foreign)[:200]}): nothing in it"
            " was touched; take it out, or ask whoever sent the project for a backup of it"
        )


def version_of(sql: sqlite3.Connection) -> int:
    """Return how many migrations a file has gone through."""
    return int(sql.execute("PRAGMA user_version").fetchone()[0])


def _is_ours(kind: str, text: str | None, made: tuple[str, str | None] | None) -> bool:
    """Return whether an object may stand in a project: a view acts by its text, a table does not."""
    if made is None or kind != made[0]:
        return False
    if kind == "table":
        return (text or "").upper().startswith("CREATE TABLE")  # and no virtual one
    return kind == "index" or text == made[1]


@lru_cache(maxsize=len(STEPS) + 1)
def _objects_of(version: int) -> dict[str, tuple[str, str | None]]:
    """Return what our own migrations make, by name."""
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as sql:
        for step in STEPS[:version]:
            step(sql)
        return {name: (kind, text) for kind, name, text in sql.execute(_OBJECTS)}
