"""Where an export is written: beside its place first, then moved there whole.

An older export of ours in that place is kept until the new one is complete; anything else that is
there is left alone and the export refused.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from studio.domain.disk import sync
from studio.domain.errors import ExportError, StorageError
from studio.domain.records import digest

MARK = "<!-- mapd-studio export: this folder may be replaced by the next one -->"
_CARD = "README.md"


@contextlib.contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Give an empty folder to fill; it takes the place of ``out`` if all goes well.

    Raises:
        ExportError: ``out`` is in use for something else, or cannot be written.
        StorageError: the disk is full; what was there before is still there.
    """
    out = Path(os.path.abspath(out))
    part, old = beside(out, "part"), beside(out, "old")
    with _plain_errors(out):
        _restore(out, old)
        _check_folder(out)
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        try:
            yield part
            _sync_all(part)
            _swap(part, out, old)
        finally:
            shutil.rmtree(part, ignore_errors=True)


@contextlib.contextmanager
def new_file(out: Path, *, fields: Iterable[str]) -> Iterator[Path]:
    """Give a path to write a JSONL file at; it takes the place of ``out`` if all goes well.

    Args:
        fields: of our own rows; a file that begins with such a row may be replaced.
    """
    out = Path(os.path.abspath(out))
    part = beside(out, "part")
    with _plain_errors(out):
        if out.exists() and not _is_ours(out, set(fields)):
            raise ExportError(f"{out} is there already and is no export of ours: name another file")
        out.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield part
            os.replace(part, out)
            sync(out.parent)
        finally:
            part.unlink(missing_ok=True)


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write rows as JSONL, byte for byte what they hold, and see it onto the disk."""
    n = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            n += 1
        file.flush()
        os.fsync(file.fileno())
    return n


def _check_folder(out: Path) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise ExportError(f"{out} is a file: name a folder to write")
    card = out / _CARD
    ours = card.is_file() and MARK in card.read_text(encoding="utf-8", errors="replace")
    if not ours and any(out.iterdir()):
        raise ExportError(f"{out} is not empty and no export of ours: name another folder")


def _is_ours(out: Path, fields: set[str]) -> bool:
    if not out.is_file():
        return False
    with out.open("rb") as file:
        first = file.readline(1 << 20)
    try:
        row = json.loads(first) if first.strip() else dict.fromkeys(fields)
    except ValueError:
        return False
    return isinstance(row, dict) and row.keys() >= fields


def _swap(part: Path, out: Path, old: Path) -> None:
    if out.exists():
        os.replace(out, old)
    try:
        os.replace(part, out)
    except OSError:
        _restore(out, old)
        raise
    sync(out.parent)
    shutil.rmtree(old, ignore_errors=True)


def _restore(out: Path, old: Path) -> None:
    """Put an older export back that was moved aside when the studio ended."""
    if old.exists() and not out.exists():
        os.replace(old, out)
    shutil.rmtree(old, ignore_errors=True)


def beside(out: Path, ending: str) -> Path:
    """Return where ``out`` is while it is ``part`` of the way, or ``old`` and moved aside."""
    # Not made from the name itself: that may be as long as a file system allows.
    return out.parent / f".mapd-{digest(out.name)}.{ending}"


def _sync_all(folder: Path) -> None:
    for path in (*sorted(folder.rglob("*"), reverse=True), folder):
        sync(path)


@contextlib.contextmanager
def _plain_errors(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageError(
                f"the disk is full: {out} was not written, what was there is kept; free some space"
            ) from error
        reason = error.strerror or str(error)
        raise ExportError(f"{out} cannot be written ({reason}): name another place") from None
