"""What a student can do in several tries: pass@k, and the answer most of its tries agree on.

Tries are attempts with a sample number above 0, drawn at a temperature; the greedy answer, number 0,
is the exam's own and not among them. Only questions with all tries graded count.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.domain.percent import percent, percents
from studio.domain.records import StudentRecord, Verdict
from studio.flow.evaluation import Score
from studio.store import views

if TYPE_CHECKING:
    from studio.store.tables import Store

TEMPERATURE = 0.7  #: of the tries
_RESAMPLED = 2000


class Try(NamedTuple):
    """One graded try: what was read from it, and whether that is right."""

    extracted: str
    correct: bool


class Sampled(NamedTuple):
    """A student's tries at the questions of one split."""

    student: str
    tries: int  #: a question
    questions: int
    pass_at: dict[int, float]
    intervals: dict[int, tuple[float, float]]  #: 95 %, from resampling the questions
    majority: Score

    def as_json(self) -> dict[str, Any]:
        """Return what ``evaluate --samples --json`` adds."""
        return {
            "student": self.student, "tries": self.tries, "n": self.questions,
            "pass_at": {str(k): value for k, value in self.pass_at.items()},
            "pass_at_intervals": {str(k): list(value) for k, value in self.intervals.items()},
            "majority": {"correct": self.majority.correct, "accuracy": self.majority.accuracy,
                         "interval": list(self.majority.interval)},
        }  # fmt: skip

    def describe(self) -> str:
        """Return it as a line of text."""
        parts = [
            f"pass@{k} {percent(value)} ({percents(self.intervals[k])})"
            for k, value in self.pass_at.items()
        ]
        parts.append(
            f"majority {percent(self.majority.accuracy)} ({percents(self.majority.interval)})"
        )
        return f"{self.student}, {self.tries} tries at {self.questions:,} questions: {', '.join(parts)}"


def sampled(store: Store, student: str, *, split: str = "test") -> Sampled | None:
    """Return what a student's tries come to; None where there are none."""
    record = next(store.all(StudentRecord, "name = ?", student), None)
    tries: dict[str, list[Try]] = defaultdict(list)
    for row in store.rows(views.TRIES, student, record.round if record else 0, split):
        right = row["verdict"] == Verdict.CORRECT
        tries[row["question_id"]].append(Try(row["extracted"] or "", right))
    most = max(map(len, tries.values()), default=0)
    return None if most == 0 else _summed(student, [t for t in tries.values() if len(t) == most])


def pass_at(n: int, correct: int, k: int) -> float:
    """Return the chance that one of ``k`` tries is right, from ``n`` tries of which some are.

    Source: Chen et al. 2021, arXiv 2107.03374, equation 1 (unbiased).
    """
    return 1.0 - math.comb(n - correct, k) / math.comb(n, k)


def majority_is_right(tries: Sequence[Try]) -> bool:
    """Return whether the answer most tries agree on is right; of equal ones the first counts.

    Source: Wang et al. 2022, arXiv 2203.11171 (self-consistency).
    """
    votes = Counter(one.extracted for one in tries if one.extracted)
    if not votes:
        return False
    chosen = votes.most_common(1)[0][0]
    return any(one.correct for one in tries if one.extracted == chosen)


def _summed(student: str, lots: Sequence[Sequence[Try]]) -> Sampled:
    import numpy as np

    n = len(lots[0])
    right = [sum(one.correct for one in lot) for lot in lots]
    found: dict[int, float] = {}
    intervals: dict[int, tuple[float, float]] = {}
    # Questions with as many right tries are alike: so many of each kind are drawn, not each alone,
    # which would take a gigabyte for a hundred thousand questions.
    shares = np.bincount(right, minlength=n + 1) / len(lots)
    drawn = np.random.default_rng(731).multinomial(len(lots), shares, size=_RESAMPLED) / len(lots)
    for k in sorted({1, n}):
        kinds = np.array([pass_at(n, correct, k) for correct in range(n + 1)])
        low, high = np.quantile(drawn @ kinds, (0.025, 0.975))
        found[k], intervals[k] = float(shares @ kinds), (float(low), float(high))
    votes = Score(len(lots), sum(map(majority_is_right, lots)))
    return Sampled(student, n, len(lots), found, intervals, votes)
