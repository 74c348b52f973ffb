"""How much a student has learned: its score on held-out questions against that of its base.

Scores are over graded first attempts; an unreadable answer counts as not correct. What the tuned
student got right that its base did not is *fixed*, the other way round *broken*.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.domain.agreement import wilson
from studio.domain.errors import StudioError
from studio.domain.percent import percent, percents
from studio.domain.records import StudentRecord, Verdict
from studio.flow.exam import exam_settings
from studio.store import views

if TYPE_CHECKING:
    from studio.flow.stage import Bench, Progress, Stage
    from studio.store.tables import Store


class Score(NamedTuple):
    """Right answers of all, with the 95 % Wilson interval."""

    n: int
    correct: int

    @property
    def accuracy(self) -> float:
        """Share of right answers; 0 of 0 is 0."""
        return self.correct / self.n if self.n else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % Wilson interval of the accuracy."""
        return wilson(self.accuracy, self.n)


class Part(NamedTuple):
    """The scores on the questions of one kind."""

    kind: str
    tuned: Score
    base: Score | None


class Evaluation(NamedTuple):
    """One student on one split, and against its base where there is one."""

    student: str
    split: str
    tuned: Score
    base_student: str
    base: Score | None
    parts: tuple[Part, ...]
    fixed: tuple[str, ...]  #: question ids
    broken: tuple[str, ...]
    p_value: float | None  #: exact McNemar, two-sided; None where both answered no question
    note: str = ""  #: what makes the comparison doubtful

    def as_json(self) -> dict[str, Any]:
        """Return the shape of ``evaluate --json`` (a contract, see README), and more."""
        return {
            "student": self.student, "split": self.split, **_score_json(self.tuned),
            "fixed": len(self.fixed), "broken": len(self.broken),
            "fixed_ids": self.fixed, "broken_ids": self.broken, "mcnemar_p": self.p_value,
            "base": None if self.base is None
            else {"student": self.base_student, **_score_json(self.base)},
            "by_kind": {part.kind: _part_json(part) for part in self.parts},
            "note": self.note,
        }  # fmt: skip

    def describe(self, table: Callable[..., str]) -> str:
        """Return the evaluation as lines of text; ``table`` lays out rows under a head."""
        lines = [table([*map(_cells, self.parts), _cells(self.whole)], head=_HEAD)]
        if self.p_value is not None:
            lines.append(
                f"{len(self.fixed)} fixed, {len(self.broken)} broken"
                f" (exact McNemar p = {self.p_value:.3g}); before: {self.base_student},"
                f" after: {self.student}"
            )
        return "\n".join([*lines, *([self.note] if self.note else [])])

    @property
    def whole(self) -> Part:
        """All questions as one part."""
        return Part("all", self.tuned, self.base)


class NotMeasured(StudioError):
    """A student that has not sat the exam."""


class EvaluateStage:
    """Let base and tuned student sit the same exam, then compare them.

    Args:
        before: the stages that make the attempts of both and grade them (``pipeline`` knows them).
    """

    name = "evaluate"

    def __init__(
        self, *, student: str, base: str = "", split: str = "test", before: Sequence[Stage] = ()
    ) -> None:
        self._student = student
        self._base = base
        self._split = split
        self._before = before

    def todo(self, store: Store) -> int:
        """Return how many records its stages still have to make."""
        return sum(stage.todo(store) for stage in self._before)

    async def run(self, bench: Bench) -> AsyncGenerator[Progress, None]:
        """Run what is missing; the accuracy is noted with the run that made the student."""
        for stage in self._before:
            async for progress in stage.run(bench):
                yield progress
        evaluation = evaluate(
            bench.store, student=self._student, base=self._base, split=self._split
        )
        if self._split == "test":
            note_accuracy(bench.store, evaluation)
            bench.changed({"run_states"})


def evaluate(store: Store, *, student: str, base: str = "", split: str = "test") -> Evaluation:
    """Compare a student with its base on the questions of one split.

    Raises:
        NotMeasured: the student has no graded attempt there.
    """
    after = _sat(store, student, split)
    before = _sat(store, base, split) if base else {}
    if not after:
        raise NotMeasured(
            f"{student} has no graded answers to {split} questions: run"
            " 'mapd-studio evaluate PROJECT' where such questions are imported"
        )
    shared = [question for question in after if question in before]
    fixed = tuple(q for q in shared if after[q].correct and not before[q].correct)
    broken = tuple(q for q in shared if before[q].correct and not after[q].correct)
    return Evaluation(
        student=student, split=split, tuned=_score(after.values()),
        base_student=base, base=_score(before.values()) if before else None,
        parts=tuple(_parts(after, before)), fixed=fixed, broken=broken,
        p_value=mcnemar(len(fixed), len(broken)) if shared else None,
        note=_note(store, student, base, split=split, both=len(shared),
                   answered=(len(after), len(before))),
    )  # fmt: skip


def note_accuracy(store: Store, evaluation: Evaluation) -> None:
    """Keep a tuned student's accuracy with the run that made it, for the list of runs."""
    record = _record(store, evaluation.student)
    state = store.run_state(record.run_id) if record is not None and record.run_id else None
    told = {} if state is None else json.loads(state["result"])
    # A run that was stopped, measured and resumed has made two: its accuracy is the later one's.
    if record is not None and state is not None and told.get("student", record.name) == record.name:
        result = {**told, "accuracy": evaluation.tuned.accuracy, "accuracy_n": evaluation.tuned.n}
        if evaluation.base is not None:
            result["base_accuracy"] = evaluation.base.accuracy
        store.set_run_state(record.run_id, result=result)


def mcnemar(fixed: int, broken: int) -> float:
    """Return the two-sided exact p-value that ``fixed`` and ``broken`` come by chance alone.

    Source: McNemar 1947, doi 10.1007/BF02295996, with the exact binomial distribution.
    """
    n = fixed + broken
    ways = tail = 1
    for k in range(min(fixed, broken)):  # each binomial coefficient from the one before
        ways = ways * (n - k) // (k + 1)
        tail += ways
    return min(1.0, 2 * tail / (1 << n))


class _Answer(NamedTuple):
    correct: bool
    kind: str


def _sat(store: Store, student: str, split: str) -> dict[str, _Answer]:
    """Return the graded first attempts of a student's own round, by question."""
    record = _record(store, student)
    round_ = 0 if record is None else record.round
    return {
        row["question_id"]: _Answer(
            row["verdict"] == Verdict.CORRECT, row["kind"] or row["dataset"]
        )
        for row in store.rows(views.SAT_EXAM, student, round_, split)
    }


def _record(store: Store, name: str) -> StudentRecord | None:
    return next(store.all(StudentRecord, "name = ?", name), None)


def _score(answers: Iterable[_Answer]) -> Score:
    verdicts = [answer.correct for answer in answers]
    return Score(len(verdicts), sum(verdicts))


def _parts(after: Mapping[str, _Answer], before: Mapping[str, _Answer]) -> Iterable[Part]:
    kinds = sorted({answer.kind for answer in (*after.values(), *before.values())})
    if len(kinds) < 2:
        return
    for kind in kinds:
        tuned, base = (
            _score(answer for answer in side.values() if answer.kind == kind)
            for side in (after, before)
        )
        yield Part(kind, tuned, base if before else None)


def _note(
    store: Store, student: str, base: str, *, split: str, both: int, answered: tuple[int, int]
) -> str:
    if not base or not answered[1]:
        return ""
    how = [
        exam_settings(store, name, record.round if record else 0, split=split)
        for name in (student, base)
        for record in [_record(store, name)]
    ]
    if None not in how and how[0] != how[1]:
        return "the two were asked with different settings: the comparison means little"
    if not both == answered[0] == answered[1]:
        return (
            f"{student} answered {answered[0]:,} questions, {base} {answered[1]:,}, both {both:,}"
        )
    return ""


_HEAD = ("kind", "n", "before", "after", "95 % interval")


def _cells(part: Part) -> tuple[Any, ...]:
    before = None if part.base is None else percent(part.base.accuracy)
    after = percent(part.tuned.accuracy)
    return part.kind, part.tuned.n, before, after, percents(part.tuned.interval)


def _score_json(score: Score) -> dict[str, Any]:
    return {
        "n": score.n, "correct": score.correct, "accuracy": score.accuracy,
        "interval": list(score.interval),
    }  # fmt: skip


def _part_json(part: Part) -> dict[str, Any]:
    return {
        **_score_json(part.tuned),
        "base": None if part.base is None else _score_json(part.base),
    }
