"""The composition root: one open project with everything wired, for either front end.

The command line drives ``bench`` with an event loop of its own; the window uses the methods below,
which do all writing on the background thread and return at once. Nothing here imports Qt, torch
or the OpenAI client.
"""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from studio.app.background import Background
from studio.app.bus import Bus
from studio.app.by_hand import ByHand
from studio.app.experiments import Experiments
from studio.app.indexing import Indexing
from studio.app.settings import Keys
from studio.app.trial import Endpoints
from studio.domain.errors import StorageError
from studio.domain.policy import Policy
from studio.domain.records import StudentRecord, TeacherRecord
from studio.flow import decisions, outlook, pipeline, saved_views, splits, undo
from studio.flow.stage import Bench, Progress
from studio.launch.local import LocalLauncher
from studio.prompts import Prompts
from studio.store.tables import Store

if TYPE_CHECKING:
    from studio.flow.decisions import Wish
    from studio.flow.outlook import Tokens
    from studio.flow.pipeline import Plan
    from studio.flow.score_tallies import Tally
    from studio.teachers.base import Teacher
    from studio.teachers.opener import TeacherOpener

T = TypeVar("T")


class Workbench:
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
        self.bus = Bus()
        self.who = _user_name()
        self.refusal = ""  #: why nothing may be changed now, where the project's folder is lost

    @classmethod
    def create(cls, project: Path) -> Self:
        """Make a new, empty project and open it."""
        Store.create(project).close()
        return cls(project)

    # -- wiring ----------------------------------------------------------------------------

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
        return Background(self.bus)

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
        self.store.close()

    async def close_clients(self) -> None:
        """Let go of all endpoints, on the loop that asked them; last of all."""
        if "opener" in self.__dict__:
            await self.opener.aclose()

    # -- long work, for the window ---------------------------------------------------------

    def run_flow(self, plan: Plan, *, budget_usd: float | None = None) -> str:
        """Run the stages of ``plan`` that have something to do; returns the task's id."""
        return self._submit(
            "Run what is missing",
            lambda: pipeline.run_stages(self.bench, plan, budget_usd=budget_usd),
        )

    def import_files(self, files: Sequence[Path], **options: Any) -> str:
        """Import files (see ``flow.questions.import_files``); returns the task's id."""
        return self._submit("Import", lambda: pipeline.import_files(self.bench, files, **options))

    def train(self, student: str, settings: Mapping[str, Any], **options: Any) -> str:
        """Build the dataset, start a run and follow it to its end; returns the task's id."""
        return self._submit(
            "Train", lambda: pipeline.train(self.bench, student, settings, **options)
        )

    def show_tokens(
        self, student: str, settings: Mapping[str, Any], then: Callable[[Tokens], None]
    ) -> str:
        """Let a job put a run's data into tokens, and hand them to ``then``; returns the task's id.

        ``then`` is called on the background thread.
        """
        return self._submit(
            "Show the tokens", lambda: outlook.show_tokens(self.bench, student, settings, then)
        )

    def resume_run(self, run_id: str) -> str:
        """Go on with an interrupted run from its newest checkpoint; returns the task's id."""
        return self._submit("Train", lambda: pipeline.resume(self.bench, run_id))

    def follow_run(self, run_id: str) -> str:
        """Follow a run that is already going; returns the task's id."""
        return self._submit("Train", lambda: pipeline.follow(self.bench, run_id))

    def stop_run(self, run_id: str) -> Future[None]:
        """Ask a run to stop and keep what it has."""
        return self.background.call(lambda: pipeline.stop(self.bench, run_id))

    def export(self, out: Path, **options: Any) -> str:
        """Write a dataset or model export (see ``flow.export.export``); returns the task's id."""
        return self._submit("Export", lambda: pipeline.export(self.bench, out, **options))

    # -- short writes, for the window ------------------------------------------------------

    def apply_policy(self, policy: Policy) -> Future[Tally]:
        """Make ``policy`` the one in force; overrides stay."""
        return self._write(
            {"decisions", "policies"},
            lambda: decisions.apply_policy(self.store, policy, who=self.who),
        )

    def override(
        self, rationale_ids: Sequence[str], wish: Wish, *, reason: str = ""
    ) -> Future[int]:
        """Accept, reject or clear by hand; one undoable action."""
        return self._write(
            {"overrides"},
            lambda: decisions.override(
                self.store, rationale_ids, wish, who=self.who, reason=reason
            ),
        )

    def hold_out(
        self, share: float, *, dataset: str = "", seed: int = splits.SEED
    ) -> Future[list[str]]:
        """Move a share of the train questions to the held-out split; one undoable action."""
        return self._write(
            {"questions"},
            lambda: splits.hold_out(
                self.store, share=share, dataset=dataset, seed=seed, who=self.who
            ),
        )

    def undo(self) -> Future[str | None]:
        """Take back the newest change; the result says in words what it was."""
        return self._write(undo.TABLES, lambda: undo.undo(self.store))

    def redo(self) -> Future[str | None]:
        """Do the newest undone change again."""
        return self._write(undo.TABLES, lambda: undo.redo(self.store))

    def put(self, record: TeacherRecord | StudentRecord) -> Future[None]:
        """Add or change a teacher or a student, on a person's word.

        Who names both a variable and an address lets that key go there.
        """

        def put() -> None:
            self.store.put(record)
            if isinstance(record, TeacherRecord):
                self.keys.allow(record)

        return self._write({record.table}, put)

    def save_view(self, name: str, view: Mapping[str, Any]) -> Future[None]:
        """Keep a view of the desk under a name."""
        return self._write({"settings"}, lambda: saved_views.save_view(self.store, name, view))

    def delete_view(self, name: str) -> Future[None]:
        """Forget a view of the desk."""
        return self._write({"settings"}, lambda: saved_views.delete_view(self.store, name))

    def set_setting(self, name: str, value: Any) -> Future[None]:
        """Store a project setting."""
        return self._write({"settings"}, lambda: self.store.set_setting(name, value))

    def _write(self, tables: set[str], function: Callable[[], T]) -> Future[T]:
        def write() -> T:
            self._may_write()
            result = function()
            self.bus.tables_changed(tables)
            return result

        return self.background.call(write)

    def _submit(self, title: str, work: Callable[[], AsyncIterator[Progress]]) -> str:
        async def checked() -> AsyncIterator[Progress]:
            self._may_write()
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
