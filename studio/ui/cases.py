"""Everything known about one question, read for the desk; no Qt in here."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.domain.records import Question
from studio.flow.edits import Note, note_of
from studio.prompts import question_text
from studio.store import window_views
from studio.ui.texts import tr
from studio.ui.words import NOTHING, SIGNS, cost, decimal

if TYPE_CHECKING:
    from studio.store.tables import Store


class Answer(NamedTuple):
    """A student's attempt with its grade."""

    id: str
    student: str
    round: int
    sample: int
    text: str
    truncated: bool
    verdict: str  #: empty when not graded
    extracted: str
    span: tuple[int, int] | None
    doubts: tuple[tuple[str, str], ...]  #: name, evidence


class Said(NamedTuple):
    """A teacher's rationale with its own answer and what was decided; three things apart."""

    id: str
    teacher: str
    text: str
    verdict: str
    extracted: str
    automatic: bool | None  #: what the policy says; None: not decided
    reason: str
    score: float | None
    human: bool | None  #: what a person says
    human_reason: str
    who: str
    sample: int
    revision: int
    truncated: bool
    edited_by: str
    flags: tuple[tuple[str, str], ...] = ()  #: what its text betrays, and by what

    @property
    def accepted(self) -> bool | None:
        """What counts."""
        return self.automatic if self.human is None else self.human


class Scored(NamedTuple):
    """One cell of the matrix."""

    rationale_id: str
    reviewer: str
    score: int | None
    missing: str
    comment: str
    source_score: str
    price: str
    call_id: str  #: the ledger's row with the raw reply; empty when imported


class Case(NamedTuple):
    """One question on the desk."""

    question: Question
    text: str
    answers: tuple[Answer, ...]
    rationales: tuple[Said, ...]
    scores: dict[tuple[str, str], Scored]  #: by rationale and reviewer
    reviewers: tuple[str, ...]
    note: Note

    def mean(self, rationale_id: str) -> float | None:
        """Return the mean of a rationale's valid scores."""
        valid = [s.score for (rid, _), s in self.scores.items()
                 if rid == rationale_id and s.score is not None]  # fmt: skip
        return sum(valid) / len(valid) if valid else None


def read_case(store: Store, question_id: str) -> Case | None:
    """Return a question with all that was said about it, or None when it is gone."""
    question = store.get(Question, question_id)
    if question is None:
        return None
    said = tuple(map(_said, store.rows(window_views.CASE_RATIONALES, question_id)))
    scores = [_scored(row) for row in store.rows(window_views.CASE_REVIEWS, question_id)]
    authors = dict.fromkeys(s.teacher for s in said)  # in the order of their numbers on the desk
    others = sorted({s.reviewer for s in scores} - authors.keys())
    return Case(
        question=question,
        text=question_text(question),
        answers=tuple(map(_answer, store.rows(window_views.CASE_ATTEMPTS, question_id))),
        rationales=said,
        scores={(s.rationale_id, s.reviewer): s for s in scores},
        reviewers=(*authors, *others),
        note=note_of(store, question_id),
    )


class Explained(NamedTuple):
    """What a teacher says went wrong, and what is said of that, where anybody was asked."""

    text: str
    flags: tuple[tuple[str, str], ...] = ()  #: what its text betrays, and by what
    scores: tuple[tuple[str, int | None, str], ...] = ()  #: reviewer, score, comment or why none

    @property
    def scored(self) -> str:
        """Who gave how much, in words; empty where nobody was asked."""
        given = (f"{name} {NOTHING if score is None else score}" for name, score, _ in self.scores)
        return tr("explanation scored by {given}", given=", ".join(given)) if self.scores else ""

    @property
    def comments(self) -> str:
        """What the reviewers said of it, a line each."""
        return "\n".join(f"{name}: {said}" for name, _, said in self.scores if said)


def read_explanations(store: Store, attempt_id: str) -> dict[str, Explained]:
    """Return what each teacher says went wrong in an attempt."""
    return {
        row["teacher"]: Explained(
            row["text"], tuple(json.loads(row["flags"] or "{}").items()),
            tuple((name, score, comment or missing)
                  for name, score, comment, missing in sorted(json.loads(row["scores"]))),
        )
        for row in store.rows(window_views.CASE_EXPLANATIONS, attempt_id)
    }  # fmt: skip


class Line(NamedTuple):
    """One row of the desk's list."""

    id: str
    text: str
    student: str  #: ``92 ✗`` with the gold answer behind it
    marks: tuple[tuple[str, bool | None, bool], ...]  #: teacher, accepted, by hand
    mean: float | None
    gap: int | None  #: between the lowest and the highest score
    doubtful: bool

    @property
    def numbers(self) -> str:
        """Mean and gap of all scores, in words."""
        if self.mean is None:
            return tr("no scores")
        return tr("mean {mean:.1f} · gap {gap}", mean=self.mean, gap=self.gap)

    @property
    def spoken(self) -> str:
        """The whole row in words, for a screen reader and the tooltip."""
        marks = ", ".join(
            f"{teacher} {'not decided' if yes is None else 'accepted' if yes else 'rejected'}"
            f"{' by hand' if by_hand else ''}"
            for teacher, yes, by_hand in self.marks
        )
        return " · ".join(part for part in (self.text, self.student, marks, self.numbers) if part)


def read_lines(store: Store, ids: Iterable[str]) -> dict[str, Line]:
    """Return the list's rows of these questions."""
    rows = store.rows(window_views.DESK_ROWS, json.dumps(list(ids)))
    return {row["id"]: _line(row) for row in rows}


def _line(row: Any) -> Line:
    extracted, verdict, doubts = json.loads(row["answer"] or "[null, null, null]")
    scores = json.loads(row["scores"])
    decided = json.loads(row["decided"])
    said = f"{_short(extracted)} {SIGNS.get(verdict or '', '')}".strip() if verdict else ""
    return Line(
        id=row["id"],
        text=" ".join(row["text"].split()),
        student=tr("{said} · gold {short}", said=said, short=_short(row["gold"]))
        if said
        else tr("gold {short}", short=_short(row["gold"])),
        marks=tuple(
            (teacher, _yes(automatic if human is None else human), human is not None)
            for teacher, automatic, human, _ in sorted(decided)
        ),
        mean=sum(scores) / len(scores) if scores else None,
        gap=max(scores) - min(scores) if scores else None,
        doubtful=(doubts or "[]") != "[]",
    )


def _short(text: str | None) -> str:
    return NOTHING if not text else text if len(text) <= 14 else f"{text[:13]}…"


def _answer(row: Any) -> Answer:
    doubts = tuple((d["name"], d["evidence"]) for d in json.loads(row["doubts"] or "[]"))
    span = json.loads(row["span"]) if row["span"] else None
    return Answer(
        id=row["id"], student=row["student"], round=row["round"], sample=row["sample"],
        text=row["text"], truncated=bool(row["truncated"]), verdict=row["verdict"] or "",
        extracted=row["extracted"] or "", span=tuple(span) if span else None, doubts=doubts,
    )  # fmt: skip


def _said(row: Any) -> Said:
    return Said(
        id=row["id"], teacher=row["teacher"], text=row["text"], verdict=row["verdict"] or "",
        extracted=row["extracted"] or "", automatic=_yes(row["automatic"]),
        reason=row["reason"] or "", score=row["score"], human=_yes(row["human"]),
        human_reason=row["human_reason"] or "", who=row["who"] or "", sample=row["sample"],
        revision=row["revision"], truncated=bool(row["truncated"]), edited_by=row["edited_by"],
        flags=tuple(json.loads(row["flags"] or "{}").items()),
    )  # fmt: skip


def _scored(row: Any) -> Scored:
    price = ""
    if row["tokens_out"] is not None:
        price = tr(
            "{read:,} + {written:,} tokens · {cost}",
            read=row["tokens_in"],
            written=row["tokens_out"],
            cost=cost(row["cost_usd"]),
        )
        if row["requests"] > 1:
            price += tr(" · {n} requests", n=row["requests"])
    return Scored(
        row["subject_id"], row["reviewer"], row["score"], row["missing"], row["comment"],
        row["source_score"], price, row["call_id"],
    )  # fmt: skip


def _yes(value: int | None) -> bool | None:
    return None if value is None else bool(value)


def mean_text(value: float | None) -> str:
    """Return a mean score as it stands in the matrix."""
    return decimal(value, 1)
