"""JSONL (or a JSON list) of any making; the columns are those of ``columns.py``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from studio.flow.formats.base import (
    Fault,
    Format,
    Head,
    Item,
    Options,
    Raw,
    RowError,
    each,
    record,
    split_of,
)
from studio.flow.formats.columns import OPTIONAL, REQUIRED, item, mapped
from studio.flow.formats.reading import json_rows

_LOOKED_AT = 20  #: rows; later ones may have more fields, so these settle required ones only


def claims(head: Head) -> bool:
    """Return whether a file that begins like this is JSON; the native formats are asked first."""
    return head.shape in ("list", "lines")


def read(path: Path, options: Options) -> Iterator[Item | Fault]:
    """Yield the questions."""
    names = {name: name for name in REQUIRED + OPTIONAL} | dict(options.columns)
    if columns := fields(path):
        names |= mapped(columns, path, options)
    usual = split_of(path, options)

    def convert(raw: Raw) -> Item:
        found = record(raw)
        row = {name: found.get(column) for name, column in names.items()}
        for name in REQUIRED:
            if row[name] is None:
                raise RowError(f"no {names[name]!r} in this row, or it is null")
        return item(raw, row, options=options, usual=usual)

    return each(json_rows(path), convert)


def fields(path: Path) -> tuple[str, ...]:
    """Return the field names of the first rows that can be read."""
    names: dict[str, None] = {}
    for raw in islice(json_rows(path), _LOOKED_AT):
        if isinstance(raw.value, dict):
            names.update(dict.fromkeys(raw.value))
    return tuple(names)


FORMAT = Format("jsonl", claims, read, fields)
