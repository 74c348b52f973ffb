"""Attempts with their grades, as JSONL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from studio.flow.exports.cases import Filter
from studio.store import views
from studio.store.tables import Store

FIELDS = (
    "question_id",
    "key",
    "question",
    "student",
    "text",
    "extracted",
    "gold",
    "verdict",
    "doubts",
)
_PAGE = 500


def attempt_rows(store: Store, wanted: Filter) -> Iterator[dict[str, Any]]:
    """Yield one row an attempt; one that is not graded yet has the verdict null."""
    found = store.rows(views.EXPORTED_ATTEMPTS, wanted.student, wanted.round)
    ids = [row["id"] for row in found]
    for start in range(0, len(ids), _PAGE):
        page = json.dumps(ids[start : start + _PAGE])
        for row in store.rows(views.EXPORTED_ATTEMPTS_PAGE, page):
            yield _row(row)


def _row(row: Any) -> dict[str, Any]:
    said = {
        "question_id": row["question_id"],
        "key": row["key"] or row["question_key"],
        "question": row["question"],
        "student": row["student"],
        "round": row["round"],
        "sample": row["sample"],
        "text": row["text"],
        "extracted": row["extracted"] or "",
        "gold": row["gold"],
        "verdict": row["verdict"],
        "doubts": [doubt["name"] for doubt in json.loads(row["doubts"] or "[]")],
    }
    return {**said, "source_verdict": row["source_verdict"]} if row["source_verdict"] else said
