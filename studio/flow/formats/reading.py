"""Read text files row by row, in bounded memory, with the line of every row.

Only UTF-8 is taken, with or without a byte order mark; anything else is told apart and refused with
the line, never guessed. A JSON list is read element by element, so its size does not matter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NoReturn

from studio.domain.errors import ImportRefused
from studio.flow.formats.base import NONE, Head, Raw

LONGEST_ROW = 32 << 20  #: bytes of one row; longer ones are not meant
_CHUNK = 1 << 20
_BOM = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff")
_DECODER = json.JSONDecoder()
_GAP = re.compile(r"\s*")
_HEAD_LINES = 8


def head(path: Path) -> Head:
    """Look at the beginning of a file; raises ImportRefused when it cannot be read at all."""
    start = _start(path)
    if start.startswith(b"PAR1"):
        return Head(path, "parquet")
    _refuse_foreign(path, start)
    if (opening := _opening(start)) in (b"[", b"{"):
        shape = "list" if opening == b"[" else "lines"
        with closing(json_rows(path)) as rows:
            first = next(rows, None)
        value = first.value if first is not None and isinstance(first.value, dict) else NONE
        return Head(path, shape, value)
    with closing(lines(path)) as found:
        some = tuple(line for _, (_, line) in zip(range(_HEAD_LINES), found, strict=False))
    return Head(path, "text", lines=some)


def lines(path: Path) -> Generator[tuple[int, str]]:
    """Yield (line number, text with its line end); raises ImportRefused where it is not UTF-8."""
    for number, data in _byte_lines(path):
        try:
            yield number, data.decode()
        except UnicodeDecodeError as error:
            raise ImportRefused(str(path), _not_utf8(error), line=number) from None


def json_rows(path: Path) -> Generator[Raw]:
    """Yield the values of a JSON list, or of one JSON value a line."""
    return _list_rows(path) if _opening(_start(path)) == b"[" else _line_rows(path)


def _line_rows(path: Path) -> Generator[Raw]:
    for number, data in _byte_lines(path):
        bare = data.strip()
        if not bare:
            continue
        try:
            yield Raw(number, json.loads(bare.decode()))
        except UnicodeDecodeError as error:
            yield Raw(number, _shown(bare), _not_utf8(error))
        except json.JSONDecodeError as error:
            yield Raw(number, _shown(bare), f"broken JSON: {error.msg} at column {error.colno}")
        except (RecursionError, ValueError):
            yield Raw(number, _shown(bare), "broken JSON: nested too deeply, or a number too long")


def _list_rows(path: Path) -> Generator[Raw]:
    with closing(_chars(path)) as chunks:
        window = _Window(path, chunks)
        window.take("[")
        following = window.next_char()
        while following != "]":
            line = window.line
            yield Raw(line, window.element())
            following = window.next_char()
            if following not in (",", "]"):
                window.refuse("broken JSON: a comma or the end of the list is missing")
            if following == ",":
                window.take(",")
                window.next_char()
        window.take("]")
        if window.next_char():
            window.refuse("broken JSON: there is more after the end of the list")


class _Window:
    """The part of a JSON text that is in memory; ``place`` is where reading stands."""

    def __init__(self, path: Path, chunks: Iterator[str]) -> None:
        self._path, self._chunks = path, chunks
        self._buffer, self._place = "", 0
        self.line = 1
        self.next_char()

    def next_char(self) -> str:
        """Pass over white space; returns the next character, or nothing at the end."""
        while True:
            gap = _GAP.match(self._buffer, self._place)
            self._pass_to(self._place if gap is None else gap.end())
            if self._place < len(self._buffer):
                return self._buffer[self._place]
            if not self._more(_CHUNK):
                return ""

    def take(self, char: str) -> None:
        """Pass over the character that stands here."""
        self._pass_to(self._place + len(char))

    def element(self) -> Any:
        """Return the next value; more is read while it may only be cut short."""
        wanted = _CHUNK
        while True:
            try:
                value, end = _DECODER.raw_decode(self._buffer, self._place)
            except json.JSONDecodeError as error:
                size = len(self._buffer) - self._place
                if size > LONGEST_ROW or not self._more(wanted):
                    self.line += self._buffer.count("\n", self._place, error.pos)
                    self.refuse(f"broken JSON: {error.msg}")
                wanted = size + _CHUNK  # doubling: a long value is not parsed again and again
            except (RecursionError, ValueError):
                self.refuse("broken JSON: nested too deeply, or a number too long")
            else:
                self._pass_to(end)
                return value

    def refuse(self, reason: str) -> NoReturn:
        """Refuse the file at this line: after a break nothing in a list can be trusted."""
        raise ImportRefused(
            str(self._path), f"{reason}; repair the file and import again", line=self.line
        )

    def _pass_to(self, place: int) -> None:
        self.line += self._buffer.count("\n", self._place, place)
        self._place = place

    def _more(self, wanted: int) -> bool:
        parts = [self._buffer[self._place :]]
        before = len(parts[0])
        size = 0
        while size < wanted and (part := next(self._chunks, "")):
            parts.append(part)
            size += len(part)
        self._buffer, self._place = "".join(parts), 0
        return len(self._buffer) > before


def _chars(path: Path) -> Generator[str]:
    """Yield the file's text in pieces of whole lines, about ``_CHUNK`` characters each."""
    parts: list[str] = []
    size = 0
    for _, line in lines(path):
        parts.append(line)
        size += len(line)
        if size >= _CHUNK:
            yield "".join(parts)
            parts, size = [], 0
    if parts:
        yield "".join(parts)


def _byte_lines(path: Path) -> Generator[tuple[int, bytes]]:
    try:
        with path.open("rb") as file:
            number = 0
            while data := file.readline(LONGEST_ROW + 1):
                number += 1
                if len(data) > LONGEST_ROW:
                    raise ImportRefused(str(path), "longer than 32 MB", line=number)
                if number == 1:
                    _refuse_foreign(path, data[:4096])
                    data = data.removeprefix(_BOM)
                yield number, data
    except OSError as error:
        raise ImportRefused(str(path), _os_reason(error)) from None


def _shown(data: bytes) -> str:
    return data[:2000].decode(errors="backslashreplace")


def _not_utf8(error: UnicodeDecodeError) -> str:
    byte = f"byte {error.object[error.start]:#04x} at column {error.start + 1}"
    return f"not UTF-8 ({byte}): save the file as UTF-8 and import again"


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(4096)
    except OSError as error:
        raise ImportRefused(str(path), _os_reason(error)) from None


def _opening(start: bytes) -> bytes:
    return start.removeprefix(_BOM).lstrip()[:1]


def _refuse_foreign(path: Path, start: bytes) -> None:
    if not start:
        raise ImportRefused(str(path), "the file is empty")
    if start.startswith(_WIDE):
        raise ImportRefused(
            str(path), "this is UTF-16: save the file as UTF-8 and import again", line=1
        )
    if b"\0" in start:
        raise ImportRefused(
            str(path), "holds NUL bytes (binary, or UTF-16?): save it as UTF-8 text", line=1
        )


def _os_reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, IsADirectoryError):
        return "this is a folder: name the files in it"
    return f"cannot be read: {error.strerror or error}"
