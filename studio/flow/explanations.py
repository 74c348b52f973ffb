"""Mistakes become explanations: each teacher says what went wrong in each of them.

Source: arXiv 2410.03663, released code: the teacher sees question, wrong answer and gold.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING

from studio.domain.records import Attempt, Explanation, Question
from studio.flow.committee import Ask, Kept
from studio.flow.stage import Bench, Progress, Scope
from studio.flow.together import ask_together
from studio.prompts import question_text
from studio.store import committee_views as views
from studio.teachers.base import Outcome, Reply

if TYPE_CHECKING:
    from studio.store.tables import Store


class ExplainStage:
    """Ask every active teacher about every mistake on a train question it has not explained."""

    name = "explain"
    table = Explanation.table

    def __init__(self, scope: Scope = Scope()) -> None:
        self._scope = scope

    def todo(self, store: Store) -> int:
        """Return how many explanations are missing."""
        return int(store.value(f"SELECT count(*) FROM ({views.UNEXPLAINED})", *self._parameters))

    def by_teacher(self, store: Store) -> dict[str, int]:
        """Return how many are missing of each teacher."""
        query = f"SELECT teacher, count(*) FROM ({views.UNEXPLAINED}) GROUP BY 1"
        return dict(map(tuple, store.rows(query, *self._parameters)))

    async def run(self, bench: Bench) -> AsyncIterator[Progress]:
        """Ask for what is missing, adding each explanation as it arrives."""
        async for progress in ask_together(bench, [self]):
            yield progress

    def missing(self, store: Store) -> Sequence[tuple[str, str]]:
        """Return (attempt id, teacher) of what is missing, mistake by mistake."""
        rows = store.rows(views.UNEXPLAINED, *self._parameters)
        return [(row["attempt_id"], row["teacher"]) for row in rows]

    def asks(self, bench: Bench, missing: Sequence[tuple[str, str]]) -> Iterator[tuple[str, Ask]]:
        """Yield one ask for each, with its question's id."""
        template = bench.templates.get("mapd", "explain")
        teachers = {teacher.name: teacher for teacher in bench.store.teachers()}
        for attempt_id, name in missing:
            attempt = bench.store.get(Attempt, attempt_id)
            question = bench.store.get(Question, attempt.question_id) if attempt else None
            if attempt is None or question is None:
                continue
            fields = {"question": question_text(question), "wrong": attempt.text,
                      "gold": question.gold}  # fmt: skip
            ask = Ask(f"explain/{attempt_id}/{name}", teachers[name], self.name,
                      template.messages(fields), template.hash, teachers[name].max_tokens)  # fmt: skip
            yield question.id, ask

    def keep(self, bench: Bench, ask: Ask, reply: Reply) -> Kept:
        """Add the explanation."""
        _, attempt_id, teacher = ask.subject.split("/", 2)  # a name may hold a stroke
        made = Explanation(
            attempt_id=attempt_id, teacher=teacher, text=reply.text, call_id=reply.call_id,
            prompt_hash=ask.prompt_hash, truncated=reply.outcome is Outcome.TRUNCATED,
        )  # fmt: skip
        bench.store.add([made])
        return Kept(made=made.id)

    @property
    def _parameters(self) -> tuple[object, ...]:
        student, round_, limit = self._scope
        return student, student, round_, round_, -1 if limit is None else limit
