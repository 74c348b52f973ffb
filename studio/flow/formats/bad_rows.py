"""The list of rows that could not be taken, written beside the file they come from."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import IO

from studio.domain.errors import StorageError
from studio.flow.formats.base import Fault


class RowList:
    """Bad rows of one file, as ``<file>.bad.jsonl``; it appears whole at ``keep``, or not at all.

    ``target`` lies in the file's own folder, or in ``fallback`` where that cannot be written.
    """

    def __init__(self, path: Path, *, fallback: Path) -> None:
        self._folders = (path.parent, fallback)
        self.target = path.with_name(f"{path.name}.bad.jsonl")
        self.count = 0
        self._file: IO[str] | None = None

    def add(self, fault: Fault) -> None:
        """List one row with its line and the reason."""
        if self._file is None:
            self._file = self._open()
        row = json.dumps(fault._asdict(), ensure_ascii=True, default=str)
        try:
            self._file.write(f"{row}\n")
        except OSError as error:
            raise _failed(self.target, error) from None
        self.count += 1

    def keep(self) -> None:
        """Make the list appear under its name."""
        if self._file is None:
            return
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            os.replace(self._part, self.target)
        except OSError as error:
            raise _failed(self.target, error) from None
        self._file = None

    def discard(self) -> None:
        """Forget what was not kept."""
        if self._file is not None:
            self._file.close()
            self._part.unlink(missing_ok=True)
            self._file = None

    @property
    def _part(self) -> Path:
        return self.target.with_name(f".{self.target.name}.part")

    def _open(self) -> IO[str]:
        problem: OSError | None = None
        for folder in self._folders:
            self.target = folder / self.target.name
            try:
                return self._part.open("w", encoding="utf-8", newline="\n")
            except OSError as error:
                problem = error
        assert problem is not None
        raise _failed(self.target, problem)


def _failed(target: Path, error: OSError) -> StorageError:
    return StorageError(f"{target} cannot be written ({error.strerror or error}): nothing imported")
