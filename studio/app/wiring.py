"""One open project with everything wired: records, teachers, jobs, keys, the background thread.

Nothing here imports Qt, torch or the OpenAI client; what is not used is not made.
"""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from studio.app.background import Background
from studio.app.bus import Bus
from studio.app.by_hand import ByHand
from studio.app.experiments import Experiments
from studio.app.indexing import Indexing
from studio.app.safekeeping import Safekeeping
from studio.app.settings import Keys
from studio.app.trial import Endpoints
from studio.domain.errors import StorageError
from studio.domain.records import TeacherRecord
from studio.domain.redaction import remember_key
from studio.flow.stage import Bench, Progress
from studio.launch.local import LocalLauncher
from studio.prompts import Prompts
from studio.store.tables import Store

if TYPE_CHECKING:
    from studio.teachers.base import Teacher
    from studio.teachers.opener import TeacherOpener

T = TypeVar("T")
KEPT_WITHIN_S = 5.0  #: how long a window that is closed waits for its backup


class Wiring:
    """One open project.

    Attributes:
        store: the writing connection; only for the thread that runs the stages.
        bus: tells what changed and how tasks get on.

    Args:
        read_only: look at a project that another process works on; every change is refused.
    """

    def __init__(self, project: Path, *, read_only: bool = False) -> None:
        self.project = project.resolve()
        self.read_only = read_only
        self.store = Store(self.project, read_only=read_only)
        #: calls whose reply nobody was left to read
        self.orphans = 0 if read_only else self.store.orphan_calls()
        for name in self._secret_variables():  # shown nowhere and given to no child from now on
            remember_key(os.environ.get(name))
        self.bus = Bus()
        self.who = _user_name()
        self.refusal = ""  #: why nothing may be changed now, where the project's folder is lost

    @classmethod
    def create(cls, project: Path) -> Self:
        """Make a new, empty project and open it."""
        Store.create(project).close()
        return cls(project)

    @cached_property
    def prompts(self) -> Prompts:
        """The project's own templates, then the built-in ones."""
        return Prompts(self.project / "prompts")

    @cached_property
    def keys(self) -> Keys:
        """Where the keys of teachers are found; some only for as long as the project is open."""
        return Keys()

    @cached_property
    def opener(self) -> TeacherOpener:
        """Makes clients of endpoints; imported when the first teacher is asked."""
        from studio.app.dialects import opener_of

        return opener_of(self.keys, self.store)

    def _open_teacher(self, record: TeacherRecord) -> Teacher:
        return self.opener.open(record)

    @cached_property
    def bench(self) -> Bench:
        """What stages work with."""
        return Bench(
            store=self.store,
            project=self.project,
            open_teacher=self._open_teacher,
            launcher=LocalLauncher(secret=self._secret_variables),
            prompts=self.prompts,
            changed=self.bus.tables_changed,
        )

    def _secret_variables(self) -> set[str]:
        return {teacher.api_key_env for teacher in self.store.teachers(active=False)}

    @cached_property
    def background(self) -> Background:
        """The thread on which the window's work happens; started at first use."""
        return Background(self.bus, None if self.read_only else self._rest)

    def _rest(self) -> None:
        if not self.refusal:
            self.store.rest()
            self.safekeeping.daily()

    @cached_property
    def safekeeping(self) -> Safekeeping:
        """Makes the backups that nobody asks for."""
        return Safekeeping(self.project, lambda why: self.bus.task_failed("backup", why, ""))

    @cached_property
    def endpoints(self) -> Endpoints:
        """Tries teachers out and keeps their keys."""

        async def forget() -> None:  # clients keep the key they were made with
            if "opener" in self.__dict__ and not self.background.tasks:
                await self.opener.aclose()

        return Endpoints(self.keys, self.background, forget)

    @cached_property
    def experiments(self) -> Experiments:
        """Long work that says what training was worth."""
        return Experiments(lambda: self.bench, self._submit)

    @cached_property
    def by_hand(self) -> ByHand:
        """What a person writes: edits, gold answers, notes."""
        return ByHand(lambda: self.bench, self.who, self._write)

    @cached_property
    def reader(self) -> Store:
        """A connection that refuses writes, for the thread that draws."""
        return Store(self.project, read_only=True)

    @cached_property
    def indexing(self) -> Indexing:
        """Keeps the search index up with the project; begins when the window asks it to."""
        return Indexing(self.project, self.bus)

    def close(self) -> None:
        """End all work, keep what is done, fold the file and let go of the project."""
        if "indexing" in self.__dict__:
            self.indexing.close()
        if "background" in self.__dict__:
            self.background.close(self.close_clients)
        elif "opener" in self.__dict__:
            asyncio.run(self.opener.aclose())
        if "reader" in self.__dict__:
            self.reader.close()
        if "safekeeping" in self.__dict__:
            has_window = "background" in self.__dict__  # and nobody waits for a closed one
            self.safekeeping.close(KEPT_WITHIN_S if has_window else None)
        self.store.close()

    async def close_clients(self) -> None:
        """Let go of all endpoints, on the loop that asked them; last of all."""
        if "opener" in self.__dict__:
            await self.opener.aclose()

    def _write(
        self, tables: set[str], function: Callable[[], T], *, much: bool = False
    ) -> Future[T]:
        def write() -> T:
            self._may_write()
            if much and not self.read_only:  # else the owner of the project keeps backups
                self.safekeeping.before_much()
            result = function()
            self.bus.tables_changed(tables)
            return result

        return self.background.call(write)

    def _submit(
        self, title: str, work: Callable[[], AsyncIterator[Progress]], *, much: bool = False
    ) -> str:
        async def checked() -> AsyncIterator[Progress]:
            self._may_write()
            if much and not self.read_only:
                self.safekeeping.before_much()
            async for progress in work():
                yield progress

        return self.background.submit(title, checked)

    def _may_write(self) -> None:
        if self.refusal:
            raise StorageError(self.refusal)


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return os.environ.get("USERNAME", "someone")
