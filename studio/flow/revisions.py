"""Rejected rationales go back to who wrote them, with what the reviewers said, and become revisions.

A revision is a rationale of its own, reviewed and decided like the first. A reviewer who sees gold
may give it away in a comment; ``flow/checks.py`` marks what cites it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING

from studio.domain.records import Question, Rationale, Review, digest
from studio.flow.committee import Ask, Kept
from studio.flow.stage import Bench, Progress, Scope
from studio.flow.together import ask_together
from studio.prompts import question_text
from studio.store import committee_views as views
from studio.store.edit_views import NEWEST_REVISION
from studio.teachers.base import Outcome, Reply

if TYPE_CHECKING:
    from studio.store.tables import Store


class ReviseStage:
    """Ask the authors of rejected rationales for another try.

    Args:
        tries: how often one rationale goes back at most.
    """

    name = "revise"
    table = Rationale.table

    def __init__(self, scope: Scope = Scope(), *, tries: int = 1) -> None:
        self._scope = scope
        self._tries = tries

    def todo(self, store: Store) -> int:
        """Return how many rationales are to go back now."""
        return len(self.missing(store))

    async def run(self, bench: Bench) -> AsyncIterator[Progress]:
        """Ask for revisions, adding each as it arrives."""
        async for progress in ask_together(bench, [self]):
            yield progress

    def missing(self, store: Store) -> Sequence[str]:
        """Return the ids of the rationales that are to go back."""
        if not self._tries:
            return []
        student, round_, limit = self._scope
        rows = store.rows(views.TO_REVISE, student, round_, student, student, round_, round_,
                          self._tries, -1 if limit is None else limit)  # fmt: skip
        return [row[0] for row in rows]

    def asks(self, bench: Bench, missing: Sequence[str]) -> Iterator[tuple[str, Ask]]:
        """Yield one ask for each, with its question's id."""
        teachers = {teacher.name: teacher for teacher in bench.store.teachers()}
        template = bench.templates.get("mapd", "revise")
        for rationale in bench.store.get_many(Rationale, missing):
            question = bench.store.get(Question, rationale.question_id)
            teacher = teachers.get(rationale.teacher)
            if question is None or teacher is None:
                continue
            fields = {"question": question_text(question), "solution": rationale.text,
                      "mark": digest("revise", rationale.id),
                      "comments": _comments(bench.store, rationale.id)}  # fmt: skip
            ask = Ask(f"revise/{rationale.id}/{teacher.name}", teacher, self.name,
                      template.messages(fields), template.hash, teacher.max_tokens)  # fmt: skip
            yield question.id, ask

    def keep(self, bench: Bench, ask: Ask, reply: Reply) -> Kept:
        """Add the revision."""
        before = bench.store.get(Rationale, ask.subject.split("/", 2)[1])
        assert before is not None  # the ask was made from it, and facts are never removed
        newest = int(bench.store.value(
            NEWEST_REVISION, before.question_id, before.teacher, before.sample
        ))  # fmt: skip
        made = before.changed(
            text=reply.text, revision=newest + 1, call_id=reply.call_id, edited_by="", key="",
            prompt_hash=ask.prompt_hash, truncated=reply.outcome is Outcome.TRUNCATED,
        )  # fmt: skip
        bench.store.add([made])
        return Kept(made=made.id)


def _comments(store: Store, rationale_id: str) -> str:
    reviews = store.all(Review, "subject_id = ? AND comment <> ''", rationale_id,
                        view="current_reviews")  # fmt: skip
    said = [f"- {' '.join(review.comment.split())}" for review in reviews]
    return "\n".join(said) or "- No comment was given; look for the step that is wrong."
