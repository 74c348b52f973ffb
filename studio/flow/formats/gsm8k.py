"""GSM8K: one ``{"question", "answer"}`` a line; gold stands after ``####``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from studio.domain.records import AnswerKind, Question, Split
from studio.flow.formats.base import (
    Fault,
    Format,
    Head,
    Item,
    Options,
    Raw,
    RowError,
    each,
    record,
    split_of,
    text,
)
from studio.flow.formats.reading import json_rows

MARK = "####"
_CALCULATOR = re.compile(r"<<[^<>]*>>")


def claims(head: Head) -> bool:
    """Return whether a file that begins like this is GSM8K."""
    return "question" in head.first and MARK in str(head.first.get("answer", ""))


def read(path: Path, options: Options) -> Iterator[Item | Fault]:
    """Yield the questions."""
    split = split_of(path, options)

    def convert(raw: Raw) -> Item:
        row = record(raw, "question", "answer")
        return Item(raw.line, worked_question(row, "answer", MARK, split=split, options=options))

    return each(json_rows(path), convert)


def worked_question(
    row: Mapping[str, Any], field: str, mark: str, *, split: Split, options: Options
) -> Question:
    """Return the question of a row whose solution ends on a mark and the gold answer.

    Args:
        field: that holds the solution.
    """
    worked, found, answer = text(row[field], field).rpartition(mark)
    if not found or not answer.strip():
        raise RowError(f"no gold answer after {mark!r} in {field}")
    return Question(
        text=text(row["question"], "question").strip(),
        gold=answer.strip(),
        answer_kind=AnswerKind.NUMBER,
        split=split,
        dataset=options.dataset or "gsm8k",
        gold_rationale=without_calculator(worked),
    )


def without_calculator(worked: str) -> str:
    """Return a worked solution without the marks ``<<48/2=24>>``."""
    return _CALCULATOR.sub("", worked).strip()


FORMAT = Format("gsm8k", claims, read)
