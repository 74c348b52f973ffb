"""A disk that loses power: records what SQLite asks of it, and shows what a cut would have left.

SQLite runs on a VFS that notes each write, sync and deletion. A cut at any moment then leaves what
was synced, and of the rest each 512-byte sector or none, by chance. ``Sql`` gives the connection
the form of Python's own, so that the real store runs on it unchanged.
"""

from __future__ import annotations

import itertools
import random
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import apsw

from studio.store import database

SECTOR = 512
_numbers = itertools.count()


class Did(NamedTuple):
    """One thing that was asked of the disk, or a mark of what was promised by then."""

    what: str  #: write, truncate, sync, delete, mark
    file: str = ""
    at: int = 0
    data: bytes = b""
    mark: Any = None


class Disk:
    """Keeps everything that was asked of it, in order.

    Attributes:
        fail_at: the number of the write or sync that fails, and with which error; None: none.
    """

    def __init__(self) -> None:
        self.log: list[Did] = []
        self.fail_at: tuple[int, type[Exception]] | None = None
        self.asked = 0
        self._vfs = _Vfs(self)

    @property
    def vfs(self) -> str:
        return self._vfs.name

    def note(self, *given: Any, **fields: Any) -> None:
        self.log.append(Did(*given, **fields))

    def may_fail(self) -> None:
        """Count one write or sync, and fail if it is the one, as all after it."""
        self.asked += 1
        if self.fail_at is not None and self.asked >= self.fail_at[0]:
            raise self.fail_at[1]("by design")


class _Vfs(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        self.name = f"power-{next(_numbers)}"
        self._disk = disk
        super().__init__(self.name, "")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:
        return _File(name, flags, self._disk)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        super().xDelete(filename, syncdir)
        self._disk.note("delete", Path(filename).name, int(syncdir))


class _File(apsw.VFSFile):
    def __init__(self, name: Any, flags: list[int], disk: Disk) -> None:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._name, self._disk = Path(path or "").name, disk
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.may_fail()
        super().xWrite(data, offset)
        self._disk.note("write", self._name, offset, bytes(data))

    def xTruncate(self, newsize: int) -> None:
        super().xTruncate(newsize)
        self._disk.note("truncate", self._name, newsize)

    def xSync(self, flags: int) -> None:
        self._disk.may_fail()
        super().xSync(flags)
        self._disk.note("sync", self._name)


class _Row:
    """A row as ``sqlite3.Row`` is one."""

    def __init__(self, names: list[str], values: tuple[Any, ...]) -> None:
        self._names, self._values = names, values

    def __getitem__(self, key: str | int) -> Any:
        return self._values[self._names.index(key) if isinstance(key, str) else key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def keys(self) -> list[str]:
        return self._names


class _Cursor:
    def __init__(self, rows: list[_Row], changed: int) -> None:
        self._rows, self.rowcount = rows, changed

    def fetchall(self) -> list[_Row]:
        return self._rows

    def fetchone(self) -> _Row | None:
        return self._rows[0] if self._rows else None

    def __iter__(self) -> Iterator[_Row]:
        return iter(self._rows)


class Sql:
    """``sqlite3.Connection``, as far as the store uses it, on a disk of ours."""

    def __init__(self, path: str, disk: Disk, *, instead: Mapping[str, str]) -> None:
        plain = unquote(urlsplit(path).path) if path.startswith("file:") else path
        self._disk, self._instead = disk, instead
        self._sql = apsw.Connection(plain, vfs=disk.vfs)
        self._sql.row_trace = lambda cursor, row: _Row([d[0] for d in cursor.getdescription()], row)
        self.row_factory: Any = None

    def execute(self, query: str, values: Sequence[Any] = ()) -> _Cursor:
        for theirs, ours in self._instead.items():
            query = query.replace(theirs, ours)
        with _as_python_says():
            rows: list[Any] = self._sql.execute(query, tuple(values)).fetchall()
        self._note_commit()
        return _Cursor(rows, self._sql.changes())

    def executemany(self, query: str, values: Iterable[Any]) -> None:
        with _as_python_says():
            self._sql.executemany(query, values)
        self._note_commit()

    @property
    def total_changes(self) -> int:
        return self._sql.total_changes()

    @property
    def in_transaction(self) -> bool:
        return self._sql.in_transaction

    def backup(self, target: Sql, *, pages: int, sleep: float) -> None:
        assert (pages, sleep > 0) == (-1, True), "a change of the schema copies in one go"
        with target._sql.backup("main", self._sql, "main") as copying:
            copying.step()

    def close(self) -> None:
        with suppress(apsw.Error):
            self._sql.close()

    def _note_commit(self) -> None:
        """Note how much is promised by now: whatever this connection sees outside a transaction."""
        if self._sql.in_transaction or not self._sql.table_exists(None, "calls"):
            return
        seen = self._sql.execute(PROMISED).fetchone()
        self._disk.note("mark", mark=tuple(seen))


PROMISED = """SELECT (SELECT count(*) FROM questions), (SELECT count(*) FROM calls),
(SELECT count(*) FROM calls WHERE reply IS NOT NULL), (SELECT count(*) FROM rationales),
(SELECT count(*) FROM reviews), (SELECT count(*) FROM decisions)"""


@contextmanager
def _as_python_says() -> Iterator[None]:
    try:
        yield
    except apsw.FullError as error:
        raise sqlite3.OperationalError("database or disk is full") from error
    except apsw.IOError as error:
        raise sqlite3.OperationalError("disk I/O error") from error


@contextmanager
def on_disk(disk: Disk, *, instead: Mapping[str, str] | None = None) -> Iterator[None]:
    """Let the store open its files on ``disk``; ``instead`` replaces parts of its statements."""

    class Ours:
        def __getattr__(self, name: str) -> Any:
            return getattr(sqlite3, name)

        def connect(self, path: Any, **_: Any) -> Sql:
            return Sql(str(path), disk, instead=instead or {})

    database.sqlite3, before = Ours(), database.sqlite3  # type: ignore[assignment]
    try:
        yield
    finally:
        database.sqlite3 = before


class _Platter:
    """The bytes of each file that are safe, and what was asked for since."""

    def __init__(self) -> None:
        self.safe: dict[str, bytearray] = {}
        self.waiting: list[Did] = []

    def take(self, did: Did) -> None:
        if did.what == "sync":
            for one in self.waiting:
                if one.file == did.file:
                    _apply(self.safe, one)
            self.safe.setdefault(did.file, bytearray())
            self.waiting = [one for one in self.waiting if one.file != did.file]
        elif did.what == "delete" and did.at:  # with its folder synced
            self.waiting = [one for one in self.waiting if one.file != did.file]
            self.safe.pop(did.file, None)
        elif did.what != "mark":
            self.waiting.append(did)

    def after_a_cut(self, chance: random.Random, *, under_way: Did) -> dict[str, bytearray]:
        left = {name: bytearray(data) for name, data in self.safe.items()}
        survives = chance.choice((0.1, 0.5, 0.9))
        for did in (*self.waiting, under_way):
            if did.what == "write":
                for piece in _sectors(did):
                    if chance.random() < survives:
                        _apply(left, piece)
            elif did.what != "sync" and chance.random() < survives:
                _apply(left, did)
        return left


def _sectors(did: Did) -> Iterator[Did]:
    start, end = did.at, did.at + len(did.data)
    while start < end:
        stop = min(end, (start // SECTOR + 1) * SECTOR)
        yield did._replace(at=start, data=did.data[start - did.at : stop - did.at])
        start = stop


def _apply(files: dict[str, bytearray], did: Did) -> None:
    if did.what == "delete":
        files.pop(did.file, None)
        return
    data = files.setdefault(did.file, bytearray())
    if did.what == "truncate":
        del data[did.at :]
        return
    data.extend(bytes(max(0, did.at - len(data))))
    data[did.at : did.at + len(did.data)] = did.data


class Cut(NamedTuple):
    """What one power cut left: the files, and what had been promised before it."""

    files: dict[str, bytearray]
    promised: tuple[int, ...] | None


def cuts(
    disk: Disk, n: int, *, seed: int = 1, before: Mapping[str, bytes] | None = None
) -> Iterator[Cut]:
    """Yield what ``n`` cuts at random moments of the log would have left.

    Args:
        before: the files that were safe when the log began.
    """
    chance = random.Random(seed)
    moments = [number for number, did in enumerate(disk.log) if did.what != "mark"]
    platter, promised, place = _Platter(), None, 0
    platter.safe.update({name: bytearray(data) for name, data in (before or {}).items()})
    for moment in sorted(chance.choice(moments) for _ in range(n)):
        for did in disk.log[place:moment]:
            platter.take(did)
            promised = did.mark if did.what == "mark" else promised
        place = moment
        yield Cut(platter.after_a_cut(chance, under_way=disk.log[moment]), promised)
