"""StrategyQA: a JSON list of qid, question, answer (true or false), facts, decomposition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from studio.domain.records import AnswerKind, Question
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
    texts,
)
from studio.flow.formats.reading import json_rows


def claims(head: Head) -> bool:
    """Return whether a file that begins like this is StrategyQA."""
    return head.first.keys() >= {"qid", "question", "answer"}


def read(path: Path, options: Options) -> Iterator[Item | Fault]:
    """Yield the questions; facts and decomposition are kept as the gold rationale."""
    split = split_of(path, options)

    def convert(raw: Raw) -> Item:
        row = record(raw, "qid", "question", "answer")
        if not isinstance(row["answer"], bool):
            raise RowError("answer is neither true nor false")
        question = Question(
            text=text(row["question"], "question").strip(),
            gold="yes" if row["answer"] else "no",
            answer_kind=AnswerKind.YES_NO,
            split=split,
            dataset=options.dataset or "strategyqa",
            key=text(row["qid"], "qid"),
            gold_rationale=_worked(row),
        )
        return Item(raw.line, question)

    return each(json_rows(path), convert)


def _worked(row: Mapping[str, Any]) -> str:
    facts = " ".join(part.strip() for part in texts(row.get("facts") or [], "facts"))
    steps = [part.strip() for part in texts(row.get("decomposition") or [], "decomposition")]
    numbered = "\n".join(f"{n}. {step}" for n, step in enumerate(steps, start=1))
    return "\n".join(part for part in (facts, numbered) if part)


FORMAT = Format("strategyqa", claims, read)
