"""What the window can have done with one open project, as methods that return at once.

All writing happens on the background thread. The command line drives ``bench`` with an event loop
of its own. Nothing here imports Qt, torch or the OpenAI client.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.app.wiring import Wiring
from studio.domain.policy import Policy
from studio.domain.records import StudentRecord, TeacherRecord
from studio.flow import decisions, outlook, pipeline, saved_views, splits, undo

if TYPE_CHECKING:
    from studio.flow.decisions import Wish
    from studio.flow.outlook import Tokens
    from studio.flow.pipeline import Plan
    from studio.flow.score_tallies import Tally

MANY = 100  #: decisions by hand at once, before which a backup is kept


class Workbench(Wiring):
    """One open project, and what can be done with it."""

    # -- long work, for the window ---------------------------------------------------------

    def run_flow(self, plan: Plan, *, budget_usd: float | None = None) -> str:
        """Run the stages of ``plan`` that have something to do; returns the task's id."""
        return self._submit(
            "Run what is missing",
            lambda: pipeline.run_stages(self.bench, plan, budget_usd=budget_usd),
        )

    def import_files(self, files: Sequence[Path], **options: Any) -> str:
        """Import files (see ``flow.questions.import_files``); returns the task's id."""
        return self._submit(
            "Import", lambda: pipeline.import_files(self.bench, files, **options), much=True
        )

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
            much=True,
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
            much=len(rationale_ids) >= MANY,
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
            much=True,
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
