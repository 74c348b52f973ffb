"""The troubles of a disk and of a damaged file, each told in one line that says what to do."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from studio.domain.errors import DamagedError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """Turn the disk's troubles into one line each; programming errors pass as they are."""
    try:
        yield
    except sqlite3.OperationalError as error:
        text = str(error)
        if "full" in text:
            raise StorageError(
                "the disk is full: free some space and run again; what was saved is safe"
            ) from error
        if "readonly" in text:
            raise StorageError(
                "the project is open for reading only: nothing was changed"
            ) from None
        if "disk I/O" in text or "locked" in text:
            raise StorageError(f"the project file cannot be written ({text}): try again") from error
        if any(word in text for word in _DAMAGE):
            raise damaged(text) from error
        raise
    except sqlite3.DatabaseError as error:
        if any(word in str(error) for word in _DAMAGE):
            raise damaged(str(error)) from error
        raise


REMEDY = "restore a backup, or save what can be read with 'mapd-studio salvage'"
#: What SQLite says of a file that is not as it was written.
_DAMAGE = ("malformed", "not a database", "decode to UTF-8", "corrupt", "unsupported file format")


def damaged(how: str) -> DamagedError:
    """Return the error for a file that is not as it was written."""
    return DamagedError(f"the project file is damaged ({plain(how)}): {REMEDY}")


def plain(text: str) -> str:
    """Return what SQLite says in one line; it may quote from the file."""
    return " ".join(text.encode("ascii", "replace").decode().split())[:200]
