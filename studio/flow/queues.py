"""Audit queues: rationales that deserve a second look, as masks over the scorebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from studio.domain.records import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from studio.flow.scorebook import Pattern, Scorebook

APART = 2  #: scores of one rationale that differ so much count as a disagreement


class Queue(NamedTuple):
    """A name for the screen, why it matters, and who is in it, as a mask of shape (n,)."""

    title: str
    meaning: str
    members: Callable[[Scorebook], NDArray[np.bool_]]


def _accepted_but_wrong(book: Scorebook) -> NDArray[np.bool_]:
    return np.logical_and(book.is_in_force(1), book.has_verdict(Verdict.WRONG))


def _rejected_but_right(book: Scorebook) -> NDArray[np.bool_]:
    return np.logical_and(book.is_in_force(0), book.has_verdict(Verdict.CORRECT))


def _reviewers_disagree(book: Scorebook) -> NDArray[np.bool_]:
    return _patterns(book, lambda p: bool(p.scores) and p.scores[-1] - p.scores[0] >= APART)


def _missing_reviews(book: Scorebook) -> NDArray[np.bool_]:
    return _patterns(book, lambda p: len(p.scores) < p.expected)


def _none_accepted(book: Scorebook) -> NDArray[np.bool_]:
    covered = np.zeros(len(book.question_ids), dtype=bool)
    covered[book.question[book.current == 1]] = True
    return ~covered[book.question]


QUEUES: dict[str, Queue] = {
    "accepted-wrong": Queue(
        "Accepted but wrong answer", "would teach a wrong answer", _accepted_but_wrong
    ),
    "rejected-right": Queue(
        "Rejected but right", "may have been judged too harshly", _rejected_but_right
    ),
    "disagree": Queue(
        "Reviewers disagree", f"scores of one rationale are {APART} or more apart",
        _reviewers_disagree,
    ),
    "missing": Queue(
        "Missing reviews", "a review has no score yet, or none that could be read",
        _missing_reviews,
    ),
    "none-accepted": Queue(
        "No accepted rationale", "questions that nothing would be learned from", _none_accepted
    ),
}  # fmt: skip
BY_QUESTION = frozenset({"none-accepted"})  #: counted in questions instead of rationales


def queue_counts(book: Scorebook) -> dict[str, int]:
    """Return how many rationales (or questions) stand in each queue."""
    counts = {}
    for name, queue in QUEUES.items():
        members = queue.members(book)
        counts[name] = (
            len(np.unique(book.question[members])) if name in BY_QUESTION else int(members.sum())
        )
    return counts


def _patterns(book: Scorebook, holds: Callable[[Pattern], bool]) -> NDArray[np.bool_]:
    """Ask once per pattern instead of once per rationale."""
    answers = np.array([holds(p) for p in book.patterns] or [False], dtype=bool)
    mine: NDArray[np.bool_] = answers[book.pattern]
    return mine
