"""Rationales become reviewed: every other teacher scores each of them from 1 to 5.

A score is the reviewer's own: read from its reply only, by JSON schema where the endpoint has it,
else from exactly one line that carries a one-time mark. The candidate stands inside a fence with
the same mark, which no candidate can know. Whatever else comes back is a review that is *missing*,
with its reason, after one more request.

Source: arXiv 2410.03663, released code (scores 1-5, gold given as a hint); mark and fence are ours.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import BaseModel

from studio.domain.records import (
    Attempt,
    Explanation,
    Question,
    Rationale,
    Review,
    ReviewedKind,
    TeacherRecord,
    digest,
)
from studio.flow.committee import Ask, Kept
from studio.flow.review_reading import read_review
from studio.flow.stage import Bench, Progress, Scope
from studio.flow.together import ask_together
from studio.prompts import question_text
from studio.store import committee_views as views
from studio.teachers.base import Outcome, Reply

if TYPE_CHECKING:
    from studio.store.tables import Store

_SHOWN_OF_A_REPLY = 2000  #: characters of a reply without a score that its writer sees again
MAX_TRIES = 2  #: requests for one review: the first, and one more when no score can be read


class Judgement(BaseModel):
    """What a reviewer returns where the endpoint takes a JSON schema."""

    comment: str
    score: Literal[1, 2, 3, 4, 5]  # an enumeration: more endpoints know it than a range


class Candidate(NamedTuple):
    """What is to be reviewed: by whom it is, what it says, and the fields of its prompt."""

    id: str
    question_id: str
    author: str
    text: str
    fields: dict[str, str]


class ReviewStage:
    """Ask every active teacher to review every other's rationales that it has not reviewed.

    Args:
        blind: the reviewer does not see gold.
    """

    name = "review"
    table = Review.table
    kind: ReviewedKind = "rationale"

    def __init__(self, scope: Scope = Scope(), *, blind: bool = False) -> None:
        self._scope = scope
        self._blind = blind
        self._begun = 0

    def todo(self, store: Store) -> int:
        """Return how many reviews are missing."""
        return int(store.value(f"SELECT count(*) FROM ({self._view})", *self._parameters))

    def by_teacher(self, store: Store) -> dict[str, int]:
        """Return how many are missing of each reviewer."""
        query = f"SELECT reviewer, count(*) FROM ({self._view}) GROUP BY 1"
        return dict(map(tuple, store.rows(query, *self._parameters)))

    async def run(self, bench: Bench) -> AsyncIterator[Progress]:
        """Ask for what is missing, adding each review as it arrives."""
        async for progress in ask_together(bench, [self]):
            yield progress

    def missing(self, store: Store) -> Sequence[tuple[str, str]]:
        """Return (what, reviewer) of what is missing, rationale by rationale."""
        rows = store.rows(self._view, *self._parameters)
        self._begun = len(rows)
        return [(row["subject_id"], row["reviewer"]) for row in rows]

    def asks(self, bench: Bench, missing: Sequence[tuple[str, str]]) -> Iterator[tuple[str, Ask]]:
        """Yield one ask for each, with its question's id."""
        teachers = {teacher.name: teacher for teacher in bench.store.teachers()}
        for subject_id, reviewer in missing:
            candidate = self._candidate(bench.store, subject_id)
            if candidate is not None and reviewer in teachers:
                yield candidate.question_id, self._ask(bench, candidate, teachers[reviewer])

    def asks_about(self, bench: Bench, subject_id: str) -> list[Ask]:
        """Return what a new record makes necessary, as far as the scope's limit goes."""
        candidate = self._candidate(bench.store, subject_id)
        if candidate is None:
            return []
        others = [one for one in bench.store.teachers() if one.name != candidate.author]
        limit = self._scope.limit
        free = len(others) if limit is None else max(0, limit - self._begun)
        self._begun += len(others[:free])
        return [self._ask(bench, candidate, reviewer) for reviewer in others[:free]]

    def keep(self, bench: Bench, ask: Ask, reply: Reply) -> Kept | None:
        """Add the review, or ask once more where no score can be read."""
        _, subject_id, tries, reviewer = ask.subject.split("/", 3)  # a name may hold a stroke
        candidate = self._candidate(bench.store, subject_id)
        mark = mark_of(seed_of(bench.store), ask.subject)
        reading = read_review(reply.text, mark=mark, candidate=candidate.text if candidate else "")
        if reading.score is None and reply.outcome is Outcome.TRUNCATED:
            reading = reading._replace(missing="the reply was cut at the token limit")
        if reading.score is None and candidate is not None and int(tries) + 1 < MAX_TRIES:
            said = (reply.text, reading.missing)
            return Kept(again=[self._ask(bench, candidate, ask.teacher, int(tries) + 1, said=said)])
        bench.store.add([
            Review(
                subject_id=subject_id, subject_kind=self.kind, reviewer=reviewer,
                score=reading.score, missing=reading.missing, comment=reading.comment,
                blind=self._blind, tries=int(tries), call_id=reply.call_id,
                prompt_hash=ask.prompt_hash,
            )
        ])  # fmt: skip
        return None

    @property
    def _view(self) -> str:
        return views.UNREVIEWED

    @property
    def _parameters(self) -> tuple[object, ...]:
        student, round_, limit = self._scope
        at_most = -1 if limit is None else limit
        return student, round_, student, student, round_, round_, at_most

    @property
    def _prompt(self) -> str:
        return "review_blind" if self._blind else "review"

    def _candidate(self, store: Store, subject_id: str) -> Candidate | None:
        rationale = store.get(Rationale, subject_id)
        question = store.get(Question, rationale.question_id) if rationale else None
        if rationale is None or question is None:
            return None
        fields = {"question": question_text(question), "gold": question.gold}
        return Candidate(rationale.id, question.id, rationale.teacher, rationale.text, fields)

    def _ask(
        self,
        bench: Bench,
        candidate: Candidate,
        reviewer: TeacherRecord,
        tries: int = 0,
        *,
        said: tuple[str, str] = ("", ""),
    ) -> Ask:
        subject = f"review/{candidate.id}/{tries}/{reviewer.name}"
        mark = mark_of(seed_of(bench.store), subject)
        template = bench.templates.get("mapd", self._prompt)
        fenced = {name: _fenced(text, mark) for name, text in candidate.fields.items()
                  if name not in ("question", "gold")}  # fmt: skip
        fields = {**candidate.fields, **fenced, "mark": mark,
                  "candidate": _fenced(candidate.text, mark)}  # fmt: skip
        messages = template.messages(fields)
        if said[1]:
            messages += _once_more(*said, mark=mark)
        return Ask(subject, reviewer, self.name, messages, template.hash, reviewer.max_tokens,
                   Judgement)  # fmt: skip


class ReviewExplanationsStage(ReviewStage):
    """Ask every active teacher to review every other's explanations."""

    name = "review explanations"
    kind: ReviewedKind = "explanation"

    @property
    def _view(self) -> str:
        return views.UNREVIEWED_EXPLANATIONS

    @property
    def _parameters(self) -> tuple[object, ...]:
        student, round_, limit = self._scope
        return student, student, round_, round_, -1 if limit is None else limit

    @property
    def _prompt(self) -> str:
        return "review_explanation"

    def _candidate(self, store: Store, subject_id: str) -> Candidate | None:
        explanation = store.get(Explanation, subject_id)
        attempt = store.get(Attempt, explanation.attempt_id) if explanation else None
        question = store.get(Question, attempt.question_id) if attempt else None
        if explanation is None or attempt is None or question is None:
            return None
        fields = {"question": question_text(question), "gold": question.gold, "wrong": attempt.text}
        return Candidate(explanation.id, question.id, explanation.teacher, explanation.text, fields)


def _fenced(text: str, mark: str) -> str:
    return text.replace(mark, "[mark]").replace("<<<", "< < <")


def _once_more(reply: str, why: str, *, mark: str) -> list[dict[str, str]]:
    """Return the rest of the conversation that says what was wrong with a first reply."""
    return [
        {"role": "assistant", "content": reply[:_SHOWN_OF_A_REPLY]},
        {"role": "user", "content": (
            f"Your reply cannot be used: {why}. If you were asked for JSON, reply with that object"
            " and nothing else. Otherwise write a short comment and end with exactly one line of"
            f" this form, with your score from 1 to 5 in place of N:\nSCORE_{mark}: N"
        )},
    ]  # fmt: skip


def seed_of(store: Store) -> str:
    """Return the project's own seed of one-time marks, made at the first review."""
    seed: str = store.setting("review_seed", "")
    if not seed:
        seed = secrets.token_hex(16)
        if not store.read_only:  # else the messages are only looked at
            store.set_setting("review_seed", seed)
    return seed


def mark_of(seed: str, subject: str) -> str:
    """Return the mark of one call: known to nobody who wrote a candidate, the same after a restart."""
    return digest("mark", seed, subject)
