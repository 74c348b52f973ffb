"""The backups that nobody asks for: one a day of work, and one before much is changed at once.

A disk that lies about saving, or a person's mistake, is mended by nothing else. They lie in the
project's folder ``backups``, are copied from a snapshot while work goes on, checked by opening them,
and thinned: the newest two stay, and the newest of each of the last days and weeks.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from studio.domain.errors import StudioError
from studio.store.backups import make_backup
from studio.store.database import FILE_NAME
from studio.store.refusals import LEAST_FREE
from studio.store.tables import Store

FOLDER = "backups"
DAY_S, HOUR_S = 24 * 3600.0, 3600.0
NEWEST, DAYS, WEEKS = 2, 3, 3  #: so many stay, and of so many days and weeks the newest
_PAGES = 1024  #: copied at once
_STAMP = "%Y%m%d-%H%M%S"
#: What no import brings back: paid replies, and what a person wrote.
_WORTH = "SELECT EXISTS (SELECT 1 FROM calls) OR EXISTS (SELECT 1 FROM actions)"


class Safekeeping:
    """Keeps backups of one project; ``close`` waits for the one that is being written.

    Args:
        tell: is told why one could not be made.
    """

    def __init__(self, project: Path, tell: Callable[[str], None] = lambda why: None) -> None:
        self._project, self._tell = project, tell
        self._folder = project / FOLDER
        self._thread: threading.Thread | None = None
        self.trouble = ""  #: why the newest backup could not be made

    def daily(self) -> bool:
        """Begin a backup if the newest is older than a day and something has changed since."""
        return self._begin(DAY_S)

    def before_much(self) -> bool:
        """Begin a backup of what is there now, before much of it is changed at once.

        What is changed afterwards is not in it, though it is still being written then. After another
        within the hour none is made: what follows upon each other is one piece of work.
        """
        return self._begin(HOUR_S)

    def close(self, patience_s: float | None = None) -> None:
        """Wait until the backup that was begun is whole, or for so long.

        What is not whole then ends with this process, and is made anew next time.
        """
        if self._thread is not None:
            self._thread.join(patience_s)
            self._thread = None

    def _begin(self, age_s: float) -> bool:
        if self._thread is not None and self._thread.is_alive():
            return False
        try:
            store = self._snapshot(age_s)
        except (StudioError, OSError) as error:
            self._say(str(error))
            return False
        if store is None:
            return False
        in_the_way = (
            store.value("PRAGMA journal_mode") != "wal"
        )  # a reader, of who writes without log
        thread = threading.Thread(target=self._write, args=(store,), name="studio-backup",
                                  daemon=True)  # fmt: skip
        try:
            thread.start()
        except (RuntimeError, MemoryError) as error:  # no room for another thread
            store.close()
            self._say(str(error))
            return False
        self._thread = thread
        if in_the_way:
            self.close()
        return True

    def _snapshot(self, age_s: float) -> Store | None:
        """Return a reader that sees the project as it is now, whatever is written from now on."""
        made = backups_in(self._folder)
        file = self._project / FILE_NAME
        if made and (_is_young(made[-1], age_s) or _changed_at(file) <= made[-1].stat().st_mtime):
            return None
        store = Store(self._project, read_only=True)
        try:
            store.execute("BEGIN")
            is_worth_it = bool(store.value(_WORTH))
            if is_worth_it:
                _check_room(self._project, file)
        except BaseException:
            store.close()
            raise
        if not is_worth_it:
            store.close()
            return None
        return store

    def _write(self, store: Store) -> None:
        try:
            with contextlib.closing(store):
                self._folder.mkdir(exist_ok=True)
                for half in self._folder.glob(".studio-*.part"):
                    half.unlink()
                _step_aside()
                place = self._folder / f"studio-{time.strftime(_STAMP)}.db"
                make_backup(store, place, pages=_PAGES)
            made = backups_in(self._folder)
            for file in set(made) - set(to_keep(made)):
                file.unlink()
        except (StudioError, OSError) as error:
            self._say(str(error))
        else:
            self.trouble = ""

    def _say(self, why: str) -> None:
        """Say once what keeps it from being made; work goes on without."""
        if why != self.trouble:
            logging.getLogger(__name__).warning("mapd-studio: no backup was made: %s", why)
            self._tell(f"no backup was made: {why}")
        self.trouble = why


def _step_aside() -> None:
    """Let this thread work only when no other wants to, where the system can tell threads apart."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 15)


def backups_in(folder: Path) -> list[Path]:
    """Return the backups that were made by themselves, the oldest first."""
    return sorted(one for one in folder.glob("studio-*.db") if _made_at(one) is not None)


def to_keep(made: Sequence[Path]) -> list[Path]:
    """Return which backups stay: the newest, and the newest of each of the last days and weeks."""
    days: dict[object, Path] = {}
    weeks: dict[object, Path] = {}
    for file in sorted(made, reverse=True):
        at = _made_at(file)
        assert at is not None  # that is how they were found
        days.setdefault(at.date(), file)
        weeks.setdefault(at.isocalendar()[:2], file)
    newest = sorted(made)[-NEWEST:]
    kept = {*newest, *list(days.values())[:DAYS], *list(weeks.values())[:WEEKS]}
    return sorted(kept)


def _made_at(file: Path) -> datetime | None:
    try:
        return datetime.strptime(file.stem.removeprefix("studio-"), _STAMP)
    except ValueError:
        return None


def _is_young(file: Path, age_s: float) -> bool:
    """Return whether a backup is younger than that; one from the future is of a clock that was set."""
    return 0 <= time.time() - file.stat().st_mtime < age_s


def _changed_at(file: Path) -> float:
    """Return when a project was written to last, also where that still lies in the log."""
    log = file.with_name(f"{file.name}-wal")
    times = [one.stat().st_mtime for one in (file, log) if one.exists() and one.stat().st_size]
    return max(times, default=0.0)


def _check_room(project: Path, file: Path) -> None:
    free = shutil.disk_usage(project).free
    if free < 2 * file.stat().st_size + LEAST_FREE:
        raise OSError(f"the disk has only {free >> 20:,} MB left; work goes on without one")
