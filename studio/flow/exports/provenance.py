"""Where each exported row comes from, in a file of its own outside the data folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from studio.flow.exports.cases import Case
from studio.flow.exports.pairs import Rejected


class Sidecar:
    """A JSONL file written row by row while the data file beside it is."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", newline="\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, row: Mapping[str, Any]) -> None:
        """Add one row."""
        self._file.write(json.dumps(row, ensure_ascii=False) + "\n")


def provenance(
    case: Case, *, part: str, row: int, exam_hash: str, rejected: Rejected | None = None
) -> dict[str, Any]:
    """Return all that led to one row.

    Args:
        row: its number within the part, from 0.
        exam_hash: of the template the row's prompt was filled from.
    """
    made = case.rationale
    said: dict[str, Any] = {
        "part": part,
        "row": row,
        "question_id": case.question.id,
        "question_key": case.question.key,
        "dataset": case.question.dataset,
        "attempts": list(case.attempts),
        "rationale_id": made.id,
        "rationale_key": made.key,
        "sample": made.sample,
        "revision": made.revision,
        "edited_by": made.edited_by,
        "teacher": made.teacher,
        "call_id": made.call_id,
        "prompt_hash": made.prompt_hash,
        "exam_hash": exam_hash,
        "truncated": made.truncated,
        "reviews": list(case.reviews),
        "score": case.score,
        "own_answer": case.verdict,
        "policy_version": case.policy_version,
        "decision": case.decision,
        "reason": case.reason,
        "override": None
        if case.human is None
        else {"accepted": case.human, "reason": case.human_reason},
    }
    return said if rejected is None else {**said, "rejected_id": rejected.id}
