"""Attempts and rationales become grades, by the rules of ``domain/grading.py``.

No model is asked, so everything may be graded again at any time: a new version of the rules adds
rows and the old ones stay, and it is told how many verdicts differ. What the teachers say can cast
doubt on gold itself; when that changes, the attempts concerned get one more grade. A person's grade
outranks all of them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import NamedTuple, TypeVar

from studio.domain import clock
from studio.domain.doubts import GOLD_SUSPICIOUS, suspicious_gold
from studio.domain.errors import SpecError
from studio.domain.grading import GRADER, Equal, grade_answer
from studio.domain.records import Attempt, Doubt, Grade, Question, SubjectKind, Verdict
from studio.flow.latex import LatexWorkers
from studio.flow.stage import Bench, Progress, Scope
from studio.store import edit_views, grading_views
from studio.store.tables import Store

T = TypeVar("T")

_PAGE = 500
_TEXTS: dict[SubjectKind, str] = {
    "rationale": grading_views.RATIONALE_TEXTS,
    "attempt": grading_views.ATTEMPT_TEXTS,
}
_OF_QUESTIONS: dict[SubjectKind, str] = {
    "rationale": edit_views.RATIONALES_OF_QUESTIONS,
    "attempt": edit_views.ATTEMPTS_OF_QUESTIONS,
}


class GradeStage:
    """Grade everything these rules have not graded, and what the teachers have made doubtful.

    A scope's limit does not count here: grading costs nothing, and half a grading misleads. What
    older rules have graded is graded anew whatever the scope, so that all are compared alike.
    """

    name = "grade"

    def __init__(self, scope: Scope = Scope()) -> None:
        self._scope = scope

    def todo(self, store: Store) -> int:
        """Return how many answers lack a grade that is up to date."""
        missing = sum(len(ids) for _, ids in self._missing(store))
        return missing + len(_outdated(store, _suspicions(store)))

    async def run(self, bench: Bench) -> AsyncIterator[Progress]:
        """Grade page by page; each page is committed before the next begins."""
        store, done, total, differ = bench.store, 0, self.todo(bench.store), 0
        with LatexWorkers() as latex:
            # Rationales first: they tell whether gold is to be doubted.
            for kind, ids in self._missing(store):
                suspicions = _suspicions(store) if kind == "attempt" else {}
                for page in _pages(ids):
                    texts = _texts(store, kind, page, suspicions)
                    # In a thread: LaTeX may take seconds, and the loop has other guests.
                    grades = await asyncio.to_thread(_grade, texts, kind, latex.equal)
                    differ += _differing(store, grades)
                    done += self._add(bench, grades)
                    yield Progress(self.name, done, total, note=_noted(latex.undecided, differ))
        outdated = _outdated(store, _suspicions(store))
        total = done + len(outdated)
        for part in _pages(outdated):
            done += self._add(bench, part)
            yield Progress(self.name, done, total, note=_noted(0, differ))
            await asyncio.sleep(0)

    def _missing(self, store: Store) -> list[tuple[SubjectKind, list[str]]]:
        scope = self._scope
        rationales = store.rows(grading_views.UNGRADED_RATIONALES, GRADER)
        attempts = store.rows(grading_views.UNGRADED_ATTEMPTS, GRADER, scope.student, scope.round)
        return [
            ("rationale", [row[0] for row in rationales]),
            ("attempt", [row[0] for row in attempts]),
        ]

    def _add(self, bench: Bench, grades: Sequence[Grade]) -> int:
        bench.store.add(grades)
        bench.changed({Grade.table})
        return len(grades)


def mark_not_a_mistake(store: Store, attempt_id: str, *, who: str, why: str = "") -> Grade:
    """Record a person's word that an attempt is correct; it outranks every grade by rules.

    The change is logged and can be undone. Raises SpecError when there is no such attempt.
    """
    if store.get(Attempt, attempt_id) is None:
        raise SpecError(
            f"there is no attempt {attempt_id}: 'mapd-studio export … --format attempts' lists them"
        )
    current = next(store.all(Grade, "subject_id = ?", attempt_id, view="current_grades"), None)
    grade = Grade(
        subject_id=attempt_id, verdict=Verdict.CORRECT, grader=f"person:{clock.now():.6f}",
        extracted=current.extracted if current else "", span=current.span if current else None,
    )  # fmt: skip
    with store.transaction():
        store.add([grade])
        store.log("grade", who=who, before=[], after=[grade.model_dump(mode="json")], why=why)
    return grade


def regrade(store: Store, question_ids: Sequence[str]) -> int:
    """Grade every answer to these questions anew, by the same rules; returns how many changed.

    To be called where gold has changed; a grade that comes out the same is not repeated.
    """
    changed = 0
    with LatexWorkers() as latex, store.transaction():
        suspicions = _suspicions(store)
        for kind, view in _OF_QUESTIONS.items():
            ids = [row["id"] for row in store.rows(view, json.dumps(question_ids))]
            texts = _texts(store, kind, ids, suspicions if kind == "attempt" else {})
            for grade in _grade(texts, kind, latex.equal):
                by_rules = list(store.all(
                    Grade, "subject_id = ? AND grader LIKE 'rules:%'", grade.subject_id
                ))  # fmt: skip
                if by_rules and by_rules[-1].changed(grader=GRADER) == grade:
                    continue
                number = f".{len(by_rules)}" if by_rules else ""
                changed += store.add([grade.changed(grader=f"{GRADER}{number}")])
    return changed


class _Text(NamedTuple):
    """One answer to grade, with the doubt that its question brings along."""

    id: str
    text: str
    truncated: bool
    question: Question
    suspicion: Doubt | None


def _texts(
    store: Store, kind: SubjectKind, ids: Sequence[str], suspicions: dict[str, Doubt]
) -> list[_Text]:
    rows = store.rows(_TEXTS[kind], json.dumps(ids))
    wanted = json.dumps(sorted({row["question_id"] for row in rows}))
    found = store.all(Question, "id IN (SELECT value FROM json_each(?))", wanted)
    questions = {question.id: question for question in found}
    return [
        _Text(row["id"], row["text"], bool(row["truncated"]), questions[row["question_id"]],
              suspicions.get(row["question_id"]))
        for row in rows
    ]  # fmt: skip


def _grade(texts: Sequence[_Text], kind: SubjectKind, equal: Equal) -> list[Grade]:
    grades = []
    for one in texts:
        ours = grade_answer(one.text, question=one.question, truncated=one.truncated, equal=equal)
        doubts = (*ours.doubts, one.suspicion) if one.suspicion else ours.doubts
        grades.append(Grade(
            subject_id=one.id, subject_kind=kind, verdict=ours.verdict, extracted=ours.extracted,
            span=ours.span, doubts=doubts, grader=GRADER,
        ))  # fmt: skip
    return grades


def _suspicions(store: Store) -> dict[str, Doubt]:
    """Return the doubt on gold of each question on which all teachers agree otherwise."""
    return {
        row["question_id"]: suspicious_gold(
            row["agreed"], json.loads(row["teachers"]), gold=row["gold"]
        )
        for row in store.rows(grading_views.AGREED_AGAINST_GOLD)
    }


def _outdated(store: Store, suspicions: dict[str, Doubt]) -> list[Grade]:
    """Return new grades for attempts whose doubt on gold is not what the teachers say now."""
    rows = store.rows(
        grading_views.GRADES_TO_COMPARE, json.dumps(list(suspicions)), GOLD_SUSPICIOUS
    )
    renewed = []
    for row in rows:
        grade = store.get(Grade, row["id"])
        assert grade is not None  # the row was just read from its table
        suspicion = suspicions.get(row["question_id"])
        if suspicion in grade.doubts or (
            suspicion is None and all(doubt.name != GOLD_SUSPICIOUS for doubt in grade.doubts)
        ):
            continue
        kept = tuple(doubt for doubt in grade.doubts if doubt.name != GOLD_SUSPICIOUS)
        # The verdict is still that of the rules that gave it, which need not be the newest.
        grader = f"{grade.grader.partition('.')[0]}.{row['graded']}"
        renewed.append(
            grade.changed(doubts=(*kept, suspicion) if suspicion else kept, grader=grader)
        )
    return renewed


def graded_by_older_rules(store: Store) -> int:
    """Return how many answers were graded by older rules only."""
    return int(store.value(grading_views.GRADED_BY_OLDER_RULES, GRADER))


def _differing(store: Store, grades: Sequence[Grade]) -> int:
    """Return how many verdicts are not those of the rules before; what had none does not count."""
    ids = json.dumps([grade.subject_id for grade in grades])
    before = {row[0]: row[1] for row in store.rows(grading_views.VERDICTS_BY_RULES, ids)}
    return sum(before.get(grade.subject_id, grade.verdict) != grade.verdict for grade in grades)


def _noted(undecided: int, differ: int) -> str:
    parts = [f"{undecided:,} LaTeX answers undecided"] if undecided else []
    if differ:
        parts.append(f"{differ:,} {'verdict differs' if differ == 1 else 'verdicts differ'} from the"
                     " older rules'; decide follows them")  # fmt: skip
    return " · ".join(parts)


def _pages(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), _PAGE):
        yield items[start : start + _PAGE]
