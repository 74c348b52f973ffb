"""A job folder from the inside: what the job says, whether it was asked to stop, and that it is the
only one at work there."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, BinaryIO

from pydantic import BaseModel

from studio.domain import clock
from studio.domain.errors import RunError, StorageError
from studio.domain.events import FAILURE_OF

_LOCK_AT = 1 << 20  #: byte of ``job.pid`` that is locked; far behind its text, so all can read it


class Job:
    """One life of a job.

    Args:
        folder: the job folder.
        process: the number of this process, of those that work on one job. The first alone says
            anything; of another's failure there is a note in a file of its own.
    """

    def __init__(self, folder: Path, *, process: int = 0) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.artifacts = folder / "artifacts"
        self._events = folder / "events.jsonl"
        self._process = process
        self._signalled = False

    def say(self, kind: str, **fields: Any) -> None:
        """Append one event; it is with the operating system before this returns.

        Raises:
            StorageError: it cannot be written.
        """
        event = {"kind": kind, "t": clock.now(), **fields}
        if self._process:
            if kind == "failed":
                self.note_failure(event)
            return
        try:
            append_lines(self._events, [json.dumps(event, ensure_ascii=True)])
        except OSError as error:
            raise StorageError(
                f"cannot write {self._events} ({error.strerror}): free some space and run it again;"
                " what was saved so far is kept"
            ) from None

    def note_failure(self, event: Mapping[str, Any]) -> None:
        """Leave word of how this process failed where it may not speak among the job's events.

        The first may be waiting in vain for a further one; or another job is at work here.
        """
        place = self.folder / FAILURE_OF.format(self._process)
        part = place.with_suffix(".part")
        with suppress(OSError):  # then job.log alone tells of it
            part.write_text(json.dumps(event, ensure_ascii=True), encoding="utf-8")
            part.replace(place)

    @property
    def stop_requested(self) -> bool:
        """Whether somebody asked, by signal or by a file ``stop``, to end at the next step."""
        return self._signalled or (self.folder / "stop").exists()

    def fingerprint(self, spec: BaseModel, *, but_for: Collection[str] = ()) -> str:
        """Return a hash of the spec and the data: what an earlier life left belongs to these.

        Args:
            but_for: settings that may change from life to life.
        """
        told = spec.model_dump(mode="json", exclude=set(but_for))
        whole = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
        for path in sorted(self.data.glob("*.jsonl")):
            with path.open("rb") as file:
                whole.update(hashlib.file_digest(file, "sha256").digest())
        return whole.hexdigest()

    def listen(self) -> None:
        """Take SIGTERM as the wish to stop at the next step instead of ending at once."""
        signal.signal(signal.SIGTERM, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signalled = True

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold ``job.pid``; raises RunError when another process works in this folder."""
        with (self.folder / "job.pid").open("a+b") as file:
            if not _locked(file):
                raise RunError(f"another job is at work in {self.folder}: wait for it, or stop it")
            file.truncate(0)
            file.write(f"{os.getpid()}\n".encode())
            file.flush()
            yield


def append_lines(path: Path, lines: list[str], *, durable: bool = False) -> None:
    """Append whole lines; a half-written line of an earlier life is ended first.

    It is ended, not cut off: whoever tails the file has read up to its end already.

    Args:
        durable: return only once they are on the disk.
    """
    with path.open("ab+") as file:
        if file.tell() and not _ends_with_newline(file):
            lines = ["", *lines]
        file.write("".join(f"{line}\n" for line in lines).encode())
        file.flush()
        if durable:
            os.fsync(file.fileno())


def _ends_with_newline(file: BinaryIO) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


if sys.platform == "win32":
    import msvcrt

    def _locked(file: BinaryIO) -> bool:
        file.seek(_LOCK_AT)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _locked(file: BinaryIO) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
