"""Questions become rationales: each teacher solves each question the student got wrong.

Source: arXiv 2410.03663, released code: the teacher sees the bare question, one sample.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING

from studio.domain.records import Question, Rationale
from studio.flow.committee import Ask, ask_all
from studio.flow.stage import Bench, Progress, Scope
from studio.prompts import question_text
from studio.store import committee_views as views
from studio.teachers.base import Outcome, Reply

if TYPE_CHECKING:
    from studio.store.tables import Store


class SolveStage:
    """Ask every active teacher to solve every train question that holds a mistake."""

    name = "solve"

    def __init__(self, scope: Scope = Scope()) -> None:
        self._scope = scope

    def todo(self, store: Store) -> int:
        """Return how many rationales are missing."""
        return int(store.value(f"SELECT count(*) FROM ({views.UNSOLVED})", *self._parameters))

    async def run(self, bench: Bench) -> AsyncIterator[Progress]:
        """Ask for what is missing, adding each rationale as it arrives."""
        missing = self._missing(bench.store)

        def keep(ask: Ask, reply: Reply) -> None:
            _, question_id, teacher = ask.subject.split("/", 2)  # a name may hold a stroke
            bench.store.add([
                Rationale(
                    question_id=question_id, teacher=teacher, text=reply.text,
                    call_id=reply.call_id, prompt_hash=ask.prompt_hash,
                    truncated=reply.outcome is Outcome.TRUNCATED,
                )
            ])  # fmt: skip

        asks = self._asks(bench, missing)
        async with aclosing(
            ask_all(
                bench, asks, stage=self.name, total=len(missing), keep=keep, tables={"rationales"}
            )
        ) as steps:
            async for progress in steps:
                yield progress

    @property
    def _parameters(self) -> tuple[object, ...]:
        student, round_, limit = self._scope
        return student, student, round_, round_, -1 if limit is None else limit

    def _missing(self, store: Store) -> list[tuple[str, str]]:
        """Return (question id, teacher) of what is missing, question by question."""
        rows = store.rows(views.UNSOLVED, *self._parameters)
        return [(row["question_id"], row["teacher"]) for row in rows]

    def _asks(self, bench: Bench, missing: list[tuple[str, str]]) -> Iterator[Ask]:
        template = bench.prompts.get("mapd", "solve")
        teachers = {teacher.name: teacher for teacher in bench.store.teachers()}
        for question_id, name in missing:
            question = bench.store.get(Question, question_id)
            if question is None:
                continue
            messages = template.messages({"question": question_text(question)})
            yield Ask(f"solve/{question_id}/{name}", teachers[name], self.name, messages,
                      template.hash, teachers[name].max_tokens)  # fmt: skip
