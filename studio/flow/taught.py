"""Which teacher's rationales fixed what: what was taught of each kind of question, beside what turned.

Held-out questions have no rationales of their own, so a fix is laid beside the rationales on train
questions of its kind. They stand side by side; that the one came of the other is not proved.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from studio.domain.records import Question, Run, StudentRecord
from studio.store import comparison_views

if TYPE_CHECKING:
    from studio.flow.evaluation import Evaluation
    from studio.store.tables import Store


class Taught(NamedTuple):
    """One kind of question: the rationales learned of it by teacher, and what became of it."""

    kind: str
    rationales: dict[str, int]
    fixed: int
    broken: int

    def describe(self) -> str:
        """Return it as a line of text."""
        each = ", ".join(f"{name} {n:,}" for name, n in sorted(self.rationales.items()))
        return (
            f"{self.kind}: {self.fixed:,} fixed, {self.broken:,} broken; taught {each or 'nothing'}"
        )


def taught_beside_fixed(store: Store, found: Evaluation) -> list[Taught]:
    """Return every kind that was taught or turned, those with most fixed first."""
    student = next(store.all(StudentRecord, "name = ?", found.student), None)
    run = store.get(Run, student.run_id) if student is not None and student.run_id else None
    if run is None:
        return []
    taught: dict[str, Counter[str]] = defaultdict(Counter)
    for row in store.rows(comparison_views.TAUGHT, run.dataset_id):
        taught[row["kind"]][row["teacher"]] += row["n"]
    fixed, broken = (_by_kind(store, ids) for ids in (found.fixed, found.broken))
    kinds = sorted({*taught, *fixed, *broken}, key=lambda kind: (-fixed[kind], kind))
    return [Taught(kind, dict(taught[kind]), fixed[kind], broken[kind]) for kind in kinds]


def _by_kind(store: Store, ids: tuple[str, ...]) -> Counter[str]:
    questions = (store.get(Question, one) for one in ids)
    return Counter(one.kind or one.dataset for one in questions if one is not None)
