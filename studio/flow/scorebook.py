"""All scores of a project as arrays, so that a policy can be tried on a million rationales at once.

Reviews of one rationale, its verdict and the number of reviews expected form a *pattern*; real
projects have a few hundred distinct ones. A policy is asked once per pattern, and the answer is
looked up per rationale, so a what-if costs a few array operations however long the rules are. A
policy that leaves out or weighs reviewers has patterns of its own, made when it is first tried.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from studio.domain.checks import Flag
from studio.domain.policy import Policy, Ruling, rule, seen
from studio.domain.records import Verdict
from studio.flow.columns import Ids
from studio.flow.score_columns import (
    MISSING,
    NOT_ASKED,
    UNCHECKED,
    UNGRADED,
    VERDICTS,
    fold,
    read_flags,
    read_rationales,
    read_said,
    read_scores,
    read_verdicts,
)
from studio.flow.versions import rules
from studio.store import scorebook_views

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from studio.store.tables import Store

CHARS_PER_TOKEN = 4  #: a rough rule for English; counts made from it are shown with "about"


class Pattern(NamedTuple):
    """What a policy looks at: valid scores, how many were expected, and the own answer's grade."""

    scores: tuple[int, ...]
    expected: int
    verdict: Verdict | None
    weights: tuple[float, ...] = ()  #: one per score; none: each counts once
    sums_hold: bool | None = None  #: None: not checked yet


class Patterns(NamedTuple):
    """The patterns there are, and which one each rationale has: shape (n,)."""

    kinds: list[Pattern]
    of: NDArray[np.int32]


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
    flagged: dict[str, int]  #: accepted rationales by what they are marked with
    steps: int | None = None  #: about; of training on them, where somebody asked

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
        ids: rationale ids, length n, in order of making.
        question: index into ``question_ids``, shape (n,).
        given: the score of each reviewer in ``reviewers``: 1 to 5, 0 asked but missing, -1 not
            asked; shape (reviewers, n), int8.
        verdict: of the rationale's own answer, an index into ``VERDICTS`` or UNGRADED, shape (n,).
        flags: what each is marked with, as bits of ``Flag``, or UNCHECKED, shape (n,).
        edited: whether a person wrote over it, shape (n,).
        human: -1 no override, 0 rejected, 1 accepted, shape (n,), int8.
        current: the decision in force, -1 for none, shape (n,), int8.
    """

    def __init__(self, store: Store) -> None:
        read = read_rationales(store)
        self.ids, self.question, self.question_ids = read.ids, read.question, read.question_ids
        self.teacher, self.teachers = read.teacher, read.teachers
        self.row, self.chars, self.edited = read.row, read.chars, read.revision > 0
        self.reviewers, self.given = read_scores(store, self.ids)
        self.verdict = read_verdicts(store, self.ids)
        self.flags = read_flags(store, self.ids)
        self._active = {teacher.name for teacher in store.teachers()}
        self._find_patterns()
        self.human = read_said(store, scorebook_views.OVERRIDES, self.ids)
        self.automatic = read_said(store, scorebook_views.DECISIONS, self.ids)
        self.current = np.where(self.human >= 0, self.human, self.automatic)
        self.policy = store.policy()[1]  #: the one in force
        self.rules = rules(store)  #: all that were, and the presets

    def take_checks(self, bits: Mapping[str, int]) -> None:
        """Take over what rationales are marked with that were not checked as this was read."""
        place = self.ids.places(Ids.of(list(bits)).values)
        values = np.array(list(bits.values()), dtype=np.int16)
        self.flags[place[place >= 0]] = values[place >= 0]
        self._find_patterns()

    def _find_patterns(self) -> None:
        first = self.teacher.astype(np.int64) * (UNGRADED + 1) + self.verdict
        first = first * 3 + np.where(self.flags < 0, 2, self.is_flagged(Flag.SUM))
        key = fold(list(self.given), first)
        _, self._one, which = np.unique(key, return_index=True, return_inverse=True)
        self._which = which.astype(np.int32)
        self._plain = self._patterns_of(Policy())
        self._weighed: tuple[dict[str, float], Patterns] = ({}, self._plain)

    @property
    def unchecked(self) -> int:
        """How many rationales were not checked when this was read."""
        return int((self.flags == UNCHECKED).sum())

    def is_flagged(self, *flags: Flag) -> NDArray[np.bool_]:
        """Return which are marked with one of these; shape (n,)."""
        bits = sum(flag.bit for flag in flags)
        mine: NDArray[np.bool_] = (self.flags >= 0) & (self.flags & bits != 0)
        return mine

    def patterns(self, policy: Policy) -> Patterns:
        """Return what ``policy`` looks at; the patterns of the newest weights are kept."""
        if not policy.weights:
            return self._plain
        if self._weighed[0] != policy.weights:
            self._weighed = (policy.weights, self._patterns_of(policy))
        return self._weighed[1]

    def _patterns_of(self, policy: Policy) -> Patterns:
        numbers: dict[Pattern, int] = {}
        codes = [
            numbers.setdefault(self._pattern_of(place, policy), len(numbers))
            for place in self._one.tolist()
        ]
        return Patterns(list(numbers), np.array(codes or [0], dtype=np.int32)[self._which])

    def _pattern_of(self, place: int, policy: Policy) -> Pattern:
        given = zip(self.reviewers, self.given[:, place].tolist(), strict=True)
        said = {name: score if score > MISSING else None
                for name, score in given if score != NOT_ASKED}  # fmt: skip
        counted = seen(policy, said, self._active - {self.teachers[self.teacher[place]]})
        verdict = int(self.verdict[place])
        known = None if verdict == UNGRADED else VERDICTS[verdict]
        flags = int(self.flags[place])
        sums_hold = None if flags == UNCHECKED else not flags & Flag.SUM.bit
        return Pattern(counted.scores, counted.expected, known, counted.weights, sums_hold)

    def __len__(self) -> int:
        return len(self.ids)

    def rulings(self, policy: Policy) -> list[Ruling]:
        """Return what the policy itself says about each of its patterns."""
        return [
            rule(
                policy,
                p.scores,
                expected=p.expected,
                verdict=p.verdict,
                weights=p.weights,
                sums_hold=p.sums_hold,
            )
            for p in self.patterns(policy).kinds
        ]

    def ruled(self, policy: Policy) -> NDArray[np.int8]:
        """Return what the policy itself says of each: 1 accepted, 0 rejected; shape (n,)."""
        said = np.array([r.accepted for r in self.rulings(policy)] or [False], dtype=np.int8)
        mine: NDArray[np.int8] = said[self.patterns(policy).of]
        return mine

    def final(self, policy: Policy) -> NDArray[np.int8]:
        """Return what would count for each rationale: the override, else the policy; shape (n,)."""
        return np.where(self.human >= 0, self.human, self.ruled(policy))

    def tally(self, policy: Policy) -> Tally:
        """Count what ``policy`` would do; nothing is stored."""
        automatic = self.ruled(policy)
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
            flagged={str(flag): int((accepted & self.is_flagged(flag)).sum()) for flag in Flag},
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
        mine: NDArray[np.bool_] = self.verdict == VERDICTS.index(verdict)
        return mine

    def where(self, holds: Callable[[Pattern], bool]) -> NDArray[np.bool_]:
        """Return whose pattern ``holds``, every reviewer counted once; shape (n,)."""
        answers = np.array([holds(p) for p in self._plain.kinds] or [False], dtype=bool)
        mine: NDArray[np.bool_] = answers[self._plain.of]
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
        return np.array(values or [np.nan])[self.patterns(policy).of]

    def override(self, rationale_ids: Mapping[str, bool | None]) -> None:
        """Take over changed overrides without reading the project again."""
        known = Ids.of(list(rationale_ids))
        for i, said in zip(self.ids.places(known.values), rationale_ids.values(), strict=True):
            if i >= 0:
                self.human[i] = -1 if said is None else int(said)
                self.current[i] = self.automatic[i] if said is None else int(said)
