"""Columns of JSONL, CSV and Parquet files of any making: one row a question.

A column is named like ours, or mapped. Required: question, answer. Optional: context, options (a
list, or parts divided by ``|``), split, key, kind, response (an attempt, of the student named in
the column student) and rationale (a solution, of the teacher named in the column teacher, that is
reviewed and decided on like any other).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.domain.errors import ImportRefused
from studio.domain.records import Question, Split
from studio.flow.formats.answers import gold, plain, unlabelled
from studio.flow.formats.base import (
    IMPORTED,
    NONE,
    Draft,
    Item,
    Options,
    Raw,
    RowError,
    Solution,
    name,
    text,
    texts,
)

REQUIRED = ("question", "answer")
OPTIONAL = (
    "context",
    "options",
    "split",
    "key",
    "kind",
    "response",
    "student",
    "rationale",
    "teacher",
)
#: What others call these columns, likeliest first.
_ALSO_CALLED = {
    "question": ("problem", "prompt", "query", "input", "instruction", "text", "q"),
    "answer": ("gold", "target", "label", "expected", "final_answer", "solution", "output", "a"),
    "context": ("passage", "background"),
    "options": ("choices", "alternatives"),
    "split": ("subset",),
    "key": ("id", "qid", "uid"),
    "kind": ("type", "category", "topic", "subject"),
    "response": ("prediction", "model_answer", "completion"),
    "student": ("model",),
    "rationale": ("reasoning", "explanation", "cot"),
}
_SPLITS: dict[str, Split] = {
    "train": "train", "training": "train", "test": "test", "validation": "test", "valid": "test",
    "dev": "test", "eval": "test",
}  # fmt: skip


def guessed(columns: Sequence[str]) -> dict[str, str]:
    """Return which column probably holds what: named like ours, or as others call it."""
    lower = {column.strip().lower(): column for column in columns}
    found: dict[str, str] = {}
    for ours in REQUIRED + OPTIONAL:
        names = (ours, *_ALSO_CALLED.get(ours, ()))
        name = next(
            (name for name in names if lower.get(name) not in (None, *found.values())), None
        )
        if name is not None:
            found[ours] = lower[name]
    return found


def mapped(columns: Sequence[str], path: Path, options: Options) -> dict[str, str]:
    """Return which column holds what; raises ImportRefused when a needed one is not there."""
    unknown = [ours for ours in options.columns if ours not in REQUIRED + OPTIONAL]
    if unknown:
        raise ImportRefused(
            str(path), f"--map {unknown[0]}: choose of {', '.join(REQUIRED + OPTIONAL)}"
        )
    lower = {column.strip().lower(): column for column in columns}
    places: dict[str, str] = {}
    for ours in REQUIRED + OPTIONAL:
        wanted = options.columns.get(ours)
        column = lower.get(ours) if wanted is None else wanted
        if column in columns:
            places[ours] = str(column)
        elif wanted is not None or ours in REQUIRED:
            have = " ".join(", ".join(columns)[:200].split()) or "none"
            raise ImportRefused(
                str(path),
                f"no column {wanted or ours!r} (there are: {have}):"
                f" name it with --map {ours}={guessed(columns).get(ours, 'COLUMN')}",
                line=1,
            )
    return places


def item(raw: Raw, row: Mapping[str, Any], *, options: Options, usual: Split) -> Item:
    """Return one row, its cells already named like ours, as an item; raises RowError."""
    choices = _options(row.get("options"))
    answer = gold(_filled(row, "answer"), choices)
    question = Question(
        text=text(_filled(row, "question"), "question").strip(),
        gold=answer.text,
        answer_kind=answer.kind,
        context=_optional(row, "context"),
        options=choices,
        split=options.split or _split(row.get("split"), usual),
        dataset=options.dataset or "questions",
        kind=_optional(row, "kind"),
        key=_optional(row, "key"),
    )
    return Item(raw.line, question, tuple(_attempts(row, question.key)), _rationales(row))


def _attempts(row: Mapping[str, Any], key: str) -> Iterator[Draft]:
    if row.get("response") is not None:
        response = text(row["response"], "response", empty=True)
        yield Draft(_named(row, "student"), response, key=key)


def _rationales(row: Mapping[str, Any]) -> Mapping[str, Solution]:
    words = text(row.get("rationale"), "rationale", empty=True)
    return {_named(row, "teacher"): Solution(words)} if words.strip() else NONE


def _options(value: object) -> tuple[str, ...]:
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            raise RowError("options begins like a JSON list and is none") from None
    elif isinstance(value, str):
        value = [part for part in value.split("|") if part.strip()]
    parts = texts(value or [], "options")
    if len(parts) == 1 or len(parts) > 26:
        raise RowError(f"options has {len(parts)} where 2 to 26 are expected")
    bare = tuple(unlabelled(part, n) for n, part in enumerate(parts))
    # "a.m." at the first place bears no letter: where they are letters, every option has its own.
    is_lettered = all(one != part.strip() for one, part in zip(bare, parts, strict=True))
    return bare if is_lettered else tuple(part.strip() for part in parts)


def _split(value: object, usual: Split) -> Split:
    if value is None or value == "":
        return usual
    try:
        return _SPLITS[str(value).strip().lower()]
    except KeyError:
        raise RowError(f"split {value!r} is neither train nor test"[:120]) from None


def _filled(row: Mapping[str, Any], column: str) -> object:
    value = row.get(column)
    if value is None:
        raise RowError(f"{column} is empty")
    return value


def _optional(row: Mapping[str, Any], column: str) -> str:
    value = row.get(column)
    return "" if value is None else text(_texted(value), column, empty=True).strip()


def _named(row: Mapping[str, Any], what: str) -> str:
    said = _optional(row, what)
    return name(said, what) if said else IMPORTED


def _texted(value: object) -> object:
    return plain(value) if isinstance(value, bool | int | float) else value
