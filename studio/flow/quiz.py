"""The questions a run is quizzed with on its way: train questions that it does not learn from.

Those kept out of its dataset come first (mistakes, as a rule: what is to be learned), then others
that no example is made of (what is not to be forgotten). The held-out test questions are not among
them: nothing is chosen by looking at those.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from studio.domain.records import Question, StudentRecord
from studio.prompts import question_text
from studio.store import comparison_views

if TYPE_CHECKING:
    from studio.flow.stage import Bench


def quiz_rows(
    bench: Bench, dataset_id: str, student: StudentRecord, *, most: int
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a job's ``quiz.jsonl``; half of them at most are mistakes kept out."""
    template = bench.templates.get(student.prompts, "exam")
    for question_id in _chosen(bench, dataset_id, most=most):
        question = bench.store.get(Question, question_id)
        assert question is not None  # the id comes from the same store
        yield {
            "key": question_id,
            "messages": template.messages({"question": question_text(question)}),
            "question": json.loads(question.model_dump_json()),
        }


def _chosen(bench: Bench, dataset_id: str, *, most: int) -> list[str]:
    rows = bench.store.rows(comparison_views.NOT_LEARNED_FROM, dataset_id)
    kept_out = [row["id"] for row in rows if row["is_kept_out"]]
    others = [row["id"] for row in rows if not row["is_kept_out"]]
    first = kept_out[: max(most // 2, most - len(others))]
    return [*first, *others[: most - len(first)]]
