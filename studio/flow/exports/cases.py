"""Which rationales an export takes, and all that led to their being taken.

Accepted is what the decision in force says; a person's outranks the policy's. Questions held out
for tests never become training rows. The rest is divided by question, so that no question stands
in both parts, and a question keeps its part however the project grows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from studio.domain.records import Question, Rationale, digest
from studio.store import views
from studio.store.tables import Store, record_of

Part = Literal["train", "validation"]
PARTS: tuple[Part, ...] = ("train", "validation")
VALIDATION_PERCENT = 10
_PAGE = 500


class Filter(NamedTuple):
    """What part of a project is exported; None stands for all of it."""

    student: str | None = None
    round: int | None = None


class Case(NamedTuple):
    """One rationale with its question and its decision."""

    question: Question
    rationale: Rationale
    accepted: bool | None  #: None: not decided yet
    human: bool | None  #: what a person said
    human_reason: str
    reason: str  #: what the policy said
    score: float | None  #: aggregate of the valid scores
    policy_version: int | None
    verdict: str | None  #: grade of the rationale's own answer
    reviews: tuple[dict[str, Any], ...]
    attempts: tuple[str, ...]  #: ids of the attempts at the question

    @property
    def decision(self) -> str:
        """The decision in force in one word."""
        return {True: "accepted", False: "rejected", None: "undecided"}[self.accepted]


@dataclass(frozen=True)
class Selection:
    """Ids of what is exported, by part, in order of making."""

    ids: dict[Part, list[str]]
    questions: int
    held_out: int  #: rationales left out because their question is kept for tests

    def first(self, most: int | None) -> Selection:
        """Return the same with at most so many of each part; None for all."""
        if most is None:
            return self
        return replace(self, ids={part: ids[:most] for part, ids in self.ids.items()})


def select(store: Store, wanted: Filter, *, include_all: bool) -> Selection:
    """Choose the rationales and divide them by question."""
    rows = store.rows(views.EXPORTED, include_all, wanted.student, wanted.round)
    learned = [row for row in rows if row["split"] == "train"]
    part = _division(list(dict.fromkeys(row["question_id"] for row in learned)))
    ids: dict[Part, list[str]] = {name: [] for name in PARTS}
    for row in learned:
        ids[part[row["question_id"]]].append(row["id"])
    return Selection(ids, len(part), len(rows) - len(learned))


def pages(store: Store, ids: Sequence[str]) -> Iterator[list[Case]]:
    """Yield the cases page by page, so that memory stays bounded."""
    for start in range(0, len(ids), _PAGE):
        rows = store.rows(views.EXPORTED_PAGE, json.dumps(ids[start : start + _PAGE]))
        wanted = list(dict.fromkeys(row["question_id"] for row in rows))
        marks = ",".join("?" * len(wanted))
        questions = {q.id: q for q in store.all(Question, f"id IN ({marks})", *wanted)}
        yield [_case(row, questions[row["question_id"]]) for row in rows]


def _division(question_ids: Sequence[str]) -> dict[str, Part]:
    """Return the part of each question: by a lot of its own, but neither is left empty."""
    lots = {qid: int(digest("validation", qid), 16) % 100 for qid in question_ids}
    part: dict[str, Part] = {
        qid: "validation" if lot < VALIDATION_PERCENT else "train" for qid, lot in lots.items()
    }
    if len(part) > 1 and len(set(part.values())) == 1:
        lone = min(part, key=lambda qid: digest("validation", qid))
        part[lone] = "train" if part[lone] == "validation" else "validation"
    elif len(part) == 1:
        part = dict.fromkeys(part, "train")
    return part


def _case(row: Any, question: Question) -> Case:
    return Case(
        question=question,
        rationale=record_of(Rationale, row),
        accepted=_bool(row["accepted"]),
        human=_bool(row["human"]),
        human_reason=row["human_reason"] or "",
        reason=row["reason"] or "",
        score=row["score"],
        policy_version=row["policy_version"],
        verdict=row["verdict"],
        reviews=tuple(json.loads(row["reviews"])),
        attempts=tuple(json.loads(row["attempts"])),
    )


def _bool(value: int | None) -> bool | None:
    return None if value is None else bool(value)
