"""Audit queues: rationales that deserve a second look, as masks over the scorebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from studio.domain.checks import Flag
from studio.domain.records import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from studio.flow.scorebook import Scorebook

APART = 2  #: scores of one rationale that differ so much count as a disagreement


class Queue(NamedTuple):
    """A name for the screen, why it matters, and who is in it, as a mask of shape (n,)."""

    title: str
    meaning: str
    members: Callable[[Scorebook], NDArray[np.bool_]]


def _accepted_but_wrong(book: Scorebook) -> NDArray[np.bool_]:
    mine: NDArray[np.bool_] = book.is_in_force(1) & book.has_verdict(Verdict.WRONG)
    return mine


def _rejected_but_right(book: Scorebook) -> NDArray[np.bool_]:
    mine: NDArray[np.bool_] = book.is_in_force(0) & book.has_verdict(Verdict.CORRECT)
    return mine


def _reviewers_disagree(book: Scorebook) -> NDArray[np.bool_]:
    return book.where(lambda p: bool(p.scores) and p.scores[-1] - p.scores[0] >= APART)


def _missing_reviews(book: Scorebook) -> NDArray[np.bool_]:
    return book.where(lambda p: len(p.scores) < p.expected)


def _looks_odd(book: Scorebook) -> NDArray[np.bool_]:
    return book.is_flagged(*(flag for flag in Flag if flag not in (Flag.SUM, Flag.DUPLICATE)))


def _wrong_sums(book: Scorebook) -> NDArray[np.bool_]:
    return book.is_flagged(Flag.SUM)


def _near_duplicates(book: Scorebook) -> NDArray[np.bool_]:
    return book.is_flagged(Flag.DUPLICATE)


def _none_accepted(book: Scorebook) -> NDArray[np.bool_]:
    return ~book.at_questions_with(book.is_in_force(1))


def _agreeing_overrides(book: Scorebook) -> NDArray[np.bool_]:
    mine: NDArray[np.bool_] = (book.human >= 0) & (book.human == book.automatic)
    return mine


QUEUES: dict[str, Queue] = {
    "accepted-wrong": Queue(
        "Accepted but wrong answer", "would teach a wrong answer", _accepted_but_wrong
    ),
    "rejected-right": Queue(
        "Rejected but right", "may have been judged too harshly", _rejected_but_right
    ),
    "disagree": Queue(
        "Reviewers disagree", "scores of one rationale are two or more apart",
        _reviewers_disagree,
    ),
    "missing": Queue(
        "Missing reviews", "a review has no score yet, or none that could be read",
        _missing_reviews,
    ),
    "none-accepted": Queue(
        "No accepted rationale", "questions that nothing would be learned from", _none_accepted
    ),
    "wrong-sum": Queue("Wrong sum", "a step of it does not add up", _wrong_sums),
    "odd": Queue(
        "Odd texts", "no reasoning, a cited answer, another language",
        _looks_odd,
    ),
    "duplicate": Queue(
        "Near duplicates", "nearly the same text as another of its question", _near_duplicates
    ),
    "agreeing": Queue(
        "Overrides that agree", "the rule says the same by itself; they can be cleared",
        _agreeing_overrides,
    ),
}  # fmt: skip
DOUBTFUL = "doubtful"  #: a further queue, of questions whose mistake may be none; no mask tells it
BY_GRADE = frozenset(
    {"accepted-wrong", "rejected-right"}
)  #: unknown as long as no answer is graded
BY_CHECK = frozenset({"wrong-sum", "odd", "duplicate"})  #: unknown as long as no text is checked
BY_QUESTION = frozenset({"none-accepted"})  #: counted in questions instead of rationales


def queue_counts(book: Scorebook) -> dict[str, int]:
    """Return how many rationales (or questions) stand in each queue."""
    counts = {}
    for name, queue in QUEUES.items():
        members = queue.members(book)
        counts[name] = (
            int(book.covered(members).sum()) if name in BY_QUESTION else int(members.sum())
        )
    return counts
