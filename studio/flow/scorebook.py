"""All scores of a project as arrays, so that a policy can be tried on a million rationales at once.

Reviews of one rationale, its verdict and the number of reviews expected form a *pattern*; real
projects have a few hundred distinct ones. A policy is asked once per pattern, and the answer is
looked up per rationale, so a what-if costs a few array operations however long the rules are.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from studio.domain.policy import Policy, Ruling, rule
from studio.domain.records import Verdict
from studio.store import scorebook_views

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from studio.store.tables import Store

T = TypeVar("T", bound=Hashable)

CHARS_PER_TOKEN = 4  #: a rough rule for English; counts made from it are shown with "about"
_VERDICTS = (Verdict.CORRECT, Verdict.WRONG, Verdict.UNREADABLE)
_UNGRADED = len(_VERDICTS)


class Pattern(NamedTuple):
    """What a policy looks at: valid scores, how many were expected, and the own answer's grade."""

    scores: tuple[int, ...]
    expected: int
    verdict: Verdict | None


class Tally(NamedTuple):
    """What a policy does to a project. Overrides are already counted in."""

    policy: Policy
    accepted: int
    rejected: int
    questions_covered: int
    accepted_by_teacher: dict[str, int]
    accepted_but_wrong: int
    rejected_but_right: int
    tokens: int  #: about; accepted rationales only
    to_accepted: int  #: now rejected or undecided, accepted under this policy
    to_rejected: int
    overridden: int
    agreeing_overrides: int  #: overrides that say what this policy says by itself

    def as_json(self) -> dict[str, object]:
        """Return the shape of ``decide --json``."""
        values = self._asdict()
        changed = {name: values.pop(name) for name in ("to_accepted", "to_rejected")}
        policy = {**self.policy.model_dump(mode="json"), "id": self.policy.id}
        return {**values, "policy": policy, "changed": changed}


class Counts(NamedTuple):
    """What one set of accepted rationales amounts to."""

    accepted: int
    questions_covered: int
    accepted_but_wrong: int
    tokens: int  #: about


class Scorebook:
    """The scores of every current rationale, one array element each, in a fixed order.

    Attributes:
        ids: rationale ids, length n.
        question: index into ``question_ids``, shape (n,).
        human: -1 no override, 0 rejected, 1 accepted, shape (n,), int8.
        current: the decision in force, -1 for none, shape (n,), int8.
    """

    def __init__(self, store: Store) -> None:
        rows = store.rows(scorebook_views.RATIONALES)
        others = {teacher.name for teacher in store.teachers()}
        said, verdicts = _reviews(store), _verdicts(store)
        human = dict(map(tuple, store.rows(scorebook_views.OVERRIDES)))
        automatic = dict(map(tuple, store.rows(scorebook_views.DECISIONS)))
        self.ids: list[str] = [row[0] for row in rows]
        self.question_ids, self.question = _index(row[1] for row in rows)
        self.teachers, self.teacher = _index(row[2] for row in rows)
        patterns = (
            _pattern(said.get(row[0], {}), row[2], verdicts.get(row[0]), others) for row in rows
        )
        self.patterns, self.pattern = _index(patterns)
        self.human = np.array([human.get(rid, -1) for rid in self.ids], dtype=np.int8)
        self.automatic = np.array([automatic.get(rid, -1) for rid in self.ids], dtype=np.int8)
        self.current = np.where(self.human >= 0, self.human, self.automatic)
        self.chars = np.array([row[3] for row in rows], dtype=np.int64)
        self._verdict = np.array([_code(p.verdict) for p in self.patterns] or [0], dtype=np.int8)

    @cached_property
    def place(self) -> dict[str, int]:
        """Where each rationale stands in the arrays."""
        return {rid: i for i, rid in enumerate(self.ids)}

    def __len__(self) -> int:
        return len(self.ids)

    def rulings(self, policy: Policy) -> list[Ruling]:
        """Return what the policy itself says about each pattern."""
        return [
            rule(policy, p.scores, expected=p.expected, verdict=p.verdict) for p in self.patterns
        ]

    def final(self, policy: Policy) -> NDArray[np.int8]:
        """Return what would count for each rationale: the override, else the policy; shape (n,)."""
        automatic = np.array([r.accepted for r in self.rulings(policy)] or [False], dtype=np.int8)
        return np.where(self.human >= 0, self.human, automatic[self.pattern])

    def tally(self, policy: Policy) -> Tally:
        """Count what ``policy`` would do; nothing is stored."""
        rulings = np.array([r.accepted for r in self.rulings(policy)] or [False], dtype=np.int8)
        automatic = rulings[self.pattern]
        human = self.human >= 0
        accepted = np.where(human, self.human, automatic) == 1
        by_teacher = np.bincount(self.teacher[accepted], minlength=len(self.teachers))
        counts = self.counts(accepted)
        return Tally(
            policy=policy,
            **counts._asdict(),
            rejected=len(self) - counts.accepted,
            accepted_by_teacher={
                name: int(n) for name, n in zip(self.teachers, by_teacher, strict=True)
            },
            rejected_but_right=int((~accepted & self.has_verdict(Verdict.CORRECT)).sum()),
            to_accepted=int((accepted & (self.current != 1)).sum()),
            to_rejected=int((~accepted & (self.current == 1)).sum()),
            overridden=int(human.sum()),
            agreeing_overrides=int((human & (self.human == automatic)).sum()),
        )

    def counts(self, accepted: NDArray[np.bool_]) -> Counts:
        """Count what a choice of rationales amounts to; ``accepted`` has shape (n,)."""
        covered = np.zeros(len(self.question_ids), dtype=bool)
        covered[self.question[accepted]] = True
        return Counts(
            accepted=int(accepted.sum()),
            questions_covered=int(covered.sum()),
            accepted_but_wrong=int((accepted & self.has_verdict(Verdict.WRONG)).sum()),
            tokens=int(self.chars[accepted].sum()) // CHARS_PER_TOKEN,
        )

    def has_verdict(self, verdict: Verdict) -> NDArray[np.bool_]:
        """Return whose own answer was graded so; shape (n,)."""
        mine: NDArray[np.bool_] = (self._verdict == _code(verdict))[self.pattern]
        return mine

    def where(self, holds: Callable[[Pattern], bool]) -> NDArray[np.bool_]:
        """Return whose pattern ``holds``, asked once per pattern; shape (n,)."""
        answers = np.array([holds(p) for p in self.patterns] or [False], dtype=bool)
        mine: NDArray[np.bool_] = answers[self.pattern]
        return mine

    def at_questions_with(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which rationales answer a question that has a chosen one; both of shape (n,)."""
        have = np.zeros(len(self.question_ids), dtype=bool)
        have[self.question[chosen]] = True
        mine: NDArray[np.bool_] = have[self.question]
        return mine

    def is_in_force(self, decision: int) -> NDArray[np.bool_]:
        """Return which decisions in force are ``decision`` (see ``current``); shape (n,)."""
        mine: NDArray[np.bool_] = self.current == decision
        return mine

    def scores(self, policy: Policy) -> NDArray[np.float64]:
        """Return the aggregate score of each rationale, NaN where no review is valid; (n,)."""
        values = [np.nan if r.score is None else r.score for r in self.rulings(policy)]
        return np.array(values or [np.nan])[self.pattern]

    def override(self, rationale_ids: Mapping[str, bool | None]) -> None:
        """Take over changed overrides without reading the project again."""
        for rid, said in rationale_ids.items():
            i = self.place.get(rid)
            if i is not None:
                self.human[i] = -1 if said is None else int(said)
                self.current[i] = self.automatic[i] if said is None else int(said)


def _reviews(store: Store) -> dict[str, dict[str, int | None]]:
    """Return the current score of each reviewer, by rationale: the newest valid one, else None.

    The same as the view ``current_reviews``, in one pass instead of a search for each row.
    """
    said: dict[str, dict[str, int | None]] = {}
    for rationale_id, reviewer, score in store.rows(scorebook_views.REVIEWS):
        scores = said.setdefault(rationale_id, {})
        if score is not None or reviewer not in scores:
            scores[reviewer] = score
    return said


def _verdicts(store: Store) -> dict[str, str]:
    """Return the current verdict by rationale: a person's newest, else the newest by rules."""
    rules: dict[str, str] = {}
    people: dict[str, str] = {}
    for rationale_id, verdict, grader in store.rows(scorebook_views.VERDICTS):
        (people if grader.startswith("person:") else rules)[rationale_id] = verdict
    return {**rules, **people}


def _code(verdict: Verdict | None) -> int:
    return _UNGRADED if verdict is None else _VERDICTS.index(verdict)


def _pattern(
    reviews: Mapping[str, int | None], teacher: str, verdict: str | None, active: set[str]
) -> Pattern:
    valid = tuple(sorted(score for score in reviews.values() if score is not None))
    expected = max(len(reviews), len(active - {teacher}))
    return Pattern(valid, expected, None if verdict is None else Verdict(verdict))


def _index(values: Iterable[T]) -> tuple[list[T], NDArray[np.int32]]:
    numbers: dict[T, int] = {}
    codes = [numbers.setdefault(value, len(numbers)) for value in values]
    return list(numbers), np.array(codes, dtype=np.int32)
