"""``example_model_solutions.jsonl`` of GSM8K: test questions with the answers of four models.

Every model becomes a student; the file's ``is_correct`` is kept as its own verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from studio.flow.formats.base import (
    Draft,
    Fault,
    Format,
    Head,
    Item,
    Options,
    Raw,
    RowError,
    each,
    name,
    record,
    split_of,
    text,
)
from studio.flow.formats.gsm8k import worked_question
from studio.flow.formats.reading import json_rows

_MARK = "A:"
_FIELDS = {"is_correct", "solution"}


def claims(head: Head) -> bool:
    """Return whether a file that begins like this holds model solutions."""
    return "ground_truth" in head.first and bool(_answers(head.first))


def read(path: Path, options: Options) -> Iterator[Item | Fault]:
    """Yield the questions, each with one attempt per model."""
    split = split_of(path, options, usual="test")

    def convert(raw: Raw) -> Item:
        row = record(raw, "question", "ground_truth")
        question = worked_question(row, "ground_truth", _MARK, split=split, options=options)
        return Item(raw.line, question, tuple(_attempts(row)))

    return each(json_rows(path), convert)


def _attempts(row: Mapping[str, Any]) -> Iterator[Draft]:
    for student, answer in _answers(row).items():
        if not isinstance(answer["is_correct"], bool):
            raise RowError(f"is_correct of {student} is neither true nor false")
        yield Draft(
            student=name(student, "student"),
            text=text(answer["solution"], f"solution of {student}", empty=True),
            source_verdict="correct" if answer["is_correct"] else "wrong",
        )


def _answers(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        field: value
        for field, value in row.items()
        if isinstance(value, dict) and value.keys() >= _FIELDS
    }


FORMAT = Format("gsm8k-solutions", claims, read)
