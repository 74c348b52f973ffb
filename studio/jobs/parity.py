"""Whether what was exported answers as the student here does: the same prompts, greedily, through
both, and the differences shown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.jobs.decode import decode
from studio.jobs.student import Student

if TYPE_CHECKING:
    from studio.domain.specs import ExportSpec

TOKENS = 64  #: of each answer
Answers = dict[str, str]


def answers(student: Student, rows: Sequence[Mapping[str, Any]]) -> Answers:
    """Return a student's answer to each row of a questions file, by key."""
    student.model.eval()
    prompts = [student.prompt_ids(row["messages"]) for row in rows]
    replies = decode(student, prompts, max_new_tokens=TOKENS) if rows else []
    assert replies is not None  # nobody asked it to stop
    return {
        str(row["key"]): str(student.tokenizer.decode(reply.ids, skip_special_tokens=True))
        for row, reply in zip(rows, replies, strict=True)
    }


def compare(ours: Answers, exported: Mapping[str, Answers]) -> dict[str, Any]:
    """Return what each exported form answers, beside ours."""
    return {
        "tokens": TOKENS,
        "same": {
            form: sum(said[key] == text for key, text in ours.items())
            for form, said in exported.items()
        },
        "prompts": len(ours),
        "answers": [
            {"key": key, "ours": text, **{form: said[key] for form, said in exported.items()}}
            for key, text in ours.items()
        ],
    }


def in_words(found: Mapping[str, Any]) -> str:
    """Return the comparison as a sentence for each form."""
    n = found["prompts"]
    return "; ".join(
        f"{form}: {same} of {n} answers are ours to the letter"
        + ("" if same == n else " (parity.json shows the others)")
        for form, same in found["same"].items()
    )


def write(place: Path, found: Mapping[str, Any], spec: ExportSpec) -> None:
    """Write the comparison beside what it is about."""
    told = {"precision": spec.precision, **found}
    place.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
