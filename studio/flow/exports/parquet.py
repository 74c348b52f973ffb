"""Rows as a Parquet file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

_GROUP = 2000
_LISTS = {"options": "string", "scores": "int64"}


def write_parquet(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Write flat rows group by group; returns how many."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    n = 0
    writer = None
    try:
        for group in _groups(rows):
            schema = pa.schema([(name, _type(pa, name)) for name in group[0]])
            writer = writer or pq.ParquetWriter(path, schema)
            writer.write_table(pa.Table.from_pylist(group, schema=schema))
            n += len(group)
    finally:
        if writer is not None:
            writer.close()
    return n


def _type(pa: Any, name: str) -> Any:
    if name in _LISTS:
        return pa.list_(getattr(pa, _LISTS[name])())
    return pa.float64() if name == "score" else pa.string()


def _groups(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    left = iter(rows)
    while group := list(islice(left, _GROUP)):
        yield group
