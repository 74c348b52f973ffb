"""SVAMP: a JSON list of Body, Question, Answer, Equation, Type; the question is body + question."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from studio.domain.records import AnswerKind, Question
from studio.flow.formats.answers import plain
from studio.flow.formats.base import (
    Fault,
    Format,
    Head,
    Item,
    Options,
    Raw,
    each,
    record,
    split_of,
    text,
)
from studio.flow.formats.reading import json_rows

_FIELDS = ("Body", "Question", "Answer")


def claims(head: Head) -> bool:
    """Return whether a file that begins like this is SVAMP."""
    return head.first.keys() >= set(_FIELDS)


def read(path: Path, options: Options) -> Iterator[Item | Fault]:
    """Yield the questions; the equation is kept as the gold rationale."""
    split = split_of(path, options)

    def convert(raw: Raw) -> Item:
        row = record(raw, *_FIELDS)
        body = text(row["Body"], "Body", empty=True).strip()
        question = Question(
            text=f"{body} {text(row['Question'], 'Question').strip()}".strip(),
            gold=plain(row["Answer"]),
            answer_kind=AnswerKind.NUMBER,
            split=split,
            dataset=options.dataset or "svamp",
            kind=text(row.get("Type"), "Type", empty=True),
            key=text(row.get("ID"), "ID", empty=True),
            gold_rationale=text(row.get("Equation"), "Equation", empty=True),
        )
        return Item(raw.line, question)

    return each(json_rows(path), convert)


FORMAT = Format("svamp", claims, read)
