"""``example_model_solutions.jsonl`` of GSM8K: test questions with the answers of four models.

Every model becomes a student; the file's ``is_correct`` is kept as its own verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from studio.domain.records import AnswerKind, Question
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
from studio.flow.formats.gsm8k import without_calculator
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
        worked, mark, answer = text(row["ground_truth"], "ground_truth").rpartition(_MARK)
        if not mark or not answer.strip():
            raise RowError(f"no gold answer after {_MARK!r} in ground_truth")
        question = Question(
            text=text(row["question"], "question").strip(),
            gold=answer.strip(),
            answer_kind=AnswerKind.NUMBER,
            split=split,
            dataset=options.dataset or "gsm8k",
            gold_rationale=without_calculator(worked),
        )
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
