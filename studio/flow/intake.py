"""Where imported items get their place among the records a project already holds.

A question that is there stays as it is, and so does every text; what a file says otherwise is a
*conflict*, told and never silently dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from studio.domain.records import (
    Attempt,
    Explanation,
    Question,
    Rationale,
    StudentRecord,
    TeacherRecord,
)
from studio.flow.formats import committee
from studio.flow.formats.answers import same_gold
from studio.flow.formats.base import Draft, Item, Solution
from studio.store import views
from studio.store.tables import Store

_SHOWN = 100


class Conflict(NamedTuple):
    """A row that disagrees with the project; what the project holds was kept."""

    line: int
    question_id: str
    what: str


@dataclass
class Counts:
    """How many new records of each kind came in; ``duplicates`` are rows of known questions."""

    questions: int = 0
    duplicates: int = 0
    attempts: int = 0
    explanations: int = 0
    rationales: int = 0
    reviews: int = 0


class Intake:
    """Adds items to a store, within the transaction its caller holds.

    Attributes:
        conflicts: the first of them.
        conflict_count: of all.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._named: set[str] = set()
        self.counts = Counts()
        self.conflicts: list[Conflict] = []
        self.conflict_count = 0

    def take(self, items: Sequence[Item]) -> None:
        """Add the questions that are new, then what the items say about theirs."""
        stored = self._questions(items)
        for item in items:
            question = stored[item.question.id]
            for draft in item.attempts:
                self._attempt(item, draft, question)
            if item.rationales:
                self._solutions(item, item.rationales, self._free_place(item))

    def _questions(self, items: Sequence[Item]) -> dict[str, Question]:
        ids = list(dict.fromkeys(item.question.id for item in items))
        marks = ",".join("?" * len(ids))
        known = {q.id: q for q in self._store.all(Question, f"id IN ({marks})", *ids)}
        new: list[Question] = []
        for item in items:
            there = known.get(item.question.id)
            if there is None:
                known[item.question.id] = item.question
                new.append(item.question)
                continue
            self.counts.duplicates += 1
            if not same_gold(there.gold, item.question.gold):
                said = f"gold is {item.question.gold[:80]!r} here and {there.gold[:80]!r} there"
                self._disagree(item, said)
        self.counts.questions += self._store.add(new)
        return known

    def _attempt(self, item: Item, draft: Draft, question: Question) -> None:
        self._name(StudentRecord(name=draft.student))
        attempt = Attempt(
            question_id=question.id,
            student=draft.student,
            text=draft.text,
            round=draft.round,
            sample=self._place(question.id, draft),
            stated=draft.stated,
            source_verdict=draft.source_verdict,
            key=draft.key,
        )
        self.counts.attempts += self._store.add([attempt])
        for teacher, text in draft.explanations.items():
            self._name(_teacher(teacher))
            explanation = Explanation(attempt_id=attempt.id, teacher=teacher, text=text)
            self.counts.explanations += self._add(item, explanation)
        self._solutions(item, draft.rationales, attempt.sample, key=draft.key)
        self._carry(item, draft, question, attempt)

    def _solutions(
        self, item: Item, solutions: Mapping[str, Solution], sample: int, *, key: str = ""
    ) -> None:
        for teacher, solution in solutions.items():
            self._name(_teacher(teacher))
            rationale = Rationale(
                question_id=item.question.id, teacher=teacher, text=solution.text,
                sample=sample, key=key or item.question.key,
            )  # fmt: skip
            self.counts.rationales += self._add(item, rationale)
            reviews = [
                committee.review(rationale.id, reviewer, raw)
                for reviewer, raw in solution.scores.items()
            ]
            self.counts.reviews += self._store.add(reviews)

    def _add(self, item: Item, record: Explanation | Rationale) -> int:
        """Add one text; one that is there with other words stays, and is told."""
        if self._store.add([record]):
            return 1
        there = self._store.get(type(record), record.id)
        if there is not None and there.text != record.text:
            self._disagree(
                item, f"another {record.table[:-1]} of {record.teacher} is there already"
            )
        return 0

    def _place(self, question_id: str, draft: Draft) -> int:
        """Return the sample number of an attempt.

        The same attempt gets its number again. Another one gets the lowest that is free, for
        itself and for the rationales that came with it, so that a question which stands twice in
        a file loses nothing.
        """
        rows = self._store.rows(views.ATTEMPT_PLACES, question_id, draft.student)
        for row in rows:
            if (row["round"], row["key"], row["text"]) == (draft.round, draft.key, draft.text):
                return int(row["sample"])
        used = {int(row["sample"]) for row in rows}
        for teacher in draft.rationales:
            used |= {row["sample"] for row in self._rationales(question_id, teacher)}
        return _lowest_free(used)

    def _free_place(self, item: Item) -> int:
        """Return the sample number of a rationale that came without an attempt."""
        used: set[int] = set()
        for teacher, solution in item.rationales.items():
            for row in self._rationales(item.question.id, teacher):
                if row["text"] == solution.text:
                    return int(row["sample"])
                used.add(row["sample"])
        return _lowest_free(used)

    def _rationales(self, question_id: str, teacher: str) -> list[Any]:
        return self._store.rows(views.RATIONALE_PLACES, question_id, teacher)

    def _carry(self, item: Item, draft: Draft, question: Question, attempt: Attempt) -> None:
        if not draft.carried:
            return
        stored = self._store.get(Attempt, attempt.id) or attempt
        left = committee.unsaid(question, stored, draft)
        fields: dict[str, object] = {draft.part: left} if left else {}
        if item.question.dataset != question.dataset:
            fields["dataset"] = item.question.dataset
        if fields:
            self._store.carry(attempt.id, fields)

    def _name(self, record: StudentRecord | TeacherRecord) -> None:
        if record.id not in self._named:
            self._named.add(record.id)
            self._store.add([record])

    def _disagree(self, item: Item, what: str) -> None:
        self.conflict_count += 1
        if self.conflict_count <= _SHOWN:
            self.conflicts.append(Conflict(item.line, item.question.id, what))


def _teacher(name: str) -> TeacherRecord:
    """Return an imported teacher: known by its texts, not to be asked."""
    return TeacherRecord(name=name, model="", base_url="", active=False)


def _lowest_free(used: set[int]) -> int:
    return next(n for n in range(len(used) + 1) if n not in used)
