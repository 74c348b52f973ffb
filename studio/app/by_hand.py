"""What a person writes at the desk, done on the background thread: edits, gold answers, notes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from studio.domain.records import Grade, Rationale
from studio.flow import edits, grades
from studio.flow.edits import Note
from studio.store.tables import Store


class ByHand:
    """Changes of one person; each is one undoable action.

    Args:
        write: runs a function on the background thread and tells which tables it changed.
    """

    def __init__(
        self, store: Store, who: str, write: Callable[[set[str], Callable[[], Any]], Future[Any]]
    ) -> None:
        self._store, self._who, self._write = store, who, write

    def edit(
        self, rationale_id: str, text: str, *, accept: bool = False, why: str = ""
    ) -> Future[Rationale]:
        """Put a person's revision in the place of a rationale."""
        return self._write(
            {"rationales", "grades", "decisions", "overrides"},
            lambda: edits.edit_rationale(
                self._store, rationale_id, text, who=self._who, accept=accept, why=why
            ),
        )

    def correct_gold(self, question_id: str, gold: str, *, why: str = "") -> Future[int]:
        """Correct a gold answer; all answers to the question are graded anew."""
        return self._write(
            {"questions", "grades", "decisions"},
            lambda: edits.correct_gold(self._store, question_id, gold, who=self._who, why=why),
        )

    def write_note(self, question_id: str, text: str, tags: Sequence[str]) -> Future[Note]:
        """Leave a note with tags on a question."""
        return self._write(
            {"notes"}, lambda: edits.write_note(self._store, question_id, text, tags, who=self._who)
        )

    def not_a_mistake(self, attempt_id: str, *, why: str = "") -> Future[Grade]:
        """Say that an attempt was graded wrong and is correct."""
        return self._write(
            {"grades"},
            lambda: grades.mark_not_a_mistake(self._store, attempt_id, who=self._who, why=why),
        )
