"""CSV of any making, with a header; the columns are those of ``columns.py``.

The delimiter is the one of ``, ; tab |`` that the header holds most of.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from studio.domain.errors import ImportRefused
from studio.flow.formats.base import (
    Fault,
    Format,
    Head,
    Item,
    Options,
    Raw,
    RowError,
    each,
    split_of,
)
from studio.flow.formats.columns import item, mapped
from studio.flow.formats.reading import LONGEST_ROW, lines

_DELIMITERS = ",;\t|"


def claims(head: Head) -> bool:
    """Return whether a file that begins like this is CSV."""
    if head.shape != "text" or not head.lines:
        return False
    return head.path.suffix.lower() in (".csv", ".tsv") or "question" in head.lines[0].lower()


def read(path: Path, options: Options) -> Iterator[Item | Fault]:
    """Yield the questions."""
    columns = header(path)
    places = mapped(columns, path, options)
    usual = split_of(path, options)

    def convert(raw: Raw) -> Item:
        if len(raw.value) != len(columns):
            raise RowError(f"{len(raw.value)} cells where the header has {len(columns)}")
        cells = dict(zip(columns, raw.value, strict=True))
        row = {name: cells[column] or None for name, column in places.items()}
        return item(raw, row, options=options, usual=usual)

    return each(_csv_rows(path), convert)


def header(path: Path) -> tuple[str, ...]:
    """Return the cells of the header."""
    first = next(_cells(path), Raw(1, []))
    if first.reason:
        raise ImportRefused(str(path), first.reason, line=first.line)
    names = tuple(cell.strip() for cell in first.value)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ImportRefused(str(path), f"two columns are called {twice!r}: rename one", line=1)
    return names


def _csv_rows(path: Path) -> Iterator[Raw]:
    return islice(_cells(path), 1, None)


def _cells(path: Path) -> Iterator[Raw]:
    """Yield rows of cells with the line where each begins; blank lines are passed over."""
    first = next(lines(path), (1, ""))[1]
    csv.field_size_limit(LONGEST_ROW)  # the default, 131,072, is shorter than a long rationale
    delimiter = max(_DELIMITERS, key=first.count)
    source = (line for _, line in lines(path))
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    while True:
        begins = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Raw(begins, "", f"broken CSV: {error}")
            continue
        if row:
            yield Raw(begins, row)


FORMAT = Format("csv", claims, read, header)
