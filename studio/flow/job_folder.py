"""A job folder as the studio sees it: write it, launch it, tail what the job appends.

What a job writes is not trusted to be whole: a line may be half written when the job is killed,
may be garbage, or may be too long to be meant. Such a line is skipped, never guessed at.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from contextlib import aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import BaseModel, ValidationError

from studio.domain.disk import sync
from studio.domain.errors import StorageError
from studio.domain.events import EVENT, FAILURE_OF, Event, Failed, Finished, noted_failure

if TYPE_CHECKING:
    from studio.launch.base import Launcher

POLL_S = 0.2
QUIET_AFTER_S = 300.0  #: a living job that says nothing for so long may hang; it is not killed
ENDING_S = 20.0  #: how long a job may take to leave after its last event
LONGEST_LINE = 4 << 20  #: bytes; longer lines are skipped
_RESYNC = 1 << 16  #: bytes of a broken line that are searched for a whole event at its end
_START = re.compile(rb'\{"')


class Launch(NamedTuple):
    """A job that was started: where it runs, and from which byte on its events are this life's."""

    handle: str
    events_from: int = 0
    folder: str = ""  #: where the project was then; a copy of it has no part in that process

    def is_alive(self, launcher: Launcher) -> bool:
        """Return whether it is still running."""
        return bool(self.handle) and launcher.is_alive(self.handle)


# -- writing ---------------------------------------------------------------------------------------


def write_folder(
    folder: Path, spec: BaseModel, data: Mapping[str, Iterable[Mapping[str, Any]]]
) -> None:
    """Make a job folder whole or not at all; one that is there already is left as it is.

    Args:
        data: rows of each file under ``data/``, by file name.
    """
    if folder.is_dir():
        return
    part = folder.with_name(f".{folder.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        (part / "data").mkdir(parents=True)
        (part / "artifacts").mkdir()
        write_file(part / "spec.json", [spec.model_dump_json(indent=2)])
        for name, rows in data.items():
            write_rows(part / "data" / name, rows)
        part.rename(folder)
        sync(folder.parent)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise StorageError(f"cannot write {folder}: {error.strerror or error}") from None


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as JSON lines, replacing the file in one step."""
    write_file(path, (json.dumps(row, ensure_ascii=True) + "\n" for row in rows))


def write_file(path: Path, parts: Iterable[str]) -> None:
    """Replace a file in one step, on disk before this returns."""
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    sync(path.parent)


def data_hash(folder: Path) -> str:
    """Return a hash of a job's data files, names and all."""
    whole = hashlib.sha256()
    for path in sorted((folder / "data").glob("*.jsonl")):
        with path.open("rb") as file:
            own = hashlib.file_digest(file, "sha256").hexdigest()
        whole.update(f"{path.name} {own}\n".encode())
    return whole.hexdigest()


# -- launching -------------------------------------------------------------------------------------


def launch(launcher: Launcher, folder: Path) -> Launch:
    """Start the job of a folder (again); what an earlier life left that counts no more is cleared."""
    for left in (folder / "stop", *folder.glob(FAILURE_OF.format("*"))):
        left.unlink(missing_ok=True)
    events = folder / "events.jsonl"
    events_from = events.stat().st_size if events.exists() else 0
    started = Launch(launcher.start(folder), events_from, str(folder.resolve()))
    write_file(folder / "launch.json", [json.dumps(started._asdict())])
    return started


def last_launch(folder: Path) -> Launch | None:
    """Return the newest launch of a folder, or None when there was none.

    Where the project was moved or copied since, the process belongs to the folder that was: here
    it has ended.
    """
    try:
        started = Launch(**json.loads((folder / "launch.json").read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    place = started.folder or _folder_in(started.handle)
    return started if not place or _is_same(Path(place), folder) else started._replace(handle="")


def _folder_in(handle: str) -> str:
    """Return the folder that a handle of this machine names; older launches kept it there alone."""
    with suppress(ValueError, TypeError, AttributeError):
        return str(json.loads(handle).get("folder", ""))
    return ""


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # it is not there any more
        return False


# -- tailing ---------------------------------------------------------------------------------------


class LineTail:
    """Yields what was appended to a file since the last look, whole lines only.

    A half line is not taken but read again at the next look: a job that goes on after its death
    may finish it, cut it off, or write on behind it.

    Attributes:
        skipped: lines that were too long.
    """

    def __init__(self, path: Path, *, offset: int = 0) -> None:
        self._path = path
        self._offset = offset
        self._too_long = False
        self.skipped = 0

    def lines(self) -> Iterator[bytes]:
        """Yield new whole lines without their ends."""
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return
        with file:
            file.seek(self._offset)
            while line := file.readline(LONGEST_LINE):
                whole = line.endswith(b"\n")
                if not whole and len(line) < LONGEST_LINE:
                    return
                self._offset += len(line)
                if whole and not self._too_long:
                    yield line[:-1]
                self.skipped += whole and self._too_long
                self._too_long = not whole


class EventTail:
    """Yields the events appended to ``events.jsonl`` since the last look."""

    def __init__(self, folder: Path, *, offset: int = 0) -> None:
        self._tail = LineTail(folder / "events.jsonl", offset=offset)
        self._garbled = 0

    @property
    def skipped(self) -> int:
        """Lines that were no event."""
        return self._garbled + self._tail.skipped

    def events(self) -> Iterator[Event]:
        """Yield new events; lines that are none are counted and passed over."""
        for line in self._tail.lines():
            event = _event(line)
            if event is None:
                self._garbled += 1
            else:
                yield event


def _event(line: bytes) -> Event | None:
    """Return the event of a line; after a half-written one it may stand at the line's end."""
    with suppress(ValidationError):
        return EVENT.validate_json(line)
    tail = line[-_RESYNC:]
    for start in _START.finditer(tail, 1):
        with suppress(ValidationError):
            return EVENT.validate_json(tail[start.start() :])
    return None


def read_events(folder: Path) -> Iterator[Event]:
    """Yield every event a job has written so far, of all its lives."""
    yield from EventTail(folder).events()


async def follow(
    launcher: Launcher, folder: Path, started: Launch
) -> AsyncGenerator[Event | None, None]:
    """Yield the events of one life of a job as they come, until it has ended.

    None is yielded at each look that found nothing new, so that the caller can look elsewhere too.
    """
    tail = EventTail(folder, offset=started.events_from)
    last_word: float | None = None
    while True:
        # Asked before the file is read: what a job wrote before its death is then always seen.
        alive = started.is_alive(launcher)
        for event in tail.events():
            if isinstance(event, Failed | Finished):
                last_word = time.monotonic()
            yield event
        yield None
        if not alive and last_word is None and (failed := noted_failure(folder)) is not None:
            yield failed
        if not alive or (last_word is not None and time.monotonic() - last_word > ENDING_S):
            return
        await asyncio.sleep(POLL_S)


async def attended(
    launcher: Launcher,
    folder: Path,
    spec: BaseModel,
    data: Mapping[str, Iterable[Mapping[str, Any]]],
) -> AsyncGenerator[Event | None, None]:
    """Run a job from its beginning and yield its events, as ``follow`` does; let go of, it is ended.

    For jobs of which nothing is kept: what an earlier one left in the folder is cleared away.
    """
    before = last_launch(folder)
    if before is not None and before.is_alive(launcher):
        await asyncio.to_thread(launcher.cancel, before.handle)
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    write_folder(folder, spec, data)
    started = launch(launcher, folder)
    try:
        async with aclosing(follow(launcher, folder, started)) as events:
            async for event in events:
                yield event
    except (asyncio.CancelledError, GeneratorExit):
        await asyncio.to_thread(launcher.cancel, started.handle)
        raise
