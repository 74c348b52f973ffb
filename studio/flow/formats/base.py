"""What every native format yields: one item a question, or one fault a row that cannot be read.

A format module reads a file and nothing else; ``flow/questions.py`` gives the items their place in
the project. So a reader knows neither ids nor samples: a record that belongs to a question is a
*draft* until then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from studio.domain.records import Question, Split

NONE: Mapping[str, Any] = MappingProxyType({})
LONGEST_NAME = 120
IMPORTED = "imported"  #: student or teacher of texts whose maker the file does not name


class RowError(ValueError):
    """One row makes no sense; the message is the reason, without file and line."""


class Raw(NamedTuple):
    """One row as the file holds it: parsed, or the reason why it cannot be."""

    line: int
    value: Any
    reason: str = ""


class Fault(NamedTuple):
    """A row that cannot be taken. ``row`` is what stands there, shortened."""

    line: int
    reason: str
    row: object


class Solution(NamedTuple):
    """A rationale before it has its question: the text, and each reviewer's score as it stands."""

    text: str
    scores: Mapping[str, object] = NONE


class Draft(NamedTuple):
    """An attempt before it has its question, with what teachers said about it.

    ``carried`` is the source's own record; what ours cannot say of it is kept, by ``part`` (which
    of the source's files it was), so that it goes back unchanged.
    """

    student: str
    text: str
    round: int = 0
    key: str = ""
    stated: str = ""
    source_verdict: str = ""
    explanations: Mapping[str, str] = NONE
    rationales: Mapping[str, Solution] = NONE
    part: str = ""
    carried: Mapping[str, object] = NONE


class Item(NamedTuple):
    """One question and whatever else its row says about it."""

    line: int
    question: Question
    attempts: tuple[Draft, ...] = ()
    rationales: Mapping[str, Solution] = NONE


class Options(NamedTuple):
    """What the user said about the file."""

    split: Split | None = None
    dataset: str | None = None
    columns: Mapping[str, str] = NONE


class Head(NamedTuple):
    """The beginning of a file: enough to tell its format."""

    path: Path
    shape: str  #: list (of JSON), lines (of JSON), text, parquet
    first: Mapping[str, Any] = NONE  #: the first JSON object
    lines: tuple[str, ...] = ()  #: the first lines of text


@dataclass(frozen=True, slots=True)
class Format:
    """One native format: how it is recognised by content, and how it is read."""

    name: str
    claims: Callable[[Head], bool]
    read: Callable[[Path, Options], Iterator[Item | Fault]]
    columns: Callable[[Path], tuple[str, ...]] = field(default=lambda path: ())  #: to be mapped


def each(rows: Iterable[Raw], convert: Callable[[Raw], Item]) -> Iterator[Item | Fault]:
    """Yield the item of every row, or its fault."""
    for raw in rows:
        if raw.reason:
            yield Fault(raw.line, raw.reason, _shortened(raw.value))
            continue
        try:
            item = convert(raw)
        except RowError as error:
            yield Fault(raw.line, " ".join(str(error).split())[:300], _shortened(raw.value))
        else:
            yield item


def text(value: object, name: str, *, empty: bool = False) -> str:
    """Return ``value`` as text that can be stored; raises RowError."""
    if value is None and empty:
        return ""
    if not isinstance(value, str):
        raise RowError(f"{name} is {_kind(value)} where text is expected")
    if not empty and not value.strip():
        raise RowError(f"{name} is empty")
    if "\0" in value:
        raise RowError(f"{name} holds a NUL character")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise RowError(f"{name} holds half a character (a lone surrogate)") from None
    return value


def name(value: object, what: str) -> str:
    """Return the name of a student or teacher; raises RowError."""
    found = text(value, what).strip()
    if len(found) > LONGEST_NAME:
        raise RowError(f"{what} is longer than {LONGEST_NAME} characters")
    return found


def texts(value: object, name: str) -> list[str]:
    """Return a list of texts; raises RowError."""
    if not isinstance(value, list):
        raise RowError(f"{name} is {_kind(value)} where a list is expected")
    return [text(part, name) for part in value]


def record(raw: Raw, *needed: str) -> Mapping[str, Any]:
    """Return the row as an object that has the needed fields; raises RowError."""
    if not isinstance(raw.value, dict):
        raise RowError(f"this is {_kind(raw.value)} where an object is expected")
    for name in needed:
        if name not in raw.value:
            have = ", ".join(map(str, raw.value)) or "nothing"
            raise RowError(f"no field {name!r}; there are: {have[:200]}")
    return raw.value


def split_of(path: Path, options: Options, *, usual: Split = "train") -> Split:
    """Return the split the user named, or the one the file's name tells."""
    if options.split:
        return options.split
    stem = path.stem.lower()
    return "test" if any(word in stem for word in ("test", "valid", "dev", "eval")) else usual


def _kind(value: object) -> str:
    if value is None:
        return "empty"
    names = {bool: "true/false", int: "a number", float: "a number", str: "text", list: "a list"}
    return names.get(type(value), "an object" if isinstance(value, dict) else type(value).__name__)


def _shortened(value: object) -> object:
    if isinstance(value, str):
        return value if len(value) <= 2000 else f"{value[:2000]}…"
    return value
