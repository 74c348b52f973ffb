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
from studio.flow.score_cells import Cells
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
from studio.flow.score_tallies import Counts, Said, Standing, Tally
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


class _Seen(NamedTuple):
    kinds: list[Pattern]
    code: NDArray[np.int32]  #: the pattern of each kind of rationale (see ``score_cells``)


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
        cells: all of these by cell (see ``score_cells``).
        standing: what is in force, counted.
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
        self._find_kinds()
        self.automatic = read_said(store, scorebook_views.DECISIONS, self.ids)
        self.take(self.said(store))
        self.policy = store.policy()[1]  #: the one in force
        self.rules = rules(store)  #: all that were, and the presets

    def take_checks(self, bits: Mapping[str, int]) -> None:
        """Take over what rationales are marked with that were not checked as this was read."""
        place = self.ids.places(Ids.of(list(bits)).values)
        values = np.array(list(bits.values()), dtype=np.int16)
        self.flags[place[place >= 0]] = values[place >= 0]
        self._find_kinds()
        self.take(self._said_by(self.human))

    def _find_kinds(self) -> None:
        first = self.teacher.astype(np.int64) * (UNGRADED + 1) + self.verdict
        first = first * 3 + np.where(self.flags < 0, 2, self.is_flagged(Flag.SUM))
        key = fold(list(self.given), first)
        _, self._one, which = np.unique(key, return_index=True, return_inverse=True)
        self._kind = which.astype(np.int32)
        self._plain = self._seen_by(Policy())
        self._weighed: tuple[dict[str, float], _Seen] = ({}, self._plain)

    @property
    def ungraded(self) -> int:
        """How many rationales have an own answer that was not graded when this was read."""
        return int((self.verdict == UNGRADED).sum())

    @property
    def unchecked(self) -> int:
        """How many rationales were not checked when this was read."""
        return int((self.flags == UNCHECKED).sum())

    def is_flagged(self, *flags: Flag) -> NDArray[np.bool_]:
        """Return which are marked with one of these; shape (n,)."""
        bits = sum(flag.bit for flag in flags)
        mine: NDArray[np.bool_] = (self.flags >= 0) & (self.flags & bits != 0)
        return mine

    def said(self, store: Store) -> Said:
        """Read what people say now; to be taken over by ``take``, on whichever thread shows it."""
        return self._said_by(read_said(store, scorebook_views.OVERRIDES, self.ids))

    def _said_by(self, human: NDArray[np.int8]) -> Said:
        cells = Cells(self._kind, len(self._one), self.chars, human, self.automatic)
        current = cells.each(cells.current)
        covered = self.covered(current == 1)
        flagged = {flag: cells.count_each(self.is_flagged(flag)) for flag in Flag}
        standing = self._standing(cells, cells.current == 1, covered)
        return Said(human, current, cells, standing, flagged)

    def take(self, said: Said) -> None:
        """Take over what people say without reading the project again."""
        self.human, self.current, self.cells, self.standing, self._flagged = said

    def patterns(self, policy: Policy) -> Patterns:
        """Return what ``policy`` looks at, and what of it each rationale has."""
        seen_ = self._patterns(policy)
        return Patterns(seen_.kinds, seen_.code[self._kind])

    def _patterns(self, policy: Policy) -> _Seen:
        """Return the patterns of all kinds; those of the newest weights are kept."""
        if not policy.weights:
            return self._plain
        if self._weighed[0] != policy.weights:
            self._weighed = (policy.weights, self._seen_by(policy))
        return self._weighed[1]

    def _seen_by(self, policy: Policy) -> _Seen:
        numbers: dict[Pattern, int] = {}
        codes = [
            numbers.setdefault(self._pattern_of(place, policy), len(numbers))
            for place in self._one.tolist()
        ]
        return _Seen(list(numbers), np.array(codes, dtype=np.int32))

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
            for p in self._patterns(policy).kinds
        ]

    def ruled(self, policy: Policy) -> NDArray[np.int8]:
        """Return what the policy itself says of each: 1 accepted, 0 rejected; shape (n,)."""
        mine: NDArray[np.int8] = self.cells.each(self._ruled(policy))
        return mine

    def final(self, policy: Policy) -> NDArray[np.int8]:
        """Return what would count for each rationale: the override, else the policy; shape (n,)."""
        mine: NDArray[np.int8] = self.cells.each(self.final_cells(policy))
        return mine

    def final_cells(self, policy: Policy) -> NDArray[np.int8]:
        """Return what would count in each cell; shape (c,)."""
        return np.where(self.cells.human >= 0, self.cells.human, self._ruled(policy))

    def pattern_cells(self, policy: Policy) -> NDArray[np.int32]:
        """Return the pattern of each cell: its place in ``rulings``; shape (c,)."""
        mine: NDArray[np.int32] = self.cells.by_kind(self._patterns(policy).code)
        return mine

    def _ruled(self, policy: Policy) -> NDArray[np.int8]:
        said = np.array([r.accepted for r in self.rulings(policy)], dtype=np.int8)
        mine: NDArray[np.int8] = said[self.pattern_cells(policy)]
        return mine

    def tally(self, policy: Policy) -> Tally:
        """Count what ``policy`` would do; nothing is stored."""
        return self.tally_of(policy, self.covered(self.final(policy) == 1))

    def tally_of(self, policy: Policy, covered: NDArray[np.bool_]) -> Tally:
        """Count what ``policy`` would do, which questions it covers being known already."""
        cells, automatic = self.cells, self._ruled(policy)
        human = cells.human >= 0
        accepted = np.where(human, cells.human, automatic) == 1
        standing = self._standing(cells, accepted, covered)
        return Tally(
            policy=policy,
            **standing.counts._asdict(),
            rejected=len(self) - standing.counts.accepted,
            accepted_by_teacher=standing.by_teacher,
            rejected_but_right=standing.rejected_but_right,
            to_accepted=cells.count(accepted & (cells.current != 1)),
            to_rejected=cells.count(~accepted & (cells.current == 1)),
            overridden=cells.count(human),
            agreeing_overrides=cells.count(human & (cells.human == automatic)),
            flagged={str(flag): int(n[accepted].sum()) for flag, n in self._flagged.items()},
            ungraded=self.ungraded,
        )

    def _standing(
        self, cells: Cells, accepted: NDArray[np.bool_], covered: NDArray[np.bool_]
    ) -> Standing:
        """Count what the accepted cells amount to; ``accepted`` has shape (c,)."""
        verdict, teacher = (cells.by_kind(one[self._one]) for one in (self.verdict, self.teacher))
        by_teacher = np.bincount(teacher, cells.n * accepted, minlength=len(self.teachers))
        wrong, right = (verdict == VERDICTS.index(v) for v in (Verdict.WRONG, Verdict.CORRECT))
        counts = Counts(
            accepted=cells.count(accepted),
            questions_covered=int(covered.sum()),
            accepted_but_wrong=cells.count(accepted & wrong),
            tokens=int(cells.chars[accepted].sum()) // CHARS_PER_TOKEN,
        )
        named = zip(self.teachers, by_teacher, strict=True)
        return Standing(
            counts, {name: int(n) for name, n in named}, cells.count(~accepted & right), covered
        )

    def covered(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which questions have a chosen rationale; ``chosen`` has shape (n,)."""
        found = np.zeros(len(self.question_ids) + 1, dtype=bool)
        found[np.where(chosen, self.question, np.int32(-1))] = True  # the last one: nobody's
        return found[:-1]

    def has_verdict(self, verdict: Verdict) -> NDArray[np.bool_]:
        """Return whose own answer was graded so; shape (n,)."""
        mine: NDArray[np.bool_] = self.verdict == VERDICTS.index(verdict)
        return mine

    def where(self, holds: Callable[[Pattern], bool]) -> NDArray[np.bool_]:
        """Return whose pattern ``holds``, every reviewer counted once; shape (n,)."""
        answers = np.array([holds(p) for p in self._plain.kinds], dtype=bool)
        mine: NDArray[np.bool_] = answers[self._plain.code][self._kind]
        return mine

    def at_questions_with(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which rationales answer a question that has a chosen one; both of shape (n,)."""
        mine: NDArray[np.bool_] = self.covered(chosen)[self.question]
        return mine

    def is_in_force(self, decision: int) -> NDArray[np.bool_]:
        """Return which decisions in force are ``decision`` (see ``current``); shape (n,)."""
        mine: NDArray[np.bool_] = self.current == decision
        return mine

    def scores(self, policy: Policy) -> NDArray[np.float64]:
        """Return the aggregate score of each rationale, NaN where no review is valid; (n,)."""
        values = np.array([np.nan if r.score is None else r.score for r in self.rulings(policy)])
        mine: NDArray[np.float64] = values[self._patterns(policy).code][self._kind]
        return mine
