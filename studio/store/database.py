"""Open, migrate and close a project's SQLite file.

One process writes, through one connection (WAL, every commit synced); readers use connections of
their own that refuse writes.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import sqlite3
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from studio.domain.disk import identity, sync
from studio.domain.errors import ProjectError, StorageError
from studio.store.lock import take_lock
from studio.store.migrations import STEPS
from studio.store.places import shared_place
from studio.store.plain_errors import plain_errors
from studio.store.refusals import LEAST_FREE, take_back, unreadable
from studio.store.schema import APPLICATION_ID, check_owner, version_of
from studio.store.sidecar import clear_mark, is_marked, mark_open, what_lacks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlite_utils import Database

FILE_NAME = "studio.db"
KEPT_BACKUPS = 3  #: of those made before a change of the schema, by age
PATIENCE = "PRAGMA busy_timeout=10000"  #: how long another's lock is waited for, in ms
MARK_AGAIN_S = 1.0
REST_S = 0.002  #: of a copy that lets others work
#: FULL, and a journal's deletion is synced too: one that came back would undo what followed it.
SYNCED = "PRAGMA synchronous=EXTRA"


class Connection:
    """One connection to a project file, and what is done with it safely.

    ``path`` is the project folder. With ``read_only`` every write is refused by SQLite itself.

    Attributes:
        remarks: what its user should know of this project, a line each.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self.read_only = read_only
        self.remarks: list[str] = []
        self._lock: IO[str] | None = None
        self._depth = 0
        self._is_marked = False  # the main file says that it is being written to
        self._is_at_rest = True
        self._mark_at = 0.0  # when to try to mark it again
        file = path / FILE_NAME
        if not file.is_file():
            raise ProjectError(f"{path} is not a project: make one with 'mapd-studio new {path}'")
        if not read_only:
            self._lock = take_lock(path)
        self._was = identity(file)
        try:
            self.sql = _connect(file, read_only=read_only)
            check_owner(self.sql, file)
            self._remark(what_lacks(self.sql, file))
            if not read_only:  # only now: a foreign file must not even change its journal mode
                with plain_errors():
                    self.sql.execute(SYNCED)
                    self._choose_journal()
                    _migrate(self.sql, file)
                self._is_at_rest = not is_marked(self.sql)  # by one who did not come to close it
            elif version_of(self.sql) < len(STEPS):
                self.sql.close()
                Connection(path).close()  # brings it up to date, or says why that cannot be
                self.sql = _connect(file, read_only=True)
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make a new project folder at ``path`` and open it; refuses a folder that is in use."""
        if (path / FILE_NAME).exists():
            raise ProjectError(f"{path} already holds a project: open it, or name another folder")
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise ProjectError(f"{path} exists and is not an empty folder: name another one")
        try:
            for folder in (path, path / "runs", path / "exports"):
                folder.mkdir(parents=True, exist_ok=True)
            sql = sqlite3.connect(path / FILE_NAME, isolation_level=None)
            sql.execute(SYNCED)
            sql.execute(f"PRAGMA application_id={APPLICATION_ID}")
            sql.close()
            for folder in (path, path.parent):
                sync(folder)
            return cls(path)
        except (OSError, sqlite3.Error, StorageError) as error:
            take_back(path)
            why = getattr(error, "strerror", None) or error
            raise StorageError(
                f"cannot make a project at {path} ({why}): name another folder"
            ) from None

    @property
    def db(self) -> Database:
        """The same connection as a ``sqlite_utils.Database`` (imported at first use)."""
        from sqlite_utils import Database

        return Database(self.sql)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all that happens inside at once, or nothing; nested ones join the outer one."""
        if self._depth:
            yield
            return
        with plain_errors():
            self._wake()
            self.sql.execute("BEGIN IMMEDIATE")
        self._depth = 1
        try:
            with plain_errors():
                yield
                self.sql.execute("COMMIT")
        except BaseException:  # a commit that fails leaves its transaction open
            if self.sql.in_transaction:
                self.sql.execute("ROLLBACK")
            raise
        finally:
            self._depth = 0

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        with plain_errors():
            return self.sql.execute(query, values).fetchall()

    def one(self, query: str, *values: Any) -> sqlite3.Row | None:
        """Return the first row of a query, or None."""
        with plain_errors():
            row: sqlite3.Row | None = self.sql.execute(query, values).fetchone()
        return row

    def value(self, query: str, *values: Any) -> Any:
        """Return the first column of the first row, or None."""
        row = self.one(query, *values)
        return None if row is None else row[0]

    def execute(self, query: str, *values: Any) -> int:
        """Run one statement (committed at once outside a transaction); returns rows changed."""
        with plain_errors():
            self._wake()
            return self.sql.execute(query, values).rowcount

    def elsewhere(self) -> int:
        """Return a number that changes when another connection, or process, has written."""
        return int(self.value("PRAGMA data_version"))

    def check_space(self) -> None:
        """Raise StorageError while the disk has no room for what a paid call may bring.

        And when the file is no longer where it was: what is written then is found by nobody.
        """
        if identity(self.path / FILE_NAME) != self._was:
            raise StorageError(
                f"the project at {self.path} was moved, deleted or replaced while it was open:"
                " nothing more was sent; run again where it is now"
            )
        free = shutil.disk_usage(self.path).free
        if free < LEAST_FREE:
            raise StorageError(
                f"only {free >> 20} MB are free on the disk of this project: free some space and"
                " run again; nothing more was sent, and what was made is safe"
            )

    def _choose_journal(self) -> None:
        where = shared_place(self.path)
        if not where:
            self.sql.execute("PRAGMA journal_mode=WAL")
            return
        (mode,) = self.sql.execute("PRAGMA journal_mode=DELETE").fetchone()
        if mode == "delete":  # else somebody reads it now, and it stays as it is
            clear_mark(self.sql)
        self._remark(
            f"{self.path} lies on {where}: it is written more slowly there so that nothing is lost,"
            " but open it on one machine at a time, and keep backups elsewhere"
        )

    @property
    def _has_log(self) -> bool:
        return bool(self.sql.execute("PRAGMA journal_mode").fetchone()[0] == "wal")

    def _remark(self, text: str) -> None:
        if text:
            self.remarks.append(text)
            logging.getLogger(__name__).warning("mapd-studio: %s", text)

    def backup(self, target: Path, *, pages: int = -1) -> None:
        """Write a consistent copy of the file to ``target`` while it is in use.

        Args:
            pages: so many at once, with a rest between; -1: all in one go. Without a snapshot of its
                own the copy begins anew whenever another writes in a rest.
        """
        with plain_errors(), contextlib.closing(
            sqlite3.connect(target, isolation_level=None)
        ) as copy:  # fmt: skip
            _copy_into(copy, self.sql, pages=pages)

    def rest(self) -> None:
        """Fold all into the main file while nothing is written: then it alone is whole.

        Waits for nobody; what a reader holds up stays in the log until the next rest.
        """
        if not self.sql.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self.sql.execute("PRAGMA busy_timeout=0")
                self._fold()
            self.sql.execute(PATIENCE)

    def _wake(self) -> None:
        """Have the main file say that it is being written to, from the first write after a rest on.

        Where a reader is in the way of that, it is tried again in a while.
        """
        if self._is_marked or self.read_only or self._depth or time.monotonic() < self._mark_at:
            return
        self._is_at_rest = False
        self._mark_at = time.monotonic() + MARK_AGAIN_S
        self._is_marked = self._has_log and mark_open(self.sql)

    def _fold(self) -> None:
        if self._is_at_rest:  # also one that was never opened, because it is none of ours
            return
        self._is_at_rest = True
        clear_mark(self.sql)
        self._is_marked, self._mark_at = False, 0.0
        self.sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Fold the WAL into the main file and let go of the lock."""
        sql = getattr(self, "sql", None)
        if sql is not None:
            with contextlib.suppress(sqlite3.Error):
                self._fold()
            sql.close()
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _connect(file: Path, *, read_only: bool) -> sqlite3.Connection:
    mode = "ro" if read_only else "rw"
    uri = f"{file.resolve().as_uri()}?mode={mode}"
    try:
        sql = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        sql.row_factory = sqlite3.Row
        sql.execute(PATIENCE)
        for pragma in ("foreign_keys=ON", "trusted_schema=OFF", "cell_size_check=ON",
                       "mmap_size=0", "temp_store=MEMORY"):  # fmt: skip
            sql.execute(f"PRAGMA {pragma}")
    except sqlite3.DatabaseError as error:
        raise unreadable(file, error) from None
    return sql


def _migrate(sql: sqlite3.Connection, file: Path) -> None:
    version = version_of(sql)
    if version == len(STEPS):
        return
    if version:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        place = file.with_name(f"studio-before-{len(STEPS)}-{stamp}.db")
        copy = sqlite3.connect(place, isolation_level=None)
        with contextlib.closing(copy), plain_errors():
            _copy_into(copy, sql)
    for number, step in enumerate(STEPS[version:], start=version + 1):
        with plain_errors():
            sql.execute("BEGIN IMMEDIATE")
            try:
                step(sql)
                sql.execute(f"PRAGMA user_version={number}")
                sql.execute("COMMIT")
            except BaseException:
                if sql.in_transaction:
                    sql.execute("ROLLBACK")
                raise
    made = sorted(file.parent.glob("studio-before-[0-9]*.db"), key=lambda one: one.stem[-15:])
    for older in made[:-KEPT_BACKUPS]:  # a person's own, and what a restore replaced, stay
        with contextlib.suppress(OSError):
            older.unlink()


def _copy_into(copy: sqlite3.Connection, sql: sqlite3.Connection, *, pages: int = -1) -> None:
    sql.backup(copy, pages=pages, sleep=REST_S)
    copy.execute("PRAGMA journal_mode=DELETE")  # a copy is one file, whatever befalls it
    clear_mark(copy)
