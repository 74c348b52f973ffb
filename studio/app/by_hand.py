"""What a person writes, done on the background thread: edits, gold answers, notes, how it is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from studio.domain.records import Grade, Rationale
from studio.flow import edits, grades, prompt_versions
from studio.flow.edits import Note
from studio.flow.prompt_versions import PromptVersion
from studio.flow.quality import keep_quality
from studio.flow.stage import Bench
from studio.store.tables import Store


class ByHand:
    """Changes of one person; each is one undoable action.

    Args:
        write: runs a function on the background thread and tells which tables it changed.
    """

    def __init__(
        self,
        bench: Callable[[], Bench],
        who: str,
        write: Callable[[set[str], Callable[[], Any]], Future[Any]],
    ) -> None:
        self._bench, self._who, self._write = bench, who, write

    @property
    def _store(self) -> Store:
        return self._bench().store

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

    def write_prompt(self, name: str, text: str, *, why: str = "") -> Future[PromptVersion]:
        """Put a text of a prompt in force; what was made with the former one stays."""
        return self._write(
            {"prompts"},
            lambda: prompt_versions.write(self._bench(), name, text, who=self._who, why=why),
        )

    def restore_prompt(self, name: str, version: int) -> Future[PromptVersion]:
        """Put a former version of a prompt in force again."""
        return self._write(
            {"prompts"},
            lambda: prompt_versions.restore(self._bench(), name, version, who=self._who),
        )

    def not_a_mistake(self, attempt_id: str, *, why: str = "") -> Future[Grade]:
        """Say that an attempt was graded wrong and is correct."""
        return self._write(
            {"grades"},
            lambda: grades.mark_not_a_mistake(self._store, attempt_id, who=self._who, why=why),
        )

    def keep_quality(self, given: Mapping[str, Any]) -> Future[None]:
        """Keep in the project how much is asked of the committee beyond once."""
        return self._write({"settings"}, lambda: keep_quality(self._store, given))
