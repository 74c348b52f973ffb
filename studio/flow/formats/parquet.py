"""Parquet of any making, read in batches; the columns are those of ``columns.py``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from studio.domain.errors import ImportRefused
from studio.flow.formats.base import Fault, Format, Head, Item, Options, Raw, each, split_of
from studio.flow.formats.columns import item, mapped

_BATCH = 1000


def claims(head: Head) -> bool:
    """Return whether a file that begins like this is Parquet."""
    return head.shape == "parquet"


def read(path: Path, options: Options) -> Iterator[Item | Fault]:
    """Yield the questions; a row's number stands for its line."""
    places = mapped(columns_of(path), path, options)
    usual = split_of(path, options)

    def convert(raw: Raw) -> Item:
        row = {name: raw.value[column] for name, column in places.items()}
        return item(raw, row, options=options, usual=usual)

    return each(_rows(path, sorted(set(places.values()))), convert)


def columns_of(path: Path) -> tuple[str, ...]:
    """Return the names of the file's columns."""
    names: list[str] = _with_parquet(path, lambda file: file.schema_arrow.names)
    return tuple(names)


def _rows(path: Path, columns: list[str]) -> Iterator[Raw]:
    import pyarrow as pa

    batches = _with_parquet(path, lambda file: file.iter_batches(_BATCH, columns=columns))
    number = 0
    try:
        for batch in batches:
            for row in batch.to_pylist():
                number += 1
                yield Raw(number, row)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = f"damaged Parquet: {_one_line(error)}"
        raise ImportRefused(str(path), reason, line=number + 1) from None


def _with_parquet(path: Path, look: Callable[[Any], Any]) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return look(pq.ParquetFile(path))
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = f"cannot be read as Parquet: {_one_line(error)}"
        raise ImportRefused(str(path), reason) from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


FORMAT = Format("parquet", claims, read, columns_of)
