"""The words of every text in a project, in a file of their own beside it: ``search.db``.

Nothing in it is a fact: it is made from the project, may be thrown away, and is made anew when it
does not fit. So it weighs on no import, no backup and no schema, and needs no waiting for the disk.
A text's row number holds its question's, so that a search answers questions without a join.
"""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from typing import TYPE_CHECKING, NamedTuple

from studio.domain.errors import StorageError
from studio.store.database import FILE_NAME
from studio.store.places import shared_place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

NAME = "search.db"
VERSION = 1
ROWS_AT_ONCE = 4_000  #: of one table; one step takes a tenth of a second
PREFIX_FROM = 2  #: letters of the last word from which on it may be the start of a longer one
COMMON = 100_000  #: texts; a last word in more of them is meant as it is: there is enough to see

#: Row number and id of a record, row number of its question, and the text to find it by.
SOURCES: Mapping[str, str] = {
    "questions": """
SELECT rowid AS row, rowid AS question,
       text || ' ' || context || ' ' || options || ' ' || key AS text
FROM project.questions WHERE rowid > ?1 AND rowid <= ?2""",
    "attempts": """
SELECT a.rowid AS row, q.rowid AS question, a.text
FROM project.attempts a JOIN project.questions q ON q.id = a.question_id
WHERE a.rowid > ?1 AND a.rowid <= ?2""",
    "rationales": """
SELECT r.rowid AS row, q.rowid AS question, r.text
FROM project.rationales r JOIN project.questions q ON q.id = r.question_id
WHERE r.rowid > ?1 AND r.rowid <= ?2""",
    "explanations": """
SELECT e.rowid AS row, q.rowid AS question, e.text
FROM project.explanations e JOIN project.attempts a ON a.id = e.attempt_id
JOIN project.questions q ON q.id = a.question_id
WHERE e.rowid > ?1 AND e.rowid <= ?2""",
    "reviews": """
SELECT v.rowid AS row, q.rowid AS question, v.comment AS text
FROM project.reviews v
LEFT JOIN project.rationales r ON r.id = v.subject_id
LEFT JOIN project.explanations e ON r.id IS NULL AND e.id = v.subject_id
LEFT JOIN project.attempts a ON a.id = e.attempt_id
JOIN project.questions q ON q.id = COALESCE(r.question_id, a.question_id)
WHERE v.rowid > ?1 AND v.rowid <= ?2 AND v.comment <> ''""",
}

_SCHEMA = f"""
CREATE VIRTUAL TABLE texts USING fts5(text, content='', columnsize=0,
    tokenize="unicode61 remove_diacritics 2");
INSERT INTO texts(texts, rank) VALUES ('hashsize', 8388608);
CREATE TABLE counted (question INTEGER PRIMARY KEY, n INTEGER NOT NULL);
CREATE TABLE progress (source TEXT PRIMARY KEY, row INTEGER NOT NULL, id TEXT NOT NULL);
PRAGMA user_version={VERSION};
"""

#: The texts of one step get numbers within their question: 256 to a band, so that neighbours
#: in the index differ by little, and as many bands as it takes. In rising order, as FTS5 wants.
_ADD_TEXTS = """
INSERT INTO texts(rowid, text)
SELECT (n / 256 << 48) | (question << 8) | (n % 256), text FROM (
    SELECT b.question, b.text, COALESCE(c.n, 0) - 1
           + row_number() OVER (PARTITION BY b.question ORDER BY b.row) AS n
    FROM batch b LEFT JOIN counted c ON c.question = b.question)
ORDER BY 1"""
_COUNT_TEXTS = """
INSERT INTO counted SELECT question, count(*) FROM batch WHERE 1 GROUP BY question
ON CONFLICT(question) DO UPDATE SET n = n + excluded.n"""
#: Notes are few and change: they are read as they are. Parameter: a JSON list of words.
_NOTES = """
SELECT group_concat(q.rowid) FROM project.notes n JOIN project.questions q ON q.id = n.question_id
WHERE NOT EXISTS (SELECT 1 FROM json_each(?) w
                  WHERE NOT instr(lower(n.text || ' ' || n.tags), lower(w.value)))"""
_SOME = "SELECT count(*) FROM (SELECT 1 FROM texts WHERE texts MATCH ? LIMIT ?)"
_QUESTION = "(rowid >> 8) & 0xffffffffff"


class Progress(NamedTuple):
    """How many records are in the index, of how many."""

    done: int
    total: int

    @property
    def whole(self) -> bool:
        """Whether everything is in it."""
        return self.done >= self.total


class SearchIndex:
    """The index of one project, open for writing; for one thread at a time."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._sql = self._open()

    def step(self) -> bool:
        """Take in the next texts; returns whether there were any."""
        try:
            return any(self._step(source, query) for source, query in SOURCES.items())
        except sqlite3.OperationalError as error:
            raise StorageError(f"{self._project / NAME} cannot be written ({error})") from error
        except sqlite3.DatabaseError:
            self._make_anew()  # damaged: what is in it can be made again
            return True

    def progress(self) -> Progress:
        """Return how far it is."""
        return _progress(self._sql)

    def close(self) -> None:
        """Let go of the file."""
        self._sql.close()

    def _step(self, source: str, query: str) -> bool:
        start = self._sql.execute("SELECT row FROM progress WHERE source = ?", (source,)).fetchone()
        first = 0 if start is None else int(start[0])
        last = self._sql.execute(f"SELECT max(rowid) FROM project.{source}").fetchone()[0] or 0
        if last <= first:
            return False
        upto = min(last, first + ROWS_AT_ONCE)
        with _committed(self._sql) as sql:
            sql.execute("DELETE FROM batch")
            sql.execute(f"INSERT INTO batch {query}", (first, upto))
            sql.execute(_ADD_TEXTS)
            sql.execute(_COUNT_TEXTS)
            sql.execute(
                f"INSERT OR REPLACE INTO progress SELECT ?, rowid, id FROM project.{source}"
                " WHERE rowid <= ? ORDER BY rowid DESC LIMIT 1", (source, upto),
            )  # fmt: skip
            sql.execute("UPDATE progress SET row = ? WHERE source = ?", (upto, source))
        return True

    def _open(self) -> sqlite3.Connection:
        """Open the index, made anew where it does not fit.

        Raises:
            StorageError: it cannot be made either: the disk is full, say.
        """
        try:
            try:
                return self._opened()
            except sqlite3.DatabaseError:
                self._remove()
                return self._opened()
        except (sqlite3.DatabaseError, OSError) as error:
            raise StorageError(f"{self._project / NAME} cannot be made ({error})") from error

    def _opened(self) -> sqlite3.Connection:
        sql = _connect(self._project, "rwc")
        try:
            sql.execute(f"PRAGMA journal_mode={'DELETE' if shared_place(self._project) else 'WAL'}")
            sql.execute("PRAGMA synchronous=OFF")
            version = sql.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                sql.executescript(_SCHEMA)
            elif version != VERSION or not _fits(sql):
                raise sqlite3.DatabaseError("the index of another project or program")
            sql.execute("CREATE TEMP TABLE batch (row INTEGER, question INTEGER, text TEXT)")
        except sqlite3.DatabaseError:
            sql.close()
            raise
        return sql

    def _make_anew(self) -> None:
        self._sql.close()
        self._remove()
        self._sql = self._open()

    def _remove(self) -> None:
        for end in ("", "-wal", "-shm"):
            (self._project / (NAME + end)).unlink(missing_ok=True)


class Hits(NamedTuple):
    """The questions in whose texts something stands: row numbers with commas between."""

    questions: str
    progress: Progress


def find(project: Path, wanted: str) -> Hits:
    """Return the questions with a text that holds all words of ``wanted``.

    Words in double quotes must follow each other; the last word may be the start of one.
    """
    words = _words(wanted)
    if not (project / NAME).is_file():
        return Hits("", Progress(0, 1))
    try:
        with contextlib.closing(_connect(project, "ro")) as sql:
            progress = _progress(sql)
            if not words:
                return Hits("", progress)
            noted = sql.execute(_NOTES, (json.dumps(words),)).fetchone()[0]
            common = sql.execute(_SOME, (f'"{words[-1]}"', COMMON)).fetchone()[0] == COMMON
            query = match_query(wanted, whole_words=common)
            found = sql.execute(
                f"SELECT group_concat(q) FROM (SELECT DISTINCT {_QUESTION} AS q FROM texts"
                " WHERE texts MATCH ?)", (query,)
            ).fetchone()[0]  # fmt: skip
    except sqlite3.DatabaseError:  # being made anew, by the one thread that writes it
        return Hits("", Progress(0, 1))
    return Hits(",".join(part for part in (found, noted) if part), progress)


def match_query(wanted: str, *, whole_words: bool = False) -> str:
    """Return what a person typed as a query of FTS5 in which nothing is an operator."""
    words = _words(wanted)
    if not words:
        return ""
    quoted = [f'"{word}"' for word in words]
    if not whole_words and wanted[-1:].isalnum() and len(words[-1]) >= PREFIX_FROM:
        quoted[-1] += " *"
    return " ".join(quoted)


def _words(wanted: str) -> list[str]:
    """Return words and quoted phrases that hold a letter or a digit."""
    parts = re.findall(r'"([^"]*)"|([^"\s]+)', wanted.replace("\0", " "))
    words = [phrase or word for phrase, word in parts]
    return [word for word in words if any(c.isalnum() for c in word)]


def _progress(sql: sqlite3.Connection) -> Progress:
    last = " UNION ALL ".join(f"SELECT max(rowid) AS row FROM project.{name}" for name in SOURCES)
    total = sql.execute(f"SELECT COALESCE(sum(row), 0) FROM ({last})").fetchone()[0]
    done = sql.execute("SELECT COALESCE(sum(row), 0) FROM progress").fetchone()[0]
    return Progress(int(done), int(total))


def _fits(sql: sqlite3.Connection) -> bool:
    """Return whether the last record taken in still stands where it stood."""
    for source, row, record_id in sql.execute("SELECT source, row, id FROM progress").fetchall():
        newest = sql.execute(
            f"SELECT id FROM project.{source} WHERE rowid <= ? ORDER BY rowid DESC LIMIT 1", (row,)
        ).fetchone()
        if source not in SOURCES or newest is None or newest[0] != record_id:
            return False
    return True


def _connect(project: Path, mode: str) -> sqlite3.Connection:
    uri = (project / NAME).resolve().as_uri()
    try:
        sql = sqlite3.connect(
            f"{uri}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False
        )
    except sqlite3.OperationalError as error:
        raise StorageError(f"{project / NAME} cannot be opened: {error}") from None
    try:
        for pragma in ("busy_timeout=10000", "trusted_schema=OFF", "temp_store=MEMORY"):
            sql.execute(f"PRAGMA {pragma}")
        source = f"{(project / FILE_NAME).resolve().as_uri()}?mode=ro"
        sql.execute("ATTACH ? AS project", (source,))
    except sqlite3.DatabaseError:
        sql.close()
        raise
    return sql


@contextlib.contextmanager
def _committed(sql: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    sql.execute("BEGIN IMMEDIATE")
    try:
        yield sql
        sql.execute("COMMIT")
    except BaseException:
        if sql.in_transaction:
            sql.execute("ROLLBACK")
        raise
