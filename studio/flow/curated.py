"""What the project holds that one student may learn from: the cases of its next dataset.

Of every question only what counts is taken: accepted rationales in their newest revision, this
student's own mistakes of one round, and what teachers said about those.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from studio.domain.records import Attempt, Explanation, Question, Rationale, digest
from studio.domain.teacher_values import names_in
from studio.flow.overlap import overlapping
from studio.methods.base import Accepted, Case, Mistake
from studio.prompts import question_text
from studio.store import views

if TYPE_CHECKING:
    from studio.domain.specs import DatasetSpec
    from studio.store.tables import Store

T = TypeVar("T")
_BY_HAND = "accepted by hand"
_NAMED = 20  #: so many left-out questions are named in the manifest; the rest is counted


class Curated:
    """What the project holds that one student may learn from, by question."""

    def __init__(self, store: Store, student: str, round_: int, options: DatasetSpec) -> None:
        self._store = store
        self.round = round_
        self._choice = options.choice
        self._teachers = names_in(options.teachers)
        self.accepted = self._accepted()
        self.mistakes = self._mistakes(student)
        self._replayable = self._correct(student)
        self._questions = {
            question.id: question
            for question in store.get_many(Question, {*self.accepted, *self._replayable})
        }
        self.contaminated = self._in_test_too()

    @property
    def narrowed(self) -> bool:
        """Whether less is taken than what was decided on."""
        return self._choice != "decided" or bool(self._teachers)

    def cases(self, options: DatasetSpec) -> list[Case]:
        """Return one case per question that teaches something."""
        wanted = set(self.accepted)
        if options.questions == "mistakes":
            wanted &= set(self.mistakes)
        wanted -= self.contaminated
        replay = self._replay(options)
        return [
            self._case(qid, qid in wanted, replay.get(qid)) for qid in sorted({*wanted, *replay})
        ]

    def facts(self, cases: Iterable[Case], used: Collection[str]) -> dict[str, Any]:
        """Return what a manifest tells about where the examples come from.

        Args:
            used: ids of the records that became examples.
        """
        taught = [case for case in cases if case.rationales]
        accepted = [one for case in taught for one in case.rationales if one.rationale.id in used]
        explanations = [
            text
            for case in taught
            for mistake in case.mistakes
            for text in mistake.explanations
            if text.id in used
        ]
        learned: list[Rationale | Explanation] = [
            *(one.rationale for one in accepted),
            *explanations,
        ]
        return {
            "questions": len(taught),
            "mistakes": sum(bool(case.mistakes) for case in taught),
            "teachers": {
                "rationale": Counter(one.rationale.teacher for one in accepted),
                "explanation": Counter(text.teacher for text in explanations),
            },
            "teacher_prompts": sorted({one.prompt_hash for one in learned if one.prompt_hash}),
            "accepted_by_hand": sum(one.why.startswith(_BY_HAND) for one in accepted),
            "edited_by_hand": sum(bool(one.rationale.edited_by) for one in accepted),
            "truncated": sum(one.truncated for one in learned),
            "left_out": self._left_out(),
        }

    def _left_out(self) -> dict[str, Any]:
        return {
            "in_test_too": len(self.contaminated),
            "in_test_too_ids": sorted(self.contaminated)[:_NAMED],
            "mistakes_without_accepted": len(set(self.mistakes) - set(self.accepted)),
        }

    def _case(self, question_id: str, taught: bool, replay: Attempt | None) -> Case:
        return Case(
            question=self._questions[question_id],
            mistakes=tuple(self.mistakes.get(question_id, ())) if taught else (),
            rationales=tuple(self.accepted[question_id]) if taught else (),
            replay=() if replay is None else (replay,),
        )

    def _accepted(self) -> dict[str, list[Accepted]]:
        reasons = self._reasons()
        return _by_question(
            (rationale.question_id, Accepted(rationale, reasons[rationale.id]))
            for rationale in self._store.get_many(Rationale, reasons)
            if self._is_asked(rationale.teacher)
        )

    def _reasons(self) -> dict[str, str]:
        """Return the rationales that are taken, each with why."""
        if self._choice in ("all", "answer"):
            return {
                row["id"]: "every rationale" if self._choice == "all" else "its answer is right"
                for row in self._store.rows(views.RATIONALES_FOR_TRAINING)
                if self._choice == "all" or row["verdict"] == "correct"
            }
        return {
            row["id"]: _why(row["human"], row["reason"], row["human_reason"])
            for row in self._store.rows(views.ACCEPTED_FOR_TRAINING)
            if self._choice == "decided" or row["human"]
        }

    def _is_asked(self, teacher: str) -> bool:
        return not self._teachers or teacher in self._teachers

    def _mistakes(self, student: str) -> dict[str, list[Mistake]]:
        found = self._store.rows(views.MISTAKES_FOR_TRAINING, student, self.round)
        extracted = {row["id"]: row["extracted"] for row in found}
        texts: dict[str, list[Explanation]] = defaultdict(list)
        said = self._store.rows(views.EXPLANATIONS_FOR_TRAINING, student, self.round)
        for explanation in self._store.get_many(Explanation, [row["id"] for row in said]):
            if not self._is_asked(explanation.teacher):
                continue
            texts[explanation.attempt_id].append(explanation)
        return _by_question(
            (attempt.question_id, Mistake(attempt, extracted[attempt.id], tuple(texts[attempt.id])))
            for attempt in self._store.get_many(Attempt, extracted)
        )

    def _correct(self, student: str) -> dict[str, str]:
        rows = self._store.rows(views.REPLAYABLE, student, self.round)
        return {row["question_id"]: row["id"] for row in rows}

    def _replay(self, options: DatasetSpec) -> dict[str, Attempt]:
        """Return the drawn share of correct attempts, by question: the same draw each time."""
        clean = [qid for qid in self._replayable if qid not in self.contaminated]
        clean.sort(key=lambda qid: digest("replay", options.seed, qid))
        drawn = [self._replayable[qid] for qid in clean[: round(options.replay * len(clean))]]
        return {one.question_id: one for one in self._store.get_many(Attempt, drawn)}

    def _in_test_too(self) -> set[str]:
        held_out = (question_text(one) for one in self._store.all(Question, "split = 'test'"))
        train = {qid: question_text(question) for qid, question in self._questions.items()}
        return overlapping(train, held_out)


def _why(human: bool | None, reason: str, human_reason: str) -> str:
    if human is None:
        return reason
    return f"{_BY_HAND}: {human_reason}" if human_reason else _BY_HAND


def _by_question(pairs: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    groups: dict[str, list[T]] = defaultdict(list)
    for question_id, value in pairs:
        groups[question_id].append(value)
    return dict(groups)
