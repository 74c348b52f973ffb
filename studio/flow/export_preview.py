"""What an export will look like: written for real into a temporary folder, and read back.

So a preview cannot say anything but what the export does. Large projects are previewed from the
first rationales only, and that is told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from studio.domain.errors import ExportError
from studio.flow.export import DATASET_FORMATS, FORMATS, export
from studio.store.tables import Store

MOST = 2_000  #: rationales of each part that are written for a preview
ROWS = 3


class ExportPreview(NamedTuple):
    """The beginning of each file an export writes."""

    files: tuple[tuple[str, str], ...]  #: path inside the export, and text
    rows: int  #: what the files hold in all
    is_part: bool  #: only the first rationales were taken; counts on the card are theirs
    note: str = ""


def preview(
    store: Store, *, format: str, include_all: bool = False, most: int = MOST
) -> ExportPreview:
    """Return how an export begins, file by file; data first, then the card and the provenance.

    Args:
        most: rationales of each part that are written for it.

    Raises:
        ExportError: nothing to export, or a format that cannot be previewed.
    """
    if format not in FORMATS:
        raise ExportError(f"{format} cannot be previewed: its files are weights")
    rationales = store.value("SELECT count(*) FROM rationales")
    is_part = rationales > most
    if is_part and format not in DATASET_FORMATS:
        raise ExportError("too many records to write for a preview: export them and look")
    with TemporaryDirectory(prefix="mapd-studio-") as folder:
        out = Path(folder) / "export"
        report = export(store, out, format=format, include_all=include_all,
                        most=most if is_part else None)  # fmt: skip
        paths = sorted((path for path in out.rglob("*") if path.is_file()), key=_place)
        files = tuple((path.relative_to(out).as_posix(), _beginning(path)) for path in paths)
    return ExportPreview(files, report.rows, is_part)


def written_model(out: Path) -> ExportPreview:
    """Return what a written model says of itself: how alike its forms answer, its Modelfile, its card.

    Raises:
        ExportError: none was written there yet.
    """
    try:
        found = json.loads((out / "parity.json").read_bytes())
        same = ", ".join(f"{form} {n}" for form, n in found["same"].items())
        note = f"answers like ours to the letter, of {found['prompts']}: {same or 'no other form'}"
    except (OSError, ValueError, KeyError, AttributeError):
        raise ExportError("no model was written there yet: press Export; it shows how alike the exported"
                          " forms answer") from None  # fmt: skip
    files = tuple(
        (path.relative_to(out).as_posix(), path.read_text(encoding="utf-8", errors="replace"))
        for name in ("parity.json", "Modelfile", "card.md", "README.md")
        for path in sorted(out.rglob(name))
    )
    return ExportPreview(files, 0, is_part=False, note=note)


def _place(path: Path) -> tuple[int, str]:
    kinds = ("data", "README", "provenance")
    place = next((n for n, kind in enumerate(kinds) if kind in path.as_posix()), 0)
    return place, path.name


def _beginning(path: Path) -> str:
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    rows = [json.dumps(row, indent=2, ensure_ascii=False) for row in islice(_rows(path), ROWS)]
    return "\n\n".join(rows)


def _rows(path: Path) -> Iterator[Any]:
    if path.suffix == ".parquet":
        import pyarrow.parquet as parquet

        for batch in parquet.ParquetFile(path).iter_batches(batch_size=ROWS):
            yield from batch.to_pylist()
    elif path.suffix == ".json":
        yield from json.loads(path.read_text(encoding="utf-8"))
    else:
        with path.open(encoding="utf-8") as file:
            yield from map(json.loads, file)
